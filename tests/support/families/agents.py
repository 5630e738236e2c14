"""The agents of both frameworks, and what users of each family give to a model."""

import asyncio
import json
import warnings

import pytest
from langchain.agents import create_agent
from langchain_core.load import dumpd, load
from langchain_core.messages import messages_from_dict, messages_to_dict
from langchain_core.tools import tool
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.tools import FunctionTool

from holysheep_core import Timeouts
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.families import family_of
from support.families.script import COUNT, MILK, WOOL

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it says that `create_agent` takes its place
    from langgraph.prebuilt import create_react_agent

GIVEN = {"max_tokens": 2048, "temperature": 0.2}
"""What users give to every model, in OpenAI's words."""
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
CASES = {
    "gpt-5": ("gpt-5", {"reasoning_effort": "low", "verbosity": "low"}),
    "o4-mini": ("o4-mini", {"reasoning_effort": "low", "parallel_tool_calls": False}),
    "claude": ("claude-sonnet-4.5", {"top_p": 0.9}),
    "claude thinking": ("claude-sonnet-4.5", THINKING),
    "claude 4.6": ("claude-opus-4.6", {}),
    "claude 4.7": ("claude-opus-4.7", {}),
    "claude 5.5": ("claude-opus-5.5", {}),
    "gemini": ("gemini-3-pro", {"reasoning_effort": "low"}),
    "deepseek": ("deepseek-reasoner", {"thinking": {"type": "enabled"}}),
    "deepseek v4": ("deepseek-v4-pro", {}),
    "mistral": ("mistral-large-2411", {"safe_prompt": True, "random_seed": 7}),
    "relay": ("llama-3.3-70b", {"service_tier": "auto", "seed": 7}),
}
"""Of each case, the model and the fields that its users add."""
NAMES = [
    ("gpt-5", "openai/gpt-5-2025-08-07"),
    ("claude thinking", "anthropic/claude-sonnet-4.5"),
    ("claude thinking", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("claude 4.6", "claude-opus-4-6"),
    ("gemini", "google/gemini-3-pro-preview"),
    ("deepseek", "deepseek-ai/DeepSeek-R1"),
    ("mistral", "mistralai/Mistral-Large-Instruct-2411"),
    ("relay", "meta-llama/Llama-3.3-70B-Instruct"),
]
"""Names that gateways and clouds give to the models."""
SIX = ("gpt-5", "claude thinking", "gemini", "deepseek", "mistral", "relay")
PAIRS = [(one, other) for one in SIX for other in SIX if one != other]
NEWER_PAIRS = [(one, new) for new in ("deepseek v4", "claude 5.5") for one in (*SIX, new)]
"""Newer models, which look at all of a history and not only at its last turn."""
FALLBACKS = [
    *PAIRS,
    ("claude thinking", "claude 4.7"),
    ("claude thinking", "claude 5.5"),
    ("claude 5.5", "claude"),
    ("deepseek", "deepseek v4"),
    ("gpt-5", "deepseek v4"),
]
"""From one family to another, and to another version of the same."""
STRICTEST = (*SIX, "claude 5.5", "deepseek v4")
THINKERS = ("claude thinking", "claude 5.5", "deepseek", "deepseek v4")


class Tools:
    """The two tools of the agent, for both frameworks, and every time they ran."""

    def __init__(self):
        self.ran = ran = []

        def count(flock: str) -> int:
            """Count the sheep of a flock."""
            ran.append(("count", {"flock": flock}))
            return 42

        def price(item: str, n: int) -> str:
            """Return what some goods bring."""
            ran.append(("price", {"item": item, "n": n}))
            return f"{7 * n} crowns"

        self.langchain = [tool(count), tool(price)]
        self.llamaindex = [FunctionTool.from_defaults(count), FunctionTool.from_defaults(price)]

    def ran_as_wanted_by(self, model):
        """Tell whether each call of a model's script was run once."""
        wanted = [COUNT, WOOL, MILK] if family_of(model).PARALLEL else [COUNT, WOOL]
        return sorted(self.ran, key=json.dumps) == sorted(wanted, key=json.dumps)


def model_of(case):
    return CASES[case][0]


def langchain(server, case, **settings):
    model, extra = CASES[case]
    given = {**GIVEN, "model": model, "extra_body": extra, "fallback_models": [], **settings}
    return ChatHolySheep(api_key="k", base_url=server.url, timeouts=Timeouts(read=5), **given)


def llamaindex(server, case, **settings):
    model, extra = CASES[case]
    extra = settings.pop("extra_body", extra)
    given = {**GIVEN, "model": model, "additional_kwargs": extra, "fallback_models": [], **settings}
    return HolySheep(api_key="k", api_base=server.url, timeouts=Timeouts(read=5), **given)


# Each way takes a model, the tools, a question and a history, and returns the final text and
# the history after it.


def by_create_agent(llm, tools, question, history=()):
    state = create_agent(llm, tools.langchain).invoke({"messages": [*history, ("user", question)]})
    return state["messages"][-1].text, state["messages"]


def by_create_agent_async(llm, tools, question, history=()):
    agent = create_agent(llm, tools.langchain)
    state = asyncio.run(agent.ainvoke({"messages": [*history, ("user", question)]}))
    return state["messages"][-1].text, state["messages"]


def react_agent(llm, tools):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return create_react_agent(llm, tools.langchain)


def by_react_agent(llm, tools, question, history=()):
    state = react_agent(llm, tools).invoke({"messages": [*history, ("user", question)]})
    return state["messages"][-1].text, state["messages"]


def by_react_agent_async(llm, tools, question, history=()):
    agent = react_agent(llm, tools)
    state = asyncio.run(agent.ainvoke({"messages": [*history, ("user", question)]}))
    return state["messages"][-1].text, state["messages"]


def by_function_agent(llm, tools, question, history=()):
    async def go():
        memory = ChatMemoryBuffer.from_defaults(chat_history=list(history), token_limit=100_000)
        agent = FunctionAgent(llm=llm, tools=tools.llamaindex)
        result = await agent.run(question, memory=memory)
        return result.response.content, await memory.aget()

    return asyncio.run(go())


WAYS = {
    "create_agent": by_create_agent,
    "create_agent async": by_create_agent_async,
    "react": by_react_agent,
    "react async": by_react_agent_async,
    "FunctionAgent": by_function_agent,
}
FEW = ("create_agent", "FunctionAgent")
RUNS = [(case, way) for case in CASES for way in (WAYS if case in SIX else FEW)]
either_framework = pytest.mark.parametrize("way", ["create_agent", "FunctionAgent"])


def maker(way):
    """Return what makes the model of a way's framework."""
    return llamaindex if way == "FunctionAgent" else langchain


def run(server, call, *args, **kwargs):
    """Carry out a call; if it fails, show what the servers refused."""
    try:
        return call(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 - whatever it is, the refusals explain it
        told = "".join(
            f"\n  {model}: {json.dumps(refusal[1], ensure_ascii=False)[:400]}"
            for model, refusal in server.refusals
        )
        pytest.fail(f"{type(error).__name__}: {str(error)[:300]}{told}", pytrace=False)


# -- storage, and single steps ---------------------------------------------------------------------


def stored(way, history):
    """Return a history as the framework's own storage gives it back."""
    if way == "FunctionAgent":
        texts = [message.model_dump_json() for message in history]
        return [ChatMessage.model_validate_json(text) for text in texts]
    return messages_from_dict(json.loads(json.dumps(messages_to_dict(history))))


def by_dicts(messages):
    return stored("create_agent", messages)


def by_dumpd(messages):
    return [load(json.loads(json.dumps(dumpd(message)))) for message in messages]


def langchain_step(llm, messages, way):
    async def chunks():
        return [chunk async for chunk in llm.astream(messages)]

    if way == "ainvoke":
        return asyncio.run(llm.ainvoke(messages))
    if way == "invoke":
        return llm.invoke(messages)
    first, *more = list(llm.stream(messages)) if way == "stream" else asyncio.run(chunks())
    return sum(more, first)


def llamaindex_step(llm, tools, messages, way):
    async def aside():
        if way == "achat":
            return await llm.achat_with_tools(tools, chat_history=messages)
        stream = await llm.astream_chat_with_tools(tools, chat_history=messages)
        return [response async for response in stream][-1]

    if way.startswith("a"):
        return asyncio.run(aside())
    if way == "chat":
        return llm.chat_with_tools(tools, chat_history=messages)
    return list(llm.stream_chat_with_tools(tools, chat_history=messages))[-1]
