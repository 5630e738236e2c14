"""Streams of structured prediction: objects grow with proven text, and the last one is whole."""

from __future__ import annotations

import gc
import json
from itertools import pairwise
from typing import Generic, TypeVar

import pytest
from llama_index.core.prompts import PromptTemplate
from llama_index.core.types import PydanticProgramMode
from pydantic import BaseModel

from holysheep_core import HolySheepError, InvalidJSONOutputError
from holysheep_core.simulator import cut, stall
from llamaindex_holysheep.partials import GrowingObject
from support.models import GO, llamaindex
from support.openai_like import openai_like
from support.versions import since
from support.waiting import wait_until

Item = TypeVar("Item")


class Sheep(BaseModel):
    name: str
    age: int
    lambs: list[str] = []


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    more: bool = False


PROMPT = PromptTemplate("Describe {what}.")
DOLLY = {"name": "돌리 3", "age": 12, "lambs": ["Bonnie", "Sally"]}
TEXT = json.dumps(DOLLY, ensure_ascii=False)


def stream(llm, cls=Sheep, **given):
    return list(llm.stream_structured_predict(cls, PROMPT, what="sheep", **given))


async def astream(llm, cls=Sheep, **given):
    objects = await llm.astream_structured_predict(cls, PROMPT, what="sheep", **given)
    return [each async for each in objects]


async def either(way, *args, **given):
    found = way(*args, **given)
    return found if isinstance(found, list) else await found


both = pytest.mark.parametrize("way", [stream, astream])


def fields(each):
    return {k: v for k, v in each.model_dump().items() if v not in (None, [])}


def grows(before, after):
    """Tell whether each value of an object is the beginning of the later object's."""
    if isinstance(before, dict):
        return all(key in after and grows(value, after[key]) for key, value in before.items())
    if isinstance(before, list):
        return len(before) <= len(after) and all(map(grows, before, after))
    return after.startswith(before) if isinstance(before, str) else before == after


@both
async def test_objects_grow_and_the_last_is_whole(play, way):
    objects = await either(way, llamaindex(play(TEXT)))
    assert objects[-1] == Sheep(**DOLLY)
    assert isinstance(objects[-1], Sheep)
    assert len(objects) > 5
    for one, next_ in pairwise(objects):
        assert grows(fields(one), fields(next_)), (one, next_)


@both
async def test_cut_at_every_character_nothing_shown_is_taken_back(play, way):
    for at in range(1, len(TEXT), 2):
        objects = await either(way, llamaindex(play(TEXT, faults=[cut(at, "eof")])))
        assert objects[-1] == Sheep(**DOLLY), at
        assert all(grows(fields(each), DOLLY) for each in objects), at


@both
async def test_openai_like_gives_the_same_last_object_and_no_other_steps(play, way):
    script = play(TEXT)
    ours = await either(way, llamaindex(script))
    async with openai_like(script, should_use_structured_outputs=True) as theirs:
        steps = await either(way, theirs)
    assert ours[-1] == steps[-1]
    shown = [fields(each) for each in steps]
    # Theirs completes numbers that have not ended, and shows strings when a repair closes them.
    assert fields(ours[-2]) in shown
    one, other = (request.body["response_format"]["json_schema"] for request in script.requests)
    assert one["name"] == other["name"] == "Sheep"
    assert one["schema"]["properties"].keys() == other["schema"]["properties"].keys()


@both
async def test_a_generic_class_has_a_legal_name(play, way):
    script = play('{"items": [{"name": "a", "age": 1}], "more": true}')
    objects = await either(way, llamaindex(script), Page[Sheep])
    assert objects[-1] == Page[Sheep](items=[Sheep(name="a", age=1)], more=True)
    assert script.requests[0].body["response_format"]["json_schema"]["name"] == "Page_Sheep_"


@both
@pytest.mark.parametrize("text", ['{"name": "Dolly"}', "[1]", "{}"])
async def test_an_answer_that_is_no_such_object_is_an_error(play, way, text):
    with pytest.raises(ValueError, match="no Sheep"):
        await either(way, llamaindex(play(text)))


@both
async def test_an_answer_of_words_is_the_engines_error_with_the_words(play, way):
    with pytest.raises(InvalidJSONOutputError) as caught:
        await either(way, llamaindex(play("I would rather not.")))
    assert caught.value.partial == "I would rather not."


@both
async def test_a_fence_around_the_object_is_no_part_of_it(play, way):
    objects = await either(way, llamaindex(play(f"```json\n{TEXT}\n```")))
    assert objects[-1] == Sheep(**DOLLY)
    assert all(grows(fields(each), DOLLY) for each in objects)


@both
async def test_an_error_in_mid_stream_is_typed_and_no_object_is_completed(play, way):
    faults = [cut(30, times=None)]
    llm = llamaindex(play(TEXT, faults=faults), max_retries=0, fallback_models=[], resume=False)
    with pytest.raises(HolySheepError):
        await either(way, llm)


@both
@pytest.mark.parametrize(
    "given",
    [
        {"llm_kwargs": {"tool_choice": "auto"}},
        {"llm_kwargs": {"tool_choice": "Sheep"}},
    ],
)
async def test_with_a_tool_choice_it_is_a_tool_call(play, way, given):
    script = play("", tool_calls=[("Sheep", TEXT)])
    assert (await either(way, llamaindex(script), **given))[-1] == Sheep(**DOLLY)
    assert "response_format" not in script.requests[0].body
    assert script.requests[0].body["tools"][0]["function"]["name"] == "Sheep"


@both
async def test_a_model_that_takes_no_schema_is_asked_for_a_tool_call(play, way):
    script = play("", tool_calls=[("Sheep", TEXT)])
    llm = llamaindex(script, model="deepseek-v3.2")
    assert (await either(way, llm))[-1] == Sheep(**DOLLY)
    assert "response_format" not in script.requests[0].body


@since("llama-index-core", "0.14.22", "streams of partial objects for every mode")
@both
async def test_a_program_mode_of_the_user_stands(play, way):
    script = play(TEXT)
    llm = llamaindex(script, pydantic_program_mode=PydanticProgramMode.LLM)
    assert (await either(way, llm))[-1] == Sheep(**DOLLY)
    assert "response_format" not in script.requests[0].body


def test_a_structured_llm_streams_the_objects(play):
    responses = list(llamaindex(play(TEXT)).as_structured_llm(Sheep).stream_chat(GO))
    assert responses[-1].raw == Sheep(**DOLLY)
    assert len(responses) > 5


def test_a_stream_that_is_left_closes_its_connection(play):
    script = play(TEXT * 50, faults=[stall(60, times=None)])
    objects = llamaindex(script).stream_structured_predict(Sheep, PROMPT, what="sheep")
    next(objects)
    objects.close()
    gc.collect()
    wait_until(lambda: script.requests[0].client_gone)


async def test_an_async_stream_that_is_left_closes_its_connection(play):
    script = play(TEXT * 50, faults=[stall(60, times=None)])
    llm = llamaindex(script)
    objects = await llm.astream_structured_predict(Sheep, PROMPT, what="sheep")
    await anext(objects)
    await objects.aclose()
    wait_until(lambda: script.requests[0].client_gone)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", None),
        ("x", None),
        ("[", None),
        ("{", {}),
        ('{"age": 1', {}),
        ('{"age": -', {}),
        ('{"age": 12,', {"age": 12}),
        ('{"age": 12}', {"age": 12}),
        ('{"name": "Do', {"name": "Do"}),
        ('{"name": "age: 12', {"name": "age: 12"}),
        pytest.param(
            *('{"name": "a\\', {"name": "a"}),
            marks=since("pydantic", "2.12", "the text before half an escape"),
        ),
        ('{"lambs": ["a", "b', {"lambs": ["a", "b"]}),
    ],
)
def test_only_what_cannot_change_is_shown(text, shown):
    grown = GrowingObject(Sheep).grown(text)
    assert (None if grown is None else fields(grown)) == shown


def test_an_object_that_shows_nothing_new_is_not_given_again():
    growing = GrowingObject(Sheep)
    assert growing.grown('{"name": "a"') is not None
    assert growing.grown('{"name": "a", "a') is None
