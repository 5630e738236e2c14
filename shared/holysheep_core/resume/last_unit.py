"""The last unit of a text: a response may begin with the last line, number, word or cluster.

"graz" + "grazing", "12,3" + "12,345": the whole unit is repeated and then continued.
"""

from __future__ import annotations

import re

from holysheep_core.resume.normalize import Folded, fold, is_periodic
from holysheep_core.resume.seen import SeenText, is_joining, last_cluster

_GRAM = 8
_MIN_CODE_POINTS = 4
_FENCE_LINE = re.compile(r"(`{3,}|~{3,})[^`\n]*\n")
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0e31-\u0e4e])+$")
_NUMBER = re.compile(r"\d[\d.,]*$")
_WIDE = "\u2e80"


def end_of_last_unit(seen: SeenText, written: str) -> int:
    """Return where the new text of a response that repeats the last unit begins; 0 for none.

    Args:
        seen: The text the reader has.
        written: The response.
    """
    end = _line_in_fence(seen, written) or _line(seen, written) or _word(seen, written)
    end = end or _cluster(seen, written)
    return end if len(written) > end else 0


def _line_in_fence(seen: SeenText, written: str) -> int:
    """A fence opened again inside an open one proves that a line begins after it."""
    opened = _FENCE_LINE.match(written)
    line = seen.line
    if not opened or not seen.fence or not line:
        return 0
    for form in (line, line.lstrip()):
        long_enough = form[:1].isspace() or len(form.strip()) > 1
        if form and long_enough and written.startswith(form, opened.end()):
            return opened.end() + len(form)
    return 0


def _line(seen: SeenText, written: str) -> int:
    line = seen.line.strip()
    folded, begun = fold(line), Folded(written[: 2 * len(line) + _GRAM])
    enough = len(folded) >= 3 and not is_periodic(folded) and begun.text.startswith(folded)  # noqa: PLR2004
    enough = enough and (len(folded) >= _GRAM or written.lstrip().startswith(line))
    if enough and len(begun.text) > len(folded) and begun.is_boundary(len(folded)):
        return begun.end_of(len(folded))
    return 0


def _word(seen: SeenText, written: str) -> int:
    text = seen.text
    if seen.blank == " ":
        before, _, unit = text.rstrip().rpartition(" ")
        again = before.endswith(unit) or not unit.isalpha() or len(unit) < _MIN_CODE_POINTS
        return 0 if again or not written.startswith(unit + " ") else len(unit)
    word, number = _WORD.search(text), _NUMBER.search(text)
    unit = word.group() if word else ""
    if number and len(number.group()) >= len(unit):
        unit = number.group()
    if not unit or not written.startswith(unit) or is_periodic(unit):
        return 0
    following = written[len(unit) : len(unit) + 2]
    goes_on = following[:1].isalnum() or is_joining(following[:1])
    if number and re.match(r"[.,]\d", following):
        goes_on = True
    wide = any(c > _WIDE for c in unit)
    if goes_on:
        return len(unit) if len(unit) >= (2 if wide or following[:1].isalpha() else 3) else 0
    blank = following[:1].isspace() and unit.islower()
    return len(unit) if following and not wide and len(unit) >= (2 if blank else 4) else 0


def _cluster(seen: SeenText, written: str) -> int:
    cluster = last_cluster(seen.text)
    following = written[len(cluster) : len(cluster) + 1]
    joined = is_joining(following) or cluster.endswith("\u200d")
    return len(cluster) if cluster and following and joined and written.startswith(cluster) else 0
