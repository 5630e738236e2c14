"""Agents at strict servers of six families: every tool runs once, and the answer is whole.

The servers (`support.families`) refuse what real ones refuse. A failure shows what they refused.
"""

from itertools import product

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel

from support.families import family_of
from support.families.agents import (
    CASES,
    FALLBACKS,
    FEW,
    NAMES,
    NEWER_PAIRS,
    PAIRS,
    RUNS,
    SIX,
    STRICTEST,
    THINKERS,
    THINKING,
    WAYS,
    Tools,
    by_dicts,
    by_dumpd,
    either_framework,
    langchain,
    langchain_step,
    llamaindex,
    llamaindex_step,
    maker,
    model_of,
    run,
    stored,
)
from support.families.histories import HISTORIES, for_langchain, for_llamaindex
from support.families.refused import REFUSED, TAKEN
from support.families.script import NEXT_QUESTION, PAYMENT, QUESTION, TEXTS, THOUGHTS
from support.families.server import Cut, FamilyServer

STEPS = (1, 2, 3)
CUTS = {
    "uncut": [],
    "text": [Cut(step, "text", len(TEXTS[step - 1]) // 2) for step in STEPS],
    "arguments": [Cut(1, "arguments", 9), Cut(2, "arguments", 9), Cut(3, "text", 250)],
    "reasoning": [Cut(step, "reasoning", len(THOUGHTS[step - 1]) // 2) for step in STEPS],
}
MORE_CUTS = {
    "first words": [Cut(step, "text", 1) for step in STEPS],
    "last words": [Cut(step, "text", len(TEXTS[step - 1])) for step in STEPS],
    "twice": [Cut(step, "text", at) for step in STEPS for at in (20, 30)],
    "text, then arguments": [
        Cut(s, w, at) for s in (1, 2) for w, at in (("text", 40), ("arguments", 3))
    ],
    "end of the arguments": [Cut(1, "arguments", 17), Cut(2, "arguments", 24)],
}
every_case = pytest.mark.parametrize("case", CASES)
every_family = pytest.mark.parametrize("case", SIX)


def check_run(server, case, way, *, question=QUESTION, history=(), played=None, **settings):
    """Run an agent; it must end with the whole answer, after each of its calls ran once."""
    tools, llm = Tools(), maker(way)(server, case, **settings)
    text, after = run(server, WAYS[way], llm, tools, question, history)
    assert text == TEXTS[2], server.refusals
    assert tools.ran_as_wanted_by(model_of(played or case)), (tools.ran, server.refusals)
    return after


@pytest.mark.parametrize(("model", "messages", "params", "words"), REFUSED)
def test_a_server_refuses_what_its_family_refuses(model, messages, params, words):
    status, error = family_of(model).check({"model": model, "messages": messages, **params})
    assert status in (400, 422)
    assert words in str(error)


@pytest.mark.parametrize(("model", "messages", "params"), TAKEN)
def test_a_server_takes_what_its_family_takes(model, messages, params):
    assert family_of(model).check({"model": model, "messages": messages, **params}) is None


@pytest.mark.parametrize(
    ("case", "way", "cut"),
    [
        (case, way, cut)
        for case, way in RUNS
        for cut in CUTS
        if cut != "reasoning" or case in THINKERS  # the others show none
    ],
)
def test_an_agent_runs_each_tool_once_and_ends_with_the_whole_answer(case, way, cut):
    with FamilyServer(CUTS[cut]) as server:
        check_run(server, case, way)
        assert not server.cuts_left


@pytest.mark.parametrize("cut", MORE_CUTS)
@either_framework
@every_family
def test_an_agent_may_be_cut_at_the_edges_and_more_than_once(case, way, cut):
    with FamilyServer(MORE_CUTS[cut]) as server:
        check_run(server, case, way)


@either_framework
@every_case
def test_a_prefill_that_is_asked_for_is_given_up_where_it_is_refused(case, way):
    with FamilyServer(CUTS["text"]) as server:
        check_run(server, case, way, resume={"prefill": True})


@either_framework
@pytest.mark.parametrize(("first", "second"), PAIRS + NEWER_PAIRS)
def test_a_conversation_goes_on_at_another_family(first, second, way):
    with FamilyServer() as server:
        history = check_run(server, first, way)
        check_run(server, second, way, question=NEXT_QUESTION, history=stored(way, history))


@pytest.mark.parametrize(("way", "answers"), [*product(FEW[:1], (0, 1, 2)), (FEW[1], 1)])
@pytest.mark.parametrize(("asked", "fallback"), FALLBACKS)
def test_after_a_429_the_other_family_takes_over_in_the_middle_of_a_run(
    asked, fallback, way, answers
):
    other, cuts = model_of(fallback), CUTS["text"][answers:] if answers else []
    with FamilyServer(cuts, limited={model_of(asked): answers}) as server:
        played = asked if answers == 2 else fallback
        check_run(server, asked, way, fallback_models=[other], played=played)
        assert {seen.model for seen in server.requests if seen.step} <= {other, model_of(asked)}


@either_framework
@pytest.mark.parametrize(("case", "name"), NAMES)
def test_a_family_is_known_by_the_names_that_gateways_give_its_models(case, name, way):
    with FamilyServer(CUTS["text"], aliases={name: model_of(case)}) as server:
        check_run(server, case, way, model=name)


@either_framework
@every_case
def test_what_a_model_of_any_name_refuses_is_learned_from_its_words(case, way):
    with FamilyServer(CUTS["text"], aliases={"house-model": model_of(case)}) as server:
        check_run(server, case, way, model="house-model")


@pytest.mark.parametrize("answers", [0, 1])
@either_framework
@pytest.mark.parametrize(("asked", "fallback"), [p for p in PAIRS if p[0] in ("gpt-5", "relay")])
def test_a_fallback_of_any_name_takes_over_in_the_middle_of_a_run(asked, fallback, way, answers):
    aliases, limited = {"house-model": model_of(fallback)}, {model_of(asked): answers}
    with FamilyServer(limited=limited, aliases=aliases) as server:
        check_run(server, asked, way, fallback_models=["house-model"], played=fallback)


@pytest.mark.parametrize("storage", [by_dicts, by_dumpd])
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
@every_family
def test_a_langchain_history_may_be_stored_after_every_step(case, way, storage):
    tools, messages = Tools(), [HumanMessage(QUESTION)]
    named = {each.name: each for each in tools.langchain}
    with FamilyServer() as server:
        for _ in STEPS:
            llm = langchain(server, case).bind_tools(tools.langchain)
            reply = run(server, langchain_step, llm, messages, way)
            calls = [(c["id"], named[c["name"]].invoke(c["args"])) for c in reply.tool_calls]
            results = [ToolMessage(str(value), tool_call_id=each) for each, value in calls]
            messages = storage([*messages, reply, *results])
        assert messages[-1].text == TEXTS[2]
        check_given_back(case, server)


@pytest.mark.parametrize("way", ["chat", "stream", "achat", "astream"])
@every_family
def test_a_llamaindex_history_may_be_stored_after_every_step(case, way):
    tools, messages = Tools(), [ChatMessage(QUESTION)]
    named = {each.metadata.name: each for each in tools.llamaindex}
    with FamilyServer() as server:
        for _ in STEPS:
            llm = llamaindex(server, case)
            response = run(server, llamaindex_step, llm, tools.llamaindex, messages, way)
            calls = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
            results = [
                ChatMessage(
                    role="tool",
                    content=str(named[each.tool_name](**each.tool_kwargs)),
                    additional_kwargs={"tool_call_id": each.tool_id},
                )
                for each in calls
            ]
            messages = stored("FunctionAgent", [*messages, response.message, *results])
        assert messages[-1].content == TEXTS[2]
        check_given_back(case, server)


def check_given_back(case, server):
    """What the server attached to its turns came back as it was, and no placeholder."""
    last = server.requests[-1].body["messages"]
    first, second = [message for message in last if message["role"] == "assistant"]
    if case == "deepseek":
        assert [m["reasoning_content"] for m in (first, second)] == list(THOUGHTS[:2])
    if case == "gemini":
        signed = [m["tool_calls"][0]["extra_content"]["google"] for m in (first, second)]
        assert all(s["thought_signature"].startswith("CuIB") for s in signed)
    if case == "claude thinking":
        blocks = [m["thinking_blocks"][0]["thinking"] for m in (first, second)]
        assert blocks == list(THOUGHTS[:2])


# -- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize("history", HISTORIES)
@either_framework
@pytest.mark.parametrize("case", STRICTEST)
def test_a_history_that_a_family_refuses_is_sent_as_it_takes_it(case, way, history):
    convert = for_llamaindex if way == "FunctionAgent" else for_langchain
    messages, tools = convert(HISTORIES[history]), Tools()
    with FamilyServer() as server:
        llm = maker(way)(server, case)
        if way == "FunctionAgent":
            response = run(server, llm.chat_with_tools, tools.llamaindex, chat_history=messages)
            calls = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
            assert [each.tool_name for each in calls][:1] == ["count"]
        else:
            reply = run(server, llm.bind_tools(tools.langchain).invoke, messages)
            assert [each["name"] for each in reply.tool_calls][:1] == ["count"]


class Payment(BaseModel):
    """A payment."""

    amount: int
    to: str


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode", "predict"])
@every_case
def test_structured_output_comes_from_every_family(case, method):
    with FamilyServer() as server:
        if method == "predict":
            llm, ask = llamaindex(server, case), PromptTemplate("Pay 1000 to 'Baa'.")
            paid = run(server, llm.structured_predict, Payment, ask)
        else:
            llm = langchain(server, case).with_structured_output(Payment, method=method)
            paid = run(server, llm.invoke, "Pay 1000 to 'Baa', as JSON.")
        assert paid == Payment(**PAYMENT[1]), server.refusals


class Goods(BaseModel):
    """Some goods."""

    item: str
    colour: str | None = None


def with_goods(goods: list[Goods], prices: dict[str, float]) -> int:
    """Count what was sold."""
    return 0


@pytest.mark.parametrize("strict", [False, True])
@every_case
def test_a_tool_with_nested_arguments_is_offered_to_every_family(case, strict):
    with FamilyServer() as server:
        llm = langchain(server, case).bind_tools(
            [with_goods], **({"strict": True} if strict else {})
        )
        assert run(server, llm.invoke, QUESTION).tool_calls, server.refusals
        tool = FunctionTool.from_defaults(with_goods)
        other = llamaindex(server, case)
        run(server, other.chat_with_tools, [tool], QUESTION)


@pytest.mark.parametrize("limit", [600, 1024, 1030])
@either_framework
def test_claude_thinks_though_the_limit_is_small(way, limit):
    with FamilyServer(CUTS["text"]) as server:
        check_run(server, "claude thinking", way, max_tokens=limit, extra_body=THINKING)
