"""Words that a response says once more behind a repetition that is found already.

Some models quote the words they were asked for and then begin with them; some say what they have
repeated twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from holysheep_core.resume.normalize import (
    Folded,
    common_suffix,
    fold,
    has_words,
    is_periodic,
    weight,
)
from holysheep_core.resume.seen import MIN_PROOF, SeenText, is_open_json

TOO_LONG = -1
"""What `said_again` returns where much text is said again: nothing of the response is shown."""
_MIN_AGAIN = 8
_MIN_PERIOD = 6
_MAX_REMARK = 120
_LONG = 5 * MIN_PROOF
_MAX_HELD = 600
_MARKS = re.compile(r"[\s\"'*`>]*(?:\.\.\.|…)?")


class Repetition(NamedTuple):
    """What a response has repeated so far.

    Attributes:
        anchor: The words that the model was asked to repeat, folded.
        said: What it has repeated, folded.
        set_off: The repetition was quoted: a remark may stand before the words themselves.
        is_foreign: Tells whether a remark before so long a repetition is no text of the answer.
    """

    anchor: str
    said: str
    set_off: bool
    is_foreign: Callable[[str, int], bool]


def said_again(seen: SeenText, first: Repetition, rest: str) -> int | None:
    """Return how much of the rest says the last words once more; None if that is not clear.

    Args:
        seen: The text the reader has.
        first: What the response has repeated.
        rest: What follows the repetition.

    Returns:
        `TOO_LONG` where the rest begins with hundreds of characters of the seen text.
    """
    bodies = {len(rest) - len(rest.lstrip()), *(m.end() for m in [_MARKS.match(rest)] if m)}
    units = _units(seen, first)
    for body in sorted(bodies):
        said = Folded(rest[body:])
        for core in units:
            if len(core) > _MAX_HELD:
                if said.text.startswith(core[:_LONG]):
                    return TOO_LONG
                core = core[:_LONG]  # noqa: PLW2901 - only its beginning is waited for
            elif said.text.startswith(core) and said.is_boundary(len(core)):
                end = body + said.end_of(len(core))
                return 0 if _is_refrain(seen, first, rest[:body], core, rest[end:]) else end
            if core.startswith(said.text):
                return None
    if first.set_off and first.anchor in units:
        return _behind_remark(first, rest)
    return 0


def _behind_remark(first: Repetition, rest: str) -> int | None:
    """Find the words asked for behind a remark such as `. I go on from there:`."""
    anchor, longest = first.anchor, _MAX_REMARK + 2 * len(first.anchor)
    said = Folded(rest[:longest])
    at = said.text.find(anchor)
    if at < 0:
        return None if len(rest) < longest else 0
    remark = rest[: said.start_of(at)].lstrip()
    foreign = not has_words(remark) or first.is_foreign(remark, len(anchor))
    return said.end_of(at + len(anchor)) if foreign else 0


def _is_refrain(seen: SeenText, first: Repetition, between: str, core: str, after: str) -> bool:
    """Tell whether the seen text repeats itself in the same way already, as rows do."""
    if first.set_off:
        return False
    folded = seen.folded
    before = folded[: len(folded) - len(core)]
    ends_in_word = seen.text[-1:].isalnum()
    if core != first.anchor and weight(core) < MIN_PROOF:
        return not (ends_in_word and after[:1].isalnum())  # a short line, and half a word
    if not before:  # all of it is said again: a refrain, unless it stopped inside a line
        longest = 2 * MIN_PROOF if "\n" in seen.text.strip() else _LONG
        data = seen.fence or is_open_json(seen.text)
        if data or (weight(core) >= longest and not seen.is_verse):
            return False
        inside = seen.blank == " " or (seen.is_prose and seen.is_mid_sentence)
        inside = inside or (ends_in_word and ("\n\n" in between or after[:1].isalnum()))
        return "\n" in between and not inside
    return common_suffix(before, folded + fold(between)) >= min(_MIN_PERIOD, len(before))


def _units(seen: SeenText, first: Repetition) -> list[str]:
    units = [fold(seen.text[begin:]) for begin in seen.units] if first.set_off else []
    is_line = first.said == fold(seen.line) and len(first.said) >= _MIN_AGAIN
    longer = [first.said] if is_line or weight(first.said) >= MIN_PROOF else []
    return [
        unit
        for unit in dict.fromkeys([*longer, first.anchor, *units])
        if len(unit) >= _MIN_AGAIN and not is_periodic(unit) and seen.is_unique(unit)
    ]
