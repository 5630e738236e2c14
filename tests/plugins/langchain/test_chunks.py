"""Chunks built without validation equal validated ones."""

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from holysheep_core import Delta
from langchain_holysheep.chunks import PROVIDER, delta_chunk

DELTAS = [Delta("양 "), Delta(" a\n"), Delta("", "thought"), Delta("text", "thought")]


def validated(delta):
    extra = {"reasoning_content": delta.reasoning} if delta.reasoning else {}
    message = AIMessageChunk(
        content=delta.text,
        additional_kwargs=extra,
        response_metadata={"model_provider": PROVIDER},
        tool_call_chunks=[],
    )
    return ChatGenerationChunk(message=message, text=delta.text)


@pytest.mark.parametrize("delta", DELTAS, ids=str)
def test_a_copy_equals_a_validated_chunk_in_every_respect(delta):
    ours, theirs = delta_chunk(delta), validated(delta)
    assert ours == theirs
    assert ours.model_dump() == theirs.model_dump()
    assert ours.model_dump_json() == theirs.model_dump_json()
    assert ours.message == theirs.message
    assert ours.message.model_dump() == theirs.message.model_dump()
    assert ours.message.__dict__ == theirs.message.__dict__
    for name in ("model_fields_set", "model_extra", "__pydantic_private__"):
        assert getattr(ours.message, name) == getattr(theirs.message, name)
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.message.lc_attributes == theirs.message.lc_attributes
    assert ours.message + theirs.message == theirs.message + ours.message
    assert (ours + theirs).message == (theirs + ours).message
    assert repr(ours) == repr(theirs)


def containers(model):
    values = [*model.__dict__.values(), model.__dict__, model.model_fields_set]
    return {id(value): value for value in values if isinstance(value, list | dict | set)}


def test_two_copies_share_nothing_that_can_change():
    one, other = delta_chunk(Delta("a")), delta_chunk(Delta("a"))
    assert not containers(one).keys() & containers(other).keys()
    assert not containers(one.message).keys() & containers(other.message).keys()
    one.message.id = "run"
    one.message.tool_calls.append({"name": "n", "args": {}, "id": "1"})
    one.message.additional_kwargs["x"] = one.message.response_metadata["x"] = 1
    assert other == delta_chunk(Delta("a")) == validated(Delta("a"))
