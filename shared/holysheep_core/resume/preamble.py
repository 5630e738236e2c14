"""What may stand before a repetition: an announcement, an apology, a mark, a code fence.

It is recognised by what it cannot be, text of the answer, and never by its words: "Sure,
continuing:" may well be the next line of a dialogue.
"""

from __future__ import annotations

import re

from holysheep_core.resume.normalize import fold, has_words, weight
from holysheep_core.resume.seen import MIN_PROOF, SeenText

MAX_PREAMBLE = 300
"""Characters of something else that may stand before the repetition."""
RESTART_EVIDENCE = 24
"""Folded characters of the beginning, said again, that prove a restart."""
_MAX_INTRODUCTION = 160
_MAX_INTRODUCTION_BREAKS = 4
_GRAM = 8
_OPENER = re.compile(r"\s*(?:(?:`{3,}|~{3,})[^`\n]*|<\w+>)\s*")
_ENDS_IN_FENCE_OR_RULE = re.compile(r"(?:^|\n)[ \t]*(?:`{3,}[^`\n]*|---+|\*\*\*+)\s*$")
_BREAK = re.compile(r"\n+|[:.!?][\"'”’)]*(?=\s)|[：。！？…][\"”’」]*")  # noqa: RUF001 - full-width
_BRACKETED = re.compile(r"[\[(（【](?:[^\W\d_]|\.)[^\n\"'=;]{0,40}[\])）】]\s*")  # noqa: RUF001 - full-width
_BRACKETS = re.compile(r"(?:^|\n)\s*[\[(（【]")  # noqa: RUF001 - full-width
_ENDS_LINE = re.compile(r"[a-z0-9=.,;:!?({)\]}\"'/&+%]")  # of a line that was begun
_ROWS = re.compile(r"\S[ \t]*\n[ \t]*\S")
_GOES_ON = re.compile(r"\s*(?:[,;:!?)\]}]|\.(?!\.))")
_ENDS_IN_BREAK = re.compile(r"(?:[\n:：>]|[.!?。！？…][\"'”’)]*[ \t]*)$")  # noqa: RUF001 - full-width


class Preamble:
    """Tells what stands before a repetition from text of the answer.

    Args:
        seen: The text the reader has.
        anchor: The ending of it that the model was asked to repeat, folded.
        asked: What the model was asked.
    """

    def __init__(self, seen: SeenText, anchor: str, asked: str) -> None:
        self._seen = seen
        self._anchor = anchor
        self._asked = fold(asked)

    def is_foreign(self, preamble: str, length: int, *, restarted: bool) -> bool:
        """Tell whether a preamble is no text of the answer.

        Args:
            preamble: What stands before the repetition.
            length: Folded characters of the repetition.
            restarted: The response has begun with the beginning of the seen text.
        """
        seen = self._seen
        if not has_words(preamble):
            inside = length >= MIN_PROOF and "\n" not in preamble
            return inside or not _GOES_ON.match(preamble)
        if _OPENER.fullmatch(preamble) or self._is_bracketed(preamble, length):
            return True
        if length >= len(seen.folded) and (
            length >= 5 * MIN_PROOF
            or (preamble.endswith("\n") and len(preamble) < _MAX_INTRODUCTION)
        ):
            return True
        if restarted:
            return length >= 2 * MIN_PROOF + _GRAM
        set_off = _ENDS_IN_FENCE_OR_RULE.search(preamble) or self._is_introduction(preamble, length)
        if seen.may_go_on_with(preamble) and not set_off and not self._echoes(preamble):
            return False
        return not self._hides_text(preamble, length)

    def _is_bracketed(self, preamble: str, length: int) -> bool:
        """Tell whether `[continued]` stands before all the words asked for, and no such row."""
        rows = _BRACKETS.search(self._seen.text) or self._seen.fence
        asked = length >= len(self._anchor) >= MIN_PROOF
        return asked and not rows and bool(_BRACKETED.fullmatch(preamble))

    def _hides_text(self, preamble: str, length: int) -> bool:
        r"""Tell whether text of the answer may stand behind the first words of a preamble.

        `Sure:\n\ntus == 200\n    assert result.sta` continues with a row much like the last one.
        """
        for found in _BREAK.finditer(preamble):
            after = preamble[found.end() :].lstrip()
            if not has_words(after) or _OPENER.fullmatch(after):
                break
            foreign = self._is_introduction(after, length) or self._echoes(after)
            if self._seen.may_go_on_with(after) and not foreign:
                return True
        return False

    def repeats_lines(self, preamble: str) -> bool:
        """Tell whether a preamble is made of lines of the seen text, as a table's head again.

        The seen text stopped inside a line, which whole lines cannot follow.
        """
        before, _, line = self._seen.text.rpartition("\n")
        if not line.strip() or not preamble.endswith("\n"):
            return False
        known = {fold(other) for other in before.split("\n")}
        lines = [fold(other) for other in preamble.split("\n") if other.strip()]
        return all(other in known for other in lines) and weight("".join(lines)) >= MIN_PROOF

    def _is_introduction(self, preamble: str, length: int) -> bool:
        """Tell whether a preamble that could follow the seen text is set off from the rest."""
        base = preamble.rstrip(" \t>\"'*`“‘")  # noqa: RUF001 - quotes
        if preamble[0].isspace() or not _ENDS_IN_BREAK.search(base):
            return False
        breaks = base.strip().count("\n")
        if not base.endswith("\n") and _ROWS.search(base):
            return False  # rows, and then the beginning of one
        longest = MAX_PREAMBLE if length >= len(self._anchor) else _MAX_INTRODUCTION
        if len(preamble) > longest or breaks > _MAX_INTRODUCTION_BREAKS:
            return False
        return not base.endswith("\n") or not self._may_be_row(base, preamble, length)

    def _may_be_row(self, base: str, preamble: str, length: int) -> bool:
        """Tell whether a preamble that ends in a line break may be a row or a verse."""
        seen = self._seen
        if "\n" not in seen.text:
            return False
        begin = seen.index.start_of(len(seen.folded) - length)
        before = seen.text[:begin].rstrip(" \t")
        if before and not before.endswith("\n"):
            return False  # rows and verses begin where a line begins
        announced = base.rstrip(" \n\t*_\"'`")[-1:] in (":", "：")  # noqa: RUF001 - full-width
        if begin >= len(seen.text) - len(seen.line) and not announced:
            return not base.endswith("\n\n")
        begun = bool(seen.line.strip()) and not _BRACKETED.fullmatch(preamble)
        completes = bool(seen.fence) or (begun and _ENDS_LINE.match(preamble))
        long = len(preamble) > RESTART_EVIDENCE or (completes and not base.endswith("\n\n"))
        return bool(long) and (not announced or seen.is_verse)

    def _echoes(self, text: str) -> bool:
        """Tell whether a text repeats what the model was asked."""
        said, size = fold(text), RESTART_EVIDENCE
        starts = range(0, len(said) - size + 1, 4)
        return any(said[at : at + size] in self._asked for at in starts)


def is_mention(preamble: str) -> bool:
    """Tell whether a preamble ends like `The message ended with "`."""
    quoted = preamble.rstrip()[-1:] in tuple("\"“'`‘")  # noqa: RUF001 - quotes
    quoted = quoted and not _ENDS_IN_FENCE_OR_RULE.search(preamble)
    return bool(preamble) and quoted and has_words(preamble) and not preamble[:-1].endswith("\n")
