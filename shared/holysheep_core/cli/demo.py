"""`holysheep demo`: four streams that break, with ordinary clients and with this one.

Everything runs on this machine, against the simulator; a ✓ means that the text was compared with
the model's answer and is equal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from rich.console import Console
from rich.markup import escape

from holysheep_core import Timeouts
from holysheep_core.cli.demo_output import Stage, attempt
from holysheep_core.cli.words import Words
from holysheep_core.simulator import Scenario, Simulator, cut, refuse, stall

PACE = 0.02
_STALL = 1.2
_BREAKS = [cut(at=31, by="eof"), stall(at=40, seconds=60, keepalive=True)]


def run_all(console: Console, words: Words | None = None) -> bool:
    """Run the demo; return whether every step passed.

    Args:
        console: Receives the output.
        words: The language; English by default.
    """
    words = words or Words()
    missing = [
        package
        for module, package in (
            ("langchain_core", '"holysheep[langchain]"'),
            ("llama_index.core", '"holysheep[llamaindex]"'),
        )
        if not _installed(module)
    ]
    if missing:
        packages = words("demo_needs", packages=" ".join(missing))
        console.print(f"[red]{escape(packages)}[/]")  # an extra's brackets are not markup
        return False
    stage = Stage(console, words)
    stage.title("holysheep demo", words("demo_about"))
    with Simulator() as simulator:
        langchain_chain(stage, simulator)
        llamaindex_chat(stage, simulator)
        downgrade(stage, simulator)
        agent_tool_call(stage, simulator)
    console.print()
    total = stage.passed + stage.failed
    stage.say(
        words("whole", passed=stage.passed, total=total),
        "bold green" if not stage.failed else "bold red",
    )
    return not stage.failed


def langchain_chain(stage: Stage, simulator: Simulator) -> None:
    """An answer, ended early and then stalled, in a LangChain chain."""
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    from langchain_holysheep import ChatHolySheep

    words = stage.words
    stage.step(1, words("step_chain"), words("fault_chain"))
    scenario = Scenario(text=words("demo_answer"), faults=_BREAKS, delay=PACE, piece=2)
    prompt = ChatPromptTemplate.from_messages([("human", "{question}")])

    def chain(model: Any) -> Iterator[str]:
        yield from (prompt | model | StrOutputParser()).stream({"question": words("demo_question")})

    stage.heading("ChatOpenAI")
    if _installed("langchain_openai"):
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        model = ChatOpenAI(
            model="gpt-4.1",
            api_key=SecretStr("any"),
            base_url=simulator.add(scenario).base_url,
        )
        _judge_ordinary(stage, stage.stream(chain(model), "yellow"))
    else:
        stage.say(words("half_answer"))

    stage.heading("ChatHolySheep")
    ours = ChatHolySheep(
        model="gpt-4.1",
        api_key="any",
        base_url=simulator.add(scenario).base_url,
        timeouts=Timeouts(stall=_STALL),
        on_event=stage.on_event,
    )
    _judge(stage, stage.stream(chain(ours), "green"), words("demo_answer"))


def llamaindex_chat(stage: Stage, simulator: Simulator) -> None:
    """The same in LlamaIndex, through its chat engine."""
    from llama_index.core.chat_engine import SimpleChatEngine

    from llamaindex_holysheep import HolySheep

    words = stage.words
    stage.step(2, words("step_chat"), words("fault_chat"))
    scenario = Scenario(text=words("demo_answer"), faults=_BREAKS, delay=PACE, piece=2)

    def chat(llm: Any) -> Iterator[str]:
        engine = SimpleChatEngine.from_defaults(llm=llm)
        yield from engine.stream_chat(words("demo_question")).response_gen

    stage.heading("OpenAILike")
    if _installed("llama_index.llms.openai_like"):
        from llama_index.llms.openai_like import OpenAILike

        llm = OpenAILike(
            model="gpt-4.1",
            api_key="any",
            api_base=simulator.add(scenario).base_url,
            is_chat_model=True,
        )
        _judge_ordinary(stage, stage.stream(chat(llm), "yellow"))
    else:
        stage.say(words("half_answer"))

    stage.heading("HolySheep")
    ours = HolySheep(
        model="gpt-4.1",
        api_key="any",
        api_base=simulator.add(scenario).base_url,
        timeouts=Timeouts(stall=_STALL),
        on_event=stage.on_event,
    )
    _judge(stage, stage.stream(chat(ours), "green"), words("demo_answer"))


def downgrade(stage: Stage, simulator: Simulator) -> None:
    """A 429 with a long Retry-After."""
    from langchain_holysheep import ChatHolySheep

    words = stage.words
    stage.step(3, words("step_limit"), words("fault_limit"))
    faults = [refuse(429, retry_after=40, code="rate_limit_exceeded", model="gpt-4.1", times=None)]
    scenario = Scenario(text=words("demo_short"), faults=faults, delay=PACE, piece=2)

    stage.heading("ChatOpenAI")
    if _installed("langchain_openai"):
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        model = ChatOpenAI(
            model="gpt-4.1",
            api_key=SecretStr("any"),
            base_url=simulator.add(scenario).base_url,
            max_retries=0,  # a demo cannot wait 80 s
        )
        stage.stream((chunk.text for chunk in model.stream(words("demo_question"))), "yellow")
        stage.ordinary(words("would_wait"))
    else:
        stage.say(words("waits"))

    stage.heading("ChatHolySheep")
    ours = ChatHolySheep(
        model="gpt-4.1",
        api_key="any",
        base_url=simulator.add(scenario).base_url,
        on_event=stage.on_event,
    )
    pieces = (chunk.text for chunk in ours.stream(words("demo_question")))
    _judge(stage, stage.stream(pieces, "green"), words("demo_short"))


def agent_tool_call(stage: Stage, simulator: Simulator) -> None:
    """A tool call cut inside its arguments, in a LlamaIndex agent."""
    from llamaindex_holysheep import HolySheep

    words = stage.words
    stage.step(4, words("step_agent", part='{"amount": 1'), words("fault_agent"))
    call = '{"amount": 1000}'
    scenario = Scenario(
        text="",
        tool_calls=[("pay", call)],
        faults=[cut(at=call.index("000"), by="eof")],
        piece=3,
    )

    stage.heading("FunctionAgent with OpenAILike")
    if _installed("llama_index.llms.openai_like"):
        from llama_index.llms.openai_like import OpenAILike

        llm = OpenAILike(
            model="gpt-4.1",
            api_key="any",
            api_base=simulator.add(scenario).base_url,
            is_chat_model=True,
            is_function_calling_model=True,
        )
        paid = attempt(lambda: _run_agent(llm))
        stage.ordinary(words("paid", amounts=paid), good=paid == "[1000]")
    else:
        stage.say(words("pays_one"))

    stage.heading("FunctionAgent with HolySheep")
    ours = HolySheep(
        model="gpt-4.1",
        api_key="any",
        api_base=simulator.add(scenario).base_url,
        on_event=stage.on_event,
    )
    paid = attempt(lambda: _run_agent(ours))
    stage.tell_events()
    stage.verdict(words("paid_whole", amounts=paid), good=paid == "[1000]")


def _run_agent(llm: Any) -> str:
    from llama_index.core.agent.workflow import FunctionAgent

    paid: list[int] = []

    def pay(amount: int) -> str:
        """Pay an amount of won."""
        paid.append(amount)
        return "done"

    async def run() -> None:
        agent = FunctionAgent(tools=[pay], llm=llm, system_prompt="You pay bills.")
        await agent.run("Pay 1000 won.")

    asyncio.run(run())
    return str(paid)


def _judge_ordinary(stage: Stage, text: str) -> None:
    truth = stage.words("demo_answer")
    said = stage.words("reached", count=len(text), total=len(truth))
    stage.ordinary(said, good=text == truth)


def _judge(stage: Stage, text: str, truth: str) -> None:
    stage.tell_events()
    good = text == truth
    counts = {"count": len(text), "total": len(truth)}
    said = stage.words("in_order", **counts)
    if not good:
        said = stage.words("not_the_same", **counts, text=repr(text))
    stage.verdict(said, good=good)


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
