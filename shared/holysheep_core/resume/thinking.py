"""Reasoning in tags that stands before the text of a resumed response."""

from __future__ import annotations

from typing import NamedTuple

_FIRST, _LAST = "<think>", "</think>"
_TAGS = ("think", "thinking", "thought", "reasoning")
MAX_THINKING = 20_000
"""Characters after which what was opened is no reasoning."""


class Thinking(NamedTuple):
    """Reasoning at the beginning of a response.

    Attributes:
        is_open: More of it may come.
        thought: The reasoning; "" while it is open.
        rest: What follows it.
    """

    is_open: bool
    thought: str = ""
    rest: str = ""


_OPEN = Thinking(is_open=True)


def thinking_before(written: str, seen: str, *, obeys: bool, final: bool) -> Thinking | None:
    r"""Return the reasoning before the text of a response, or None if it begins with text.

    >>> thinking_before("<think>Hm.</think>\nSheep", "a", obeys=False, final=True)
    Thinking(is_open=False, thought='Hm.', rest='Sheep')

    Args:
        written: The response so far.
        seen: The text the reader has.
        obeys: The response begins with the words it was asked to begin with.
        final: Nothing more comes.
    """
    begun = written.lstrip()
    if not begun or (seen.lstrip().startswith(_FIRST) and _LAST not in seen):
        return None
    tag = next((each for each in _TAGS if begun.startswith(f"<{each}>")), "")
    # Some servers give `<think>` to the model and pass on only `</think>`.
    untagged = not tag and _LAST in seen and not obeys
    if not (tag or untagged):
        half = not final and any(f"<{each}>".startswith(begun) for each in _TAGS)
        return _OPEN if half else None
    opened, closed = (f"<{tag}>", f"</{tag}>") if tag else ("", _LAST)
    end = begun.find(closed)
    if end < 0:
        return _OPEN if not final and len(begun) < MAX_THINKING else None
    rest = begun[end + len(closed) :].lstrip("\n")
    if not rest and not final:
        return _OPEN
    return Thinking(is_open=False, thought=begun[len(opened) : end], rest=rest)
