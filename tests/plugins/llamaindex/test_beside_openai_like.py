"""What `OpenAILike` sends and returns, and what we do: the same, or different for a reason.

Both classes ask the same server, live. The reasons stand in docs/how-to/messages.md.
"""

import json
from typing import Any, Generic, TypeVar

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock, ThinkingBlock
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from pydantic import BaseModel, Field

from holysheep_core.simulator import reply
from support.models import GO, llamaindex
from support.openai_like import openai_like
from support.sse import DONE, END, choice, event, said

SSE = {"content-type": "text/event-stream"}
Item = TypeVar("Item")
OURS_ONLY = ("stream", "stream_options")  # every call is a stream here, so that it can be resumed


class Sheep(BaseModel):
    """A sheep."""

    name: str
    legs: int = 4


class Flock(BaseModel):
    sheep: list[Sheep]
    shepherd: str | None = Field(default=None, description="Who keeps them.")


class Page(BaseModel, Generic[Item]):
    items: list[Item]


def body_of(script):
    body = {k: v for k, v in script.requests[-1].body.items() if k not in OURS_ONLY}
    return {k: v for k, v in body.items() if v is not None}


async def both_send(play, settings, ask):
    """Return the bodies of the same request from both classes."""
    script = play('{"ok": true}')
    async with openai_like(script, **{"temperature": 0.5, **settings}) as theirs:
        await ask(theirs)
    sent = body_of(script)
    await ask(llamaindex(script, **{"temperature": 0.5, **settings}))
    return body_of(script), sent


# -- fields of requests -------------------------------------------------------------------------

SETTINGS: dict[str, dict[str, Any]] = {
    "nothing further": {},
    "temperature 0": {"temperature": 0.0},
    "temperature 2": {"temperature": 2.0},
    "max_tokens": {"max_tokens": 77},
    "another model": {"model": "gpt-4o"},
    "a model with a path": {"model": "meta-llama/llama-3-70b"},
    "top_p": {"additional_kwargs": {"top_p": 0.3}},
    "stop, one": {"additional_kwargs": {"stop": "x"}},
    "stop, two": {"additional_kwargs": {"stop": ["x", "y"]}},
    "seed": {"additional_kwargs": {"seed": 7}},
    "penalties": {"additional_kwargs": {"frequency_penalty": 0.5, "presence_penalty": -0.5}},
    "logit_bias": {"additional_kwargs": {"logit_bias": {"50256": -100}}},
    "user": {"additional_kwargs": {"user": "me"}},
    "metadata": {"additional_kwargs": {"metadata": {"a": "b"}}},
    "service_tier": {"additional_kwargs": {"service_tier": "flex"}},
    "store": {"additional_kwargs": {"store": True}},
    "prediction": {"additional_kwargs": {"prediction": {"type": "content", "content": "x"}}},
    "json_object": {"additional_kwargs": {"response_format": {"type": "json_object"}}},
    "additional over the setting": {"max_tokens": 5, "additional_kwargs": {"max_tokens": 6}},
    "temperature among the additional": {"additional_kwargs": {"temperature": 0.1}},
    "a provider's field": {"additional_kwargs": {"extra_body": {"top_k": 3}}},
    "extra_body over a field": {"additional_kwargs": {"extra_body": {"temperature": 0.9}}},
    "nested extra_body": {"additional_kwargs": {"extra_body": {"a": {"b": [1, {"c": None}]}}}},
    "extra_body in extra_body": {"additional_kwargs": {"extra_body": {"extra_body": {"a": 1}}}},
    "an empty extra_body": {"additional_kwargs": {"extra_body": {}}},
    "false in extra_body": {"additional_kwargs": {"extra_body": {"cache": False, "top_k": 0}}},
    "extra_body and a field": {"additional_kwargs": {"user": "u", "extra_body": {"top_k": 3}}},
}
KWARGS: dict[str, dict[str, Any]] = {
    "temperature": {"temperature": 1.5},
    "top_p": {"top_p": 0.1},
    "max_tokens": {"max_tokens": 9},
    "stop": {"stop": ["\n"]},
    "seed": {"seed": 1},
    "user": {"user": "you"},
    "model": {"model": "gpt-4o-mini"},
    "response_format": {"response_format": {"type": "json_object"}},
    "extra_body": {"extra_body": {"top_k": 5}},
    "extra_body over a field": {"top_p": 0.1, "extra_body": {"top_p": 0.2}},
    "tools of OpenAI's form": {
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    },
    "tool_choice": {"tool_choice": "none", "tools": [{"type": "function", "function": {}}]},
    "parallel_tool_calls": {"parallel_tool_calls": True},
    "nothing for none": {"stop": None, "seed": None},
}


@pytest.mark.parametrize("name", SETTINGS)
async def test_settings_are_sent_as_openai_like_sends_them(play, name):
    ours, theirs = await both_send(play, SETTINGS[name], lambda llm: llm.achat(GO))
    assert ours == theirs


@pytest.mark.parametrize("name", KWARGS)
async def test_fields_of_a_call_are_sent_as_openai_like_sends_them(play, name):
    ours, theirs = await both_send(play, {}, lambda llm: llm.achat(GO, **KWARGS[name]))
    assert ours == theirs


@pytest.mark.parametrize("name", KWARGS)
async def test_they_are_the_same_in_a_completion(play, name):
    ours, theirs = await both_send(play, {}, lambda llm: llm.acomplete("go", **KWARGS[name]))
    assert ours == theirs


async def test_a_null_in_extra_body_is_sent(play):
    further = {"additional_kwargs": {"extra_body": {"stop": None, "seed": None}}}
    script = play("ok")
    async with openai_like(script, **further) as theirs:
        await theirs.achat(GO)
    sent = script.requests[-1].body
    await llamaindex(script, stop="x", **further).achat(GO)
    mine = script.requests[-1].body
    assert sent["stop"] is mine["stop"] is sent["seed"] is mine["seed"] is None


OTHER_REQUESTS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    # settings, fields of the call, what only we send, what only they send
    "no temperature unless one is set": ({"temperature": None}, {}, {}, {"temperature": 0.1}),
    "a call's limit counts": ({"max_tokens": 5}, {"max_tokens": 9}, {"max_tokens": 9}, {}),
    "a call's field counts": (
        {"additional_kwargs": {"user": "me"}},
        {"user": "you"},
        {"user": "you"},
        {"user": "me"},
    ),
    "a call's extra_body is merged": (
        {"additional_kwargs": {"extra_body": {"top_k": 1, "min_p": 2}}},
        {"extra_body": {"top_k": 3}},
        {"top_k": 3, "min_p": 2},
        {"top_k": 1, "min_p": 2},
    ),
}


@pytest.mark.parametrize("name", OTHER_REQUESTS)
async def test_a_request_differs_for_a_reason(play, name):
    settings, fields, only_ours, only_theirs = OTHER_REQUESTS[name]
    given = {k: v for k, v in settings.items() if v is not None}
    script = play("ok")
    async with openai_like(script, **given) as llm:
        await llm.achat(GO, **fields)
    theirs = body_of(script)
    await llamaindex(script, **given).achat(GO, **fields)
    ours = body_of(script)
    theirs.pop("temperature", None) if "temperature" not in only_theirs else None
    assert {k: v for k, v in ours.items() if theirs.get(k) != v} == {
        k: v for k, v in only_ours.items() if theirs.get(k) != v
    }
    assert only_ours.items() <= ours.items()
    assert only_theirs.items() <= theirs.items()
    assert ours != theirs, "this row is out of date"


# -- tools --------------------------------------------------------------------------------------


def weather(city: str, days: int = 1) -> str:
    """Tell the weather."""
    return f"{city} {days}"


def nothing() -> str:
    """Do nothing."""
    return ""


def nested(flock: Flock, sheep: list[Sheep] | None = None) -> str:
    """Count."""
    return f"{flock} {sheep}"


TOOLS = {
    "one": [FunctionTool.from_defaults(weather)],
    "two": [FunctionTool.from_defaults(weather), FunctionTool.from_defaults(nothing)],
    "nested": [FunctionTool.from_defaults(nested)],
    "of no arguments": [FunctionTool.from_defaults(nothing)],
    "with a long description": [FunctionTool.from_defaults(nothing, description="x" * 2000)],
    "with a name of its own": [FunctionTool.from_defaults(nothing, name="do-nothing_2")],
    "with a schema of its own": [FunctionTool.from_defaults(nothing, fn_schema=Flock)],
}
OPTIONS: dict[str, dict[str, Any]] = {
    "as they are": {},
    "required": {"tool_required": True},
    "choice none": {"tool_choice": "none"},
    "choice auto": {"tool_choice": "auto", "tool_required": True},
    "choice of a tool": {"tool_choice": "weather"},
    "choice as a dict": {"tool_choice": {"type": "function", "function": {"name": "weather"}}},
    "with a message": {"user_msg": "Hello"},
    "with a message object": {"user_msg": ChatMessage("Hello")},
    "with a history": {"user_msg": "Hello", "chat_history": [ChatMessage("Before")]},
    "with a field": {"user_msg": "Hello", "top_p": 0.5},
}


def asked(tools, options):
    async def ask(llm):
        given = {"user_msg": "go", **options}
        if "chat_history" in given:
            given["chat_history"] = list(given["chat_history"])  # theirs appends to it
        await llm.achat_with_tools(tools, **given)

    return ask


def loosely(body):
    """Take out `strict: false` and the one `additionalProperties` that only OpenAILike sends."""
    for tool in body["tools"]:
        if tool["function"].get("strict") is False:
            del tool["function"]["strict"]
            tool["function"]["parameters"].pop("additionalProperties", None)
    return body


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", ["one", "two"])
async def test_tools_are_offered_as_openai_like_offers_them(play, name, option):
    ours, theirs = await both_send(play, {}, asked(TOOLS[name], OPTIONS[option]))
    assert ours == loosely(theirs)


@pytest.mark.parametrize("name", TOOLS)
async def test_every_tool_is_described_as_openai_like_describes_it(play, name):
    ours, theirs = await both_send(play, {}, asked(TOOLS[name], {}))
    assert ours == loosely(theirs)


async def test_a_list_of_no_tools_offers_none(play):
    ours, theirs = await both_send(play, {}, asked([], {}))
    assert ours == theirs
    assert "tools" not in ours


@pytest.mark.parametrize("where", ["setting", "call"])
@pytest.mark.parametrize("name", ["one", "two", "of no arguments"])
async def test_strict_tools_are_what_the_api_takes(play, name, where):
    settings, options = ({"strict": True}, {}) if where == "setting" else ({}, {"strict": True})
    ours, theirs = await both_send(play, settings, asked(TOOLS[name], options))
    for one, other in zip(ours["tools"], theirs["tools"], strict=True):
        mine, their = one["function"], other["function"]
        assert mine["strict"] is their["strict"] is True
        assert mine["parameters"]["additionalProperties"] is False
        # Theirs leaves out what has a default, which the API refuses.
        assert mine["parameters"]["required"] == list(mine["parameters"]["properties"])
        assert mine["parameters"]["properties"] == their["parameters"]["properties"]


async def test_a_call_may_be_less_strict_than_the_setting(play):
    ours, _ = await both_send(play, {"strict": True}, asked(TOOLS["one"], {"strict": False}))
    assert "strict" not in ours["tools"][0]["function"]


@pytest.mark.parametrize("parallel", [True, False])
async def test_parallel_calls_are_mentioned_only_to_forbid_them(play, parallel):
    options = {"allow_parallel_tool_calls": parallel}
    ours, theirs = await both_send(play, {}, asked(TOOLS["two"], options))
    assert theirs["parallel_tool_calls"] is parallel
    assert ours.get("parallel_tool_calls") is (None if parallel else False)


@pytest.mark.parametrize("name", ["Page[Sheep]", "my docs", "양 세기", "a" * 80])
async def test_a_tool_whose_name_the_api_refuses_is_called_all_the_same(play, name):
    ran = []

    def look(what: str) -> str:
        """Look."""
        ran.append(what)
        return "seen"

    tool = FunctionTool.from_defaults(look, name=name)
    script = play("ok")
    llm = llamaindex(script)
    llm.chat_with_tools([tool], "go")
    on_wire = script.requests[-1].body["tools"][0]["function"]["name"]
    calling = llamaindex(play("", tool_calls=[(on_wire, '{"what": "x"}')]))
    assert calling.predict_and_call([tool], "go").response == "seen"
    for response in (
        calling.chat_with_tools([tool], "go"),
        [*calling.stream_chat_with_tools([tool], "go")][-1],
        await calling.achat_with_tools([tool], "go"),
    ):
        assert calling.get_tool_calls_from_response(response)[0].tool_name == name
        # The next request has the name that the API takes again.
        after = play("ok")
        llamaindex(after).chat([response.message])
        [call] = after.requests[0].body["messages"][0]["tool_calls"]
        assert call["function"]["name"] == on_wire
    assert ran == ["x"]


def test_two_tools_whose_legal_names_are_the_same_are_told_apart(play):
    def made(name, said):
        return FunctionTool.from_defaults(lambda: said, name=name)

    tools = [made("my docs", "a"), made("my-docs", "c"), made("my_docs", "b")]
    script = play("", tool_calls=[("my_docs_2", "{}")])
    response = llamaindex(script).predict_and_call(tools, "go", tool_choice="my_docs")
    assert response.response == "b"
    body = script.requests[0].body
    names = [tool["function"]["name"] for tool in body["tools"]]
    assert names == ["my_docs", "my-docs", "my_docs_2"]
    assert body["tool_choice"]["function"]["name"] == "my_docs_2"


# -- answers ------------------------------------------------------------------------------------


def thought(text, field="reasoning_content"):
    return choice({field: text})


def call(arguments, *, index=0, call_id="c1", name="weather"):
    function = {"name": name, "arguments": arguments}
    return choice({"tool_calls": [{"index": index, "id": call_id, "function": function}]})


def more(arguments, index=0):
    return choice({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})


def used(**more_):
    return event(
        id="x",
        choices=[],
        usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, **more_},
    )


ROLE = choice({"role": "assistant", "content": ""})
CALLED = choice({}, finish_reason="tool_calls") + DONE
ANSWERS = {
    "text": said("Baa.") + END,
    "text in pieces": said("B") + said("a") + said("a.") + END,
    "text of Korean": said("양 ") + said("세 마리.") + END,
    "an emoji": said("👋🏽") + END,
    "line ends": said("a\n") + said("\n\nb\n") + END,
    "spaces": said(" a ") + said(" ") + said("b ") + END,
    "a role first": ROLE + said("Baa.") + END,
    "a role in every delta": choice({"role": "assistant", "content": "Baa."}) + END,
    "null content between": said("Ba") + choice({"content": None}) + said("a.") + END,
    "an empty delta": choice({}) + said("Baa.") + END,
    "the end with content": said("Baa.", finish_reason="stop") + DONE,
    "length": said("Baa") + choice({}, finish_reason="length") + DONE,
    "usage": said("Baa.") + choice({}, finish_reason="stop") + used() + DONE,
    "usage with details": said("Baa.")
    + choice({}, finish_reason="stop")
    + used(prompt_tokens_details={"cached_tokens": 2})
    + DONE,
    "usage in the last choice": said("Baa.")
    + event(
        choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}],
        usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    )
    + DONE,
    "reasoning": ROLE + thought("Hm") + thought("m.") + said("Baa.") + END,
    "reasoning of vLLM": ROLE + thought("Hm.", "reasoning") + said("Baa.") + END,
    "null reasoning": choice({"reasoning_content": None, "content": "Baa."}) + END,
    "a call": call('{"city": "Seoul"}') + CALLED,
    "a call in pieces": call("") + more('{"city":') + more(' "Seoul"}') + CALLED,
    "a call after text": said("I look.") + call('{"city": "Seoul"}') + CALLED,
    "a call after reasoning": ROLE + thought("Hm.") + call('{"city": "Seoul"}') + CALLED,
    "two calls": call('{"city": "A"}') + call('{"city": "B"}', index=1, call_id="c2") + CALLED,
    "two calls in pieces": call("")
    + more('{"city": "A"}')
    + call("", index=1, call_id="c2")
    + more('{"city": "B"}', 1)
    + CALLED,
    "a call of an object": call('{"city": {"name": "Seoul", "at": [1, 2.5, null]}}') + CALLED,
    "a call of Korean": call('{"city": "서울"}') + CALLED,
    "a call with usage": call('{"city": "A"}')
    + choice({}, finish_reason="tool_calls")
    + used()
    + DONE,
}


def answer_of(llm, responses):
    """Return what a program sees of a stream."""
    last = responses[-1]
    blocks = last.message.blocks
    counts = next(
        (r.additional_kwargs for r in responses if "total_tokens" in r.additional_kwargs), {}
    )
    return {
        "deltas": "".join(response.delta or "" for response in responses),
        "text": [block.text for block in blocks if isinstance(block, TextBlock)],
        "thinking": [block.content for block in blocks if isinstance(block, ThinkingBlock)],
        "shown": "".join(r.additional_kwargs.get("thinking_delta", "") for r in responses),
        "kinds": [type(block).__name__ for block in blocks],
        "calls": [
            (each.tool_id, each.tool_name, each.tool_kwargs)
            for each in llm.get_tool_calls_from_response(last, error_on_no_tool_call=False)
        ],
        "role": last.message.role.value,
        "content": last.message.content,
        "counts": {k: v for k, v in counts.items() if k.endswith("_tokens")},
    }


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_read_as_openai_like_reads_it(play, name):
    script = play("", faults=[reply(200, ANSWERS[name], SSE, times=None)])
    async with openai_like(script) as llm:
        theirs = answer_of(llm, [r async for r in await llm.astream_chat(GO)])
        sync = answer_of(llm, list(llm.stream_chat(GO)))
    assert sync == theirs
    llm = llamaindex(script, fallback_models=[])
    for ours in (
        answer_of(llm, [r async for r in await llm.astream_chat(GO)]),
        answer_of(llm, list(llm.stream_chat(GO))),
    ):
        if not theirs["counts"]:  # we estimate what the server did not report
            ours = {**ours, "counts": {}}  # noqa: PLW2901
        assert ours == theirs


@pytest.mark.parametrize("name", [name for name in ANSWERS if "call" not in name])
async def test_a_completion_is_read_likewise(play, name):
    script = play("", faults=[reply(200, ANSWERS[name], SSE, times=None)])
    async with openai_like(script) as llm:
        theirs = list(llm.stream_complete("go"))
    ours = list(llamaindex(script, fallback_models=[]).stream_complete("go"))
    assert ours[-1].text == theirs[-1].text
    assert "".join(r.delta for r in ours) == "".join(r.delta for r in theirs)


async def test_two_calls_in_one_delta_are_two(play):
    function = {"name": "weather", "arguments": '{"city": "A"}'}
    calls = [{"index": i, "id": f"c{i}", "function": function} for i in range(2)]
    body = choice({"tool_calls": calls}) + CALLED
    script = play("", faults=[reply(200, body, SSE, times=None)])
    expected = [(f"c{i}", "weather", {"city": "A"}) for i in range(2)]
    async with openai_like(script) as llm:
        seen = answer_of(llm, list(llm.stream_chat(GO)))["calls"]
    assert seen == expected[:1], "this difference is out of date"
    llm = llamaindex(script, fallback_models=[])
    assert answer_of(llm, list(llm.stream_chat(GO)))["calls"] == expected


# -- structure ----------------------------------------------------------------------------------

PROMPT = PromptTemplate("Describe {what}.")
OBJECTS = {
    "a class": (Sheep, {"name": "Dolly", "legs": 4}),
    "a default": (Sheep, {"name": "Dolly"}),
    "nested": (Flock, {"sheep": [{"name": "a", "legs": 3}], "shepherd": "돌이"}),
    "an empty list": (Flock, {"sheep": [], "shepherd": None}),
    "a generic class": (Page[Sheep], {"items": [{"name": "a"}]}),
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("form", ["predict", "apredict", "structured", "stream", "astream"])
async def test_an_object_is_that_of_openai_like(play, name, form):
    cls, value = OBJECTS[name]
    text = json.dumps(value)
    tool = "Page_Sheep_" if name == "a generic class" else cls.__name__
    script = play(text, tool_calls=[(tool, text)])

    async def ask(llm):
        if form == "predict":
            return llm.structured_predict(cls, PROMPT, what="it")
        if form == "apredict":
            return await llm.astructured_predict(cls, PROMPT, what="it")
        if form == "structured":
            return llm.as_structured_llm(cls).chat(GO).raw
        if form == "stream":
            return list(llm.stream_structured_predict(cls, PROMPT, what="it"))[-1]
        return [o async for o in await llm.astream_structured_predict(cls, PROMPT, what="it")][-1]

    async with openai_like(play(text), should_use_structured_outputs=True) as llm:
        theirs = await ask(llm)
    assert await ask(llamaindex(script)) == theirs == cls(**value)


@pytest.mark.parametrize("cls", [Sheep, Flock, Page[Sheep]])
async def test_a_strict_response_format_is_that_of_openai_like(play, cls):
    script = play("{}")
    text = json.dumps({"items": [], "sheep": [], "name": "a", "legs": 4, "shepherd": None})
    script = play(text)
    async with openai_like(script, should_use_structured_outputs=True) as llm:
        llm.structured_predict(cls, PROMPT, what="it")
    theirs = script.requests[-1].body["response_format"]
    llamaindex(script, strict=True).complete("go", response_format=cls)
    assert script.requests[-1].body["response_format"] == theirs


# -- what the class says of itself ------------------------------------------------------------------


async def test_metadata_says_the_same(play):
    script = play("ok")
    async with openai_like(script, context_window=1000, max_tokens=5) as llm:
        theirs = llm.metadata
    ours = llamaindex(script, context_window=1000, max_tokens=5).metadata
    assert ours == theirs.model_copy(update={"system_role": ours.system_role})


async def test_an_image_is_sent_likewise(play):
    message = ChatMessage(
        role="user", blocks=[TextBlock(text="See:"), ImageBlock(url="https://a.example/b.png")]
    )
    ours, theirs = await both_send(play, {}, lambda llm: llm.achat([message]))
    assert ours == theirs


def test_there_are_enough_cases():
    made = len(SETTINGS) + 2 * len(KWARGS) + 2 * len(OPTIONS) + len(TOOLS) + 2 * len(ANSWERS)
    assert made + 5 * len(OBJECTS) + len(OTHER_REQUESTS) >= 120
