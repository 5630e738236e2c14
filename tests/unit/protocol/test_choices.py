"""Several choices of a whole answer, though one was asked for: the first, and what it lacks."""

import pytest

from holysheep_core.protocol.choices import as_one
from holysheep_core.protocol.wire import Choice, Message, ToolCallPart

CALL = [ToolCallPart(id="a")]


def said(content=None, **more):
    return Choice(message=Message(content=content, **more), finish_reason=None)


def test_words_and_calls_that_stand_apart_are_one_answer():
    for choices in ([said("Hm."), said(None, tool_calls=CALL)], [said("", tool_calls=CALL)]):
        (choice,) = as_one(choices)
        assert choice.message.tool_calls == CALL
    assert as_one([said("Hm."), said("No", tool_calls=CALL)])[0].message.content == "Hm."


def test_a_second_answer_is_left_out():
    (choice,) = as_one([said("One"), said("Two")])
    assert choice.message.content == "One"
    (choice,) = as_one([said("", tool_calls=CALL), said("", tool_calls=[ToolCallPart(id="b")])])
    assert choice.message.tool_calls == CALL


def test_the_first_reason_counts():
    last = Choice(message=Message(), finish_reason="tool_calls")
    assert as_one([said("Hm."), last])[0].finish_reason == "tool_calls"


def test_a_choice_without_a_message_is_none():
    assert as_one([Choice(), said("Hi")])[0].message.content == "Hi"


@pytest.mark.parametrize("choices", [None, []])
def test_nothing_stays_nothing(choices):
    assert as_one(choices) == choices
