"""Responses built without validation equal validated ones."""

from llama_index.core.base.llms.types import ChatMessage, ChatResponse, MessageRole, TextBlock

from holysheep_core import Delta
from llamaindex_holysheep.responses import GrowingAnswer


def validated(text, delta):
    message = ChatMessage(
        role=MessageRole.ASSISTANT, blocks=[TextBlock(text=text)], additional_kwargs={}
    )
    return ChatResponse(message=message, delta=delta, raw={}, additional_kwargs={})


def parts(response):
    return response, response.message, response.message.blocks[0]


def test_a_copy_equals_a_validated_response_in_every_respect():
    answer = GrowingAnswer()
    for so_far, delta in (("양 ", "양 "), ("양 한", "한"), ("양 한\n", "\n")):
        ours, theirs = answer.add(Delta(delta)), validated(so_far, delta)
        assert ours == theirs
        assert ours.model_dump() == theirs.model_dump()
        assert ours.model_dump_json() == theirs.model_dump_json()
        for one, other in zip(parts(ours), parts(theirs), strict=True):
            assert one.__dict__ == other.__dict__
            for name in ("model_fields_set", "model_extra", "__pydantic_private__"):
                assert getattr(one, name) == getattr(other, name)
        assert ours.message.content == so_far
        assert repr(ours) == repr(theirs)


def containers(model):
    values = [*model.__dict__.values(), model.__dict__, model.model_fields_set]
    return {id(value) for value in values if isinstance(value, list | dict | set)}


def test_two_copies_share_nothing_that_can_change():
    answer = GrowingAnswer()
    one, other = answer.add(Delta("a")), answer.add(Delta("b"))
    for mine, yours in zip(parts(one), parts(other), strict=True):
        assert not containers(mine) & containers(yours)
    assert one.message.content == "a"
    assert other.message.content == "ab"
