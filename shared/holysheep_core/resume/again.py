"""Words that a response says once more behind a repetition that is found already.

Some models quote the words they were asked for and then begin with them.
"""

from __future__ import annotations

import re

from holysheep_core.resume.normalize import Folded, common_suffix, fold, is_periodic
from holysheep_core.resume.seen import SeenText

_MIN_AGAIN = 8
_MIN_PERIOD = 6
_MAX_REMARK = 120
_MARKS = re.compile(r"[\s\"'*`>]*(?:\.\.\.|…)?")


def said_again(seen: SeenText, anchor: str, rest: str, *, closes: bool) -> int | None:
    """Return how much of the rest says the last words once more; None if that is not clear.

    Args:
        seen: The text the reader has.
        anchor: The words that the model was asked to repeat, folded.
        rest: What follows the repetition.
        closes: The repetition was quoted: a remark may stand before the words themselves.
    """
    bodies = {len(rest) - len(rest.lstrip()), *(m.end() for m in [_MARKS.match(rest)] if m)}
    units = _units(seen, anchor, set_off=closes)
    for body in sorted(bodies):
        said = Folded(rest[body:])
        for core in units:
            if said.text.startswith(core) and said.is_boundary(len(core)):
                own = not closes and _is_refrain(seen, rest[:body], core)
                return 0 if own else body + said.end_of(len(core))
            if core.startswith(said.text):
                return None
    if closes and anchor in units:
        said = Folded(rest[: _MAX_REMARK + 2 * len(anchor)])
        at = said.text.find(anchor)
        if at >= 0:
            return said.end_of(at + len(anchor))
        return None if len(rest) < _MAX_REMARK + 2 * len(anchor) else 0
    return 0


def _is_refrain(seen: SeenText, between: str, core: str) -> bool:
    """Tell whether the seen text repeats itself in the same way already, as rows do."""
    folded = seen.folded
    before = folded[: len(folded) - len(core)]
    if not before:  # all of it is said again: a refrain, unless it stopped inside a line
        inside = seen.blank == " " or (seen.text[-1:].isalnum() and "\n\n" in between)
        return "\n" in between and not inside
    return common_suffix(before, folded + fold(between)) >= min(_MIN_PERIOD, len(before))


def _units(seen: SeenText, anchor: str, *, set_off: bool) -> list[str]:
    units = [fold(seen.text[begin:]) for begin in seen.units] if set_off else []
    first = [anchor]
    return [
        unit
        for unit in first + units
        if len(unit) >= _MIN_AGAIN and not is_periodic(unit) and seen.is_unique(unit)
    ]
