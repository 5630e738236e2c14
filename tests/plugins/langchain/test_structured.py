"""Structured output."""

from __future__ import annotations

import asyncio
import json

import pytest
from langchain.agents import create_agent, middleware
from langchain.agents.structured_output import ProviderStrategy, StructuredOutputValidationError
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk
from pydantic import BaseModel

from holysheep_core import AuthenticationError, ConfigurationError, InvalidJSONOutputError
from holysheep_core.simulator import cut, refuse, reply
from langchain_holysheep.refusals import ModelRefusalError
from langchain_holysheep.structured import bindings, refusal_of
from support.models import langchain as model
from support.sse import END, choice
from support.versions import skip_before


def ainvoke(llm, *args, **kwargs):
    return asyncio.run(llm.ainvoke(*args, **kwargs))


def invoke(llm, *args, **kwargs):
    return llm.invoke(*args, **kwargs)


def last(parts):
    """The last part; parts of include_raw=True are added up."""
    dicts = isinstance(parts[-1], dict) and "parsing_error" in parts[-1]
    return sum(parts[1:], parts[0]) if dicts else parts[-1]


def stream(llm, *args, **kwargs):
    return last(list(llm.stream(*args, **kwargs)))


def astream(llm, *args, **kwargs):
    async def run():
        return [part async for part in llm.astream(*args, **kwargs)]

    return last(asyncio.run(run()))


either = pytest.mark.parametrize("ask", [invoke, ainvoke])
every_way = pytest.mark.parametrize("ask", [invoke, ainvoke, stream, astream])
every_method = pytest.mark.parametrize("method", ["function_calling", "json_mode", "json_schema"])


class Sheep(BaseModel):
    name: str


class Node(BaseModel):
    name: str
    children: list[Node] = []


SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
NAMED = {"name": "Sheep", "schema": SCHEMA, "strict": True}
DOLLY = {"name": "Dolly"}


SSE = {"content-type": "text/event-stream"}


def call_of(tool, arguments):
    return (tool, json.dumps(arguments))


@every_way
@pytest.mark.parametrize("method", ["json_mode", "json_schema"])
@pytest.mark.parametrize("reason", ["stop", "length"])
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_include_raw_shows_json_that_does_not_parse(play, ask, method, reason, version):
    llm = model(play(text='{"name": "Dol', finish_reason=reason), output_version=version)
    got = ask(llm.with_structured_output(Sheep, method=method, include_raw=True), "go")
    assert got["raw"].text == '{"name": "Dol'
    assert got["parsed"] is None
    assert isinstance(got["parsing_error"], OutputParserException)
    assert got["raw"].usage_metadata["output_tokens"] > 0
    metadata = got["raw"].response_metadata
    assert (metadata["finish_reason"], metadata["model_name"]) == (reason, "gpt-4.1")
    assert metadata["resilience"]["attempts"][0]["outcome"] == "InvalidJSONOutputError"
    with pytest.raises(InvalidJSONOutputError):
        ask(llm.with_structured_output(Sheep, method=method), "go")


@every_way
@every_method
@pytest.mark.parametrize("schema", [Sheep, NAMED])
def test_include_raw_shows_what_does_parse(play, ask, method, schema):
    calls = [call_of("Sheep", DOLLY)] if method == "function_calling" else []
    script = play(text="" if calls else json.dumps(DOLLY), tool_calls=calls)
    got = ask(model(script).with_structured_output(schema, method=method, include_raw=True), "go")
    expected = Sheep(name="Dolly") if schema is Sheep else DOLLY
    assert (got["parsed"], got["parsing_error"]) == (expected, None)
    assert got["raw"].usage_metadata["output_tokens"] > 0
    assert "holysheep_keeps_invalid_json" not in script.requests[0].body


@pytest.mark.parametrize("ask", [stream, astream])
def test_a_stream_with_raw_shows_the_chunks_as_they_come(play, ask):
    script = play(text=json.dumps(DOLLY), faults=[cut(at=8)])
    chain = model(script).with_structured_output(Sheep, method="json_mode", include_raw=True)
    parts = list(chain.stream("go"))
    assert len([part for part in parts if "raw" in part]) > 2
    assert "".join(part["raw"].text for part in parts if "raw" in part) == json.dumps(DOLLY)
    assert parts[-1] == {"parsed": Sheep(name="Dolly"), "parsing_error": None}
    assert ask(chain, "go")["parsed"] == Sheep(name="Dolly")


@every_way
@every_method
def test_a_stream_that_cannot_be_completed_is_an_error_with_raw_too(play, ask, method):
    llm = model(play(text="", faults=[refuse(401, times=None)]))
    with pytest.raises(AuthenticationError):
        ask(llm.with_structured_output(Sheep, method=method, include_raw=True), "go")


@every_way
def test_a_value_that_no_schema_takes_is_a_parsing_error(play, ask):
    llm = model(play(text="", tool_calls=[call_of("Sheep", {"name": ["Dolly"]})]))
    got = ask(llm.with_structured_output(Sheep, include_raw=True), "go")
    assert got["parsed"] is None
    assert "name" in str(got["parsing_error"])
    assert got["raw"].tool_calls[0]["args"] == {"name": ["Dolly"]}


@either
def test_a_named_schema_reaches_the_server_and_its_answer_is_parsed(play, ask):
    script = play(text=json.dumps(DOLLY))
    assert ask(model(script).with_structured_output(NAMED, method="json_schema"), "go") == DOLLY
    sent = script.requests[0].body["response_format"]
    assert sent == {"type": "json_schema", "json_schema": NAMED}

    script = play(text="", tool_calls=[call_of("Sheep", DOLLY)])
    assert ask(model(script).with_structured_output(NAMED), "go") == DOLLY
    [tool] = script.requests[0].body["tools"]
    assert tool["function"]["parameters"] == SCHEMA
    assert tool["function"]["strict"] is True


@either
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_a_class_that_contains_itself_is_asked_for_and_parsed(play, ask, method):
    tree = {"name": "a", "children": [{"name": "b", "children": []}]}
    if method == "json_schema":
        script = play(text=json.dumps(tree))
    else:
        script = play(text="", tool_calls=[call_of("Node", tree)])
    found = ask(model(script).with_structured_output(Node, method=method), "go")
    assert found.children[0].name == "b"
    assert "#/$defs/Node" in json.dumps(script.requests[0].body)


@either
def test_a_tool_need_not_be_forced(play, ask):
    script = play(text="", tool_calls=[call_of("Sheep", DOLLY)])
    chain = model(script).with_structured_output(Sheep, tool_choice="auto")
    assert ask(chain, "go") == Sheep(name="Dolly")
    assert script.requests[0].body["tool_choice"] == "auto"


@pytest.mark.parametrize("method", ["json_mode", "json_schema"])
def test_a_choice_of_tools_needs_tools(method):
    with pytest.raises(ValueError, match="function_calling"):
        bindings(Sheep, method, strict=None, tool_choice="auto")


@every_way
def test_an_answer_without_a_call_is_an_error_and_not_none(play, ask):
    llm = model(play(text="I would rather not."))
    with pytest.raises(OutputParserException, match="I would rather not"):
        ask(llm.with_structured_output(Sheep, tool_choice="auto"), "go")
    got = ask(llm.with_structured_output(Sheep, include_raw=True), "go")
    assert "I would rather not" in str(got["parsing_error"])


@either
@pytest.mark.parametrize("schema", [Sheep, NAMED])
def test_a_call_of_another_tool_is_an_error_and_not_none(play, ask, schema):
    llm = model(play(text="", tool_calls=[call_of("Goat", DOLLY)]))
    with pytest.raises(OutputParserException, match="Goat"):
        ask(llm.with_structured_output(schema), "go")


REFUSAL = "I cannot help with that."


@pytest.fixture
def refusing(play):
    body = choice({"refusal": REFUSAL}) + END
    return play("", faults=[reply(200, body, SSE, times=None)])


@every_way
@every_method
def test_a_refusal_is_langchains_error_with_the_models_words(refusing, ask, method):
    llm = model(refusing)
    with pytest.raises(ModelRefusalError, match=REFUSAL) as caught:
        ask(llm.with_structured_output(Sheep, method=method), "go")
    assert caught.value.raw_message.additional_kwargs["refusal"] == REFUSAL
    assert not caught.value.is_retryable
    got = ask(llm.with_structured_output(Sheep, method=method, include_raw=True), "go")
    assert got["raw"].additional_kwargs["refusal"] == REFUSAL
    assert got["parsed"] is None
    assert REFUSAL in str(got["parsing_error"])


@every_way
@every_method
@pytest.mark.parametrize("word", ["content_filter", "SAFETY", "refusal"])
def test_json_that_a_filter_ended_is_never_completed(play, ask, method, word):
    llm = model(play(text='{"name": "Dol', finish_reason=word))
    with pytest.raises(ModelRefusalError, match="withheld") as caught:
        ask(llm.with_structured_output(Sheep, method=method), "go")
    assert caught.value.raw_message.text == '{"name": "Dol'
    got = ask(llm.with_structured_output(Sheep, method=method, include_raw=True), "go")
    assert got["parsed"] is None
    assert isinstance(got["parsing_error"], ModelRefusalError)


class _Refusals:
    """An agent with LangChain's own middleware for refusals."""

    def __init__(self, llm, **settings):
        skip_before("langchain", "1.4.9", "middleware for refusals")
        refusals = middleware.ModelRefusalMiddleware()
        self.agent = create_agent(llm, [], middleware=[refusals], **settings)

    def invoke(self, text):
        return self.agent.invoke({"messages": [("user", text)]})

    async def ainvoke(self, text):
        return await self.agent.ainvoke({"messages": [("user", text)]})


@either
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_langchains_middleware_for_refusals_sees_them(refusing, ask, version):
    with pytest.raises(ModelRefusalError, match=REFUSAL):
        ask(_Refusals(model(refusing, output_version=version)), "go")


@either
@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize("word", ["content_filter", "SAFETY", "refusal"])
def test_langchains_middleware_sees_a_filter_that_ended_the_answer(play, ask, version, word):
    llm = model(play(text='{"name": "Dol', finish_reason=word), output_version=version)
    with pytest.raises(ModelRefusalError):
        ask(_Refusals(llm), "go")
    with pytest.raises(ModelRefusalError):  # ProviderStrategy: no half JSON as the agent's answer
        ask(_Refusals(llm, response_format=ProviderStrategy(Sheep)), "go")


@either
@pytest.mark.parametrize("word", ["content_filter", "length"])
def test_an_agent_takes_no_half_json_for_its_answer(play, ask, word):
    agent = create_agent(
        model(play(text='{"name": "Dol', finish_reason=word)),
        [],
        response_format=ProviderStrategy(Sheep),
    )
    with pytest.raises((StructuredOutputValidationError, InvalidJSONOutputError)):
        ask(agent, {"messages": [("user", "go")]})


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (AIMessage("", additional_kwargs={"refusal": REFUSAL}), REFUSAL),
        (AIMessageChunk("", additional_kwargs={"refusal": REFUSAL}), REFUSAL),
        (AIMessage([{"type": "refusal", "refusal": REFUSAL}]), REFUSAL),
        (AIMessage([{"type": "refusal"}]), ""),
        (AIMessage("{", response_metadata={"finish_reason": "content_filter"}), ""),
        (AIMessage("{}", response_metadata={"finish_reason": "stop"}), None),
        (AIMessage("{}"), None),
    ],
)
def test_a_refusal_is_told_from_an_answer(message, words):
    assert refusal_of(message) == words


class Herd(BaseModel):
    name: str
    count: int
    weights: list[float]


HERD = {"name": "No. 7: 12, 1", "count": -1000, "weights": [10.25, 1e20], "shorn": True}
AS_TEXT = ['{"name": "No. 7: 12, 1", "count": -1000, "weights": [10.25, 1e20], "shorn": true}']
AS_TEXT += [f"```json\n{AS_TEXT[0]}\n```", json.dumps(HERD, indent=2)]


async def parts_of(chain, way):
    if way == "stream":
        return list(chain.stream("go"))
    return [part async for part in chain.astream("go")]


def are_values_of(part, whole):
    """Tell whether each value is the whole one's; a string may be the beginning of it."""
    if isinstance(part, dict):
        return all(are_values_of(value, whole[key]) for key, value in part.items())
    if isinstance(part, list):
        return all(are_values_of(*pair) for pair in zip(part, whole, strict=False))
    return whole.startswith(part) if isinstance(part, str) else part == whole


@pytest.mark.parametrize("way", ["stream", "astream"])
@pytest.mark.parametrize("text", AS_TEXT, ids=["plain", "fenced", "indented"])
@pytest.mark.parametrize("method", ["json_mode", "json_schema"])
@pytest.mark.parametrize("schema", [Herd, Herd.model_json_schema()], ids=["class", "dict"])
async def test_a_stream_shows_no_half_number(play, way, text, method, schema):
    llm = model(play(text, piece=1, faults=[cut(at=text.index("1000") + 2)]))
    parts = await parts_of(llm.with_structured_output(schema, method=method), way)
    if schema is Herd:
        assert parts[-1] == Herd(**HERD)
        parts = [part.model_dump() for part in parts]
    else:
        assert parts[-1] == HERD
        assert {"name": "No. 7: 12"} in parts, "a string grows, whatever is in it"
        assert len(parts) > 10
    assert all(are_values_of(part, HERD) for part in parts)


@every_way
def test_the_default_is_a_tool_which_every_family_takes(play, ask):
    script = play("", tool_calls=[call_of("Sheep", DOLLY)])
    assert ask(model(script).with_structured_output(Sheep), "go") == Sheep(name="Dolly")
    assert script.requests[0].body["tool_choice"]["function"] == {"name": "Sheep"}
    assert "response_format" not in script.requests[0].body


@every_way
@pytest.mark.parametrize("bound", [{}, {"tools": []}], ids=["bind", "with tools"])
def test_a_class_as_response_format_is_refused_with_what_to_do(play, ask, bound):
    script = play(json.dumps(DOLLY))
    llm = model(script).bind(response_format=Sheep, **bound)
    with pytest.raises(ConfigurationError, match=r"response_format .*structured output"):
        ask(llm, "go")
    assert not script.requests
