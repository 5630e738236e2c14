"""Several choices in one answer, though one was asked for.

Some gateways before Claude write each block of its answer as a choice: the words in one, the tool
calls in the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from holysheep_core.protocol.wire import Choice


def as_one(choices: Sequence[Choice] | None) -> list[Choice] | None:
    """Return the choices of a whole answer as one: the first, and what it lacks of the others.

    A second text is another answer and is left out; so are calls beside calls.

    >>> from holysheep_core.protocol.wire import Message
    >>> one = as_one([Choice(message=Message(content="a")), Choice(message=Message(content="b"))])
    >>> [choice.message.content for choice in one]
    ['a']
    """
    if not choices:
        return None if choices is None else []
    first = choices[0]
    for other in choices[1:]:
        mine, theirs = first.message or first.delta, other.message or other.delta
        if mine is None:
            first = other if theirs is not None else first
        elif theirs is not None:
            mine.content = mine.content or theirs.content
            mine.tool_calls = mine.tool_calls or theirs.tool_calls
            mine.refusal = mine.refusal or theirs.refusal
            mine.reasoning_content = mine.reasoning_content or theirs.reasoning_content
        first.finish_reason = first.finish_reason or other.finish_reason
    return [first]
