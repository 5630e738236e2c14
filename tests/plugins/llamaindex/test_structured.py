"""Structured prediction: refusals are errors in the model's words; cut JSON is never completed."""

from __future__ import annotations

import asyncio
import json

import pytest
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from holysheep_core import BadRequestError, InvalidJSONOutputError
from holysheep_core.simulator import refuse, reply
from support.models import GO
from support.models import llamaindex as model
from support.sse import END, choice
from support.versions import skip_before

SSE = {"content-type": "text/event-stream"}
REFUSAL = "I cannot help with that."
PROMPT = PromptTemplate("Name a {animal}.")
DOLLY = {"name": "Dolly"}


class Sheep(BaseModel):
    name: str


class Node(BaseModel):
    """A node."""

    name: str
    children: list[Node] = []


def predict(llm, kind=Sheep, **given):
    return llm.structured_predict(kind, PROMPT, animal="sheep", **given)


def apredict(llm, kind=Sheep, **given):
    return asyncio.run(llm.astructured_predict(kind, PROMPT, animal="sheep", **given))


def stream(llm, kind=Sheep, **given):
    return list(llm.stream_structured_predict(kind, PROMPT, animal="sheep", **given))[-1]


def astream(llm, kind=Sheep, **given):
    async def run():
        objects = await llm.astream_structured_predict(kind, PROMPT, animal="sheep", **given)
        return [each async for each in objects][-1]

    return asyncio.run(run())


def structured(llm, kind=Sheep, **given):
    return llm.as_structured_llm(kind).chat(GO).raw


every_way = pytest.mark.parametrize("ask", [predict, apredict, stream, astream, structured])
whole = pytest.mark.parametrize("ask", [predict, apredict])


def calling(play, name="Sheep", arguments=DOLLY):
    """Play a model that answers either way: streams ask for text, the others for a tool call."""
    said = json.dumps(arguments)
    return play(said, tool_calls=[(name, said)])


@pytest.fixture(params=[PydanticProgramMode.DEFAULT, PydanticProgramMode.LLM])
def mode(request, ask):
    if request.param is PydanticProgramMode.LLM and ask in {stream, astream}:
        skip_before("llama-index-core", "0.14.22", "streams of objects in this mode")
    return request.param


@pytest.fixture
def refusing(play):
    return play("", faults=[reply(200, choice({"refusal": REFUSAL}) + END, SSE, times=None)])


@every_way
def test_an_answer_is_an_instance_of_the_class(play, ask):
    assert ask(model(calling(play))).name == "Dolly"


@every_way
def test_a_refusal_is_an_error_with_the_models_words(refusing, ask, mode):
    with pytest.raises(ValueError, match=REFUSAL):
        ask(model(refusing, pydantic_program_mode=mode))


@every_way
@pytest.mark.parametrize("word", ["content_filter", "SAFETY"])
def test_json_that_a_filter_ended_is_never_completed(play, ask, mode, word):
    llm = model(play('{"name": "Dol', finish_reason=word), pydantic_program_mode=mode)
    with pytest.raises(ValueError, match=word):
        ask(llm)


@whole
def test_an_answer_of_words_is_an_error_that_has_them(play, ask):
    with pytest.raises(ValueError, match="I would rather not"):
        ask(model(play("I would rather not.")))


@whole
def test_a_tool_is_forced_unless_the_caller_says_otherwise(play, ask):
    script = calling(play)
    given = {"tool_choice": "auto"}
    ask(model(script))
    ask(model(script), llm_kwargs=given)
    ask(model(script), llm_kwargs={"tool_required": False})
    sent = [request.body["tool_choice"] for request in script.requests]
    assert sent == ["required", "auto", "auto"]
    assert given == {"tool_choice": "auto"}, "the caller's dict is not changed"


@every_way
def test_a_class_that_contains_itself_is_asked_for_and_parsed(play, ask):
    script = calling(play, "Node", {"name": "a", "children": [{"name": "b", "children": []}]})
    assert ask(model(script), Node).children[0].name == "b"
    body = script.requests[0].body
    if "tools" in body:
        parameters = body["tools"][0]["function"]["parameters"]
    else:
        parameters = body["response_format"]["json_schema"]["schema"]
    assert parameters["type"] == "object"
    assert parameters["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert parameters["$defs"]["Node"]["properties"].keys() == {"name", "children"}


REFUSED_SCHEMAS = [
    (400, "response_format type 'json_schema' is not supported"),
    (400, "Unsupported parameter: 'response_format' is not supported with this model."),
    (400, "This response_format type is unavailable now"),
    (400, "Invalid schema for response_format 'Sheep'"),
    (400, "This model does not support response format `json_schema`."),
    (422, "Input should be 'text' or 'json_object': body.response_format.type"),
    (404, "No endpoints found that support structured outputs."),
    (501, "json_schema: not implemented"),
]
streamed = pytest.mark.parametrize("ask", [stream, astream])


def no_schemas(status=400, message=REFUSED_SCHEMAS[0][1], times=1):
    return refuse(status, message=message, times=times)


@streamed
@pytest.mark.parametrize(("status", "message"), REFUSED_SCHEMAS)
@pytest.mark.parametrize("name", ["gpt-4.1", "my-model"])
def test_a_server_that_refuses_schemas_is_asked_for_a_tool_call(play, ask, name, status, message):
    script = play(
        "", tool_calls=[("Sheep", json.dumps(DOLLY))], faults=[no_schemas(status, message)]
    )
    llm = model(script, model=name, fallback_models=[])
    assert ask(llm) == Sheep(name="Dolly")
    assert ask(llm) == Sheep(name="Dolly"), "it was learned: no other refusal"
    sent = [
        sorted(request.body.keys() & {"response_format", "tools"}) for request in script.requests
    ]
    assert sent == [["response_format"], ["tools"], ["tools"]]


@streamed
def test_what_is_learned_of_a_server_holds_for_this_server_and_model_only(play, ask):
    script = play(
        json.dumps(DOLLY), tool_calls=[("Sheep", json.dumps(DOLLY))], faults=[no_schemas()]
    )
    llm = model(script, fallback_models=[])
    ask(llm)
    ask(llm, llm_kwargs={"model": "gpt-4o"})
    llm.model = "gpt-4.1-mini"
    ask(llm)
    assert ["response_format" in request.body for request in script.requests[2:]] == [True, True]


@streamed
@pytest.mark.parametrize(
    ("faults", "given"),
    [
        ([refuse(400, message="temperature is too high")], {}),
        ([no_schemas(times=None)], {}),
        ([no_schemas()], {"response_format": {"type": "json_object"}}),
    ],
    ids=["another refusal", "tools are refused too", "a format of the caller's own"],
)
def test_other_refusals_are_errors(play, ask, faults, given):
    llm = model(play(json.dumps(DOLLY), faults=faults), fallback_models=[])
    with pytest.raises(BadRequestError):
        ask(llm, llm_kwargs=given)


@streamed
def test_a_tool_call_in_place_of_the_text_is_read(play, ask):
    script = play("", tool_calls=[("json_tool_call", json.dumps(DOLLY))])
    assert ask(model(script)) == Sheep(name="Dolly")
    assert "response_format" in script.requests[0].body


@streamed
def test_another_object_is_an_error_that_says_what_to_do(play, ask):
    with pytest.raises(ValueError, match=r"no Sheep: .*Baa.*llm_kwargs=.*'tool_choice'"):
        ask(model(play('{"says": "Baa"}')))


@streamed
def test_words_in_place_of_an_object_are_a_typed_error(play, ask):
    with pytest.raises(InvalidJSONOutputError, match="does not parse"):
        ask(model(play("Baa.")))


def test_a_refusal_outside_of_structured_prediction_is_an_answer(refusing):
    llm = model(refusing)
    for response in (llm.chat(GO), [*llm.stream_chat(GO)][-1]):
        assert response.message.additional_kwargs["refusal"] == REFUSAL
        assert response.raw["refusal"] == REFUSAL


def test_the_copy_that_asks_shares_the_engine_and_leaves_the_model_as_it_was(play):
    llm = model(calling(play))
    predict(llm, llm_kwargs={"tool_choice": "auto"})
    asking, _ = llm._asking(None)
    assert asking._handler is llm._handler
    assert not llm._for_structure
    assert llm._tool_choice is None
