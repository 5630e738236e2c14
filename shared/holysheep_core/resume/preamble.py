"""What may stand before a repetition: an announcement, an apology, a mark, a code fence.

It is recognised by what it cannot be, text of the answer, and never by its words: "Sure,
continuing:" may well be the next line of a dialogue.
"""

from __future__ import annotations

import re

from holysheep_core.resume.normalize import fold, has_words
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
        if not has_words(preamble) or _OPENER.fullmatch(preamble):
            return True
        if length >= len(seen.folded) and (
            length >= 5 * MIN_PROOF
            or (preamble.endswith("\n") and len(preamble) < _MAX_INTRODUCTION)
        ):
            return True
        if restarted:
            return length >= 2 * MIN_PROOF + _GRAM
        cannot_follow = self._echoes(preamble) or not seen.may_go_on_with(preamble)
        if cannot_follow or _ENDS_IN_FENCE_OR_RULE.search(preamble):
            return True
        return self._is_introduction(preamble, length)

    def _is_introduction(self, preamble: str, length: int) -> bool:
        """Tell whether a preamble that could follow the seen text is set off from the rest."""
        base = preamble.rstrip(" \t>\"'*`“‘")  # noqa: RUF001 - quotes
        if preamble[0].isspace() or not _ENDS_IN_BREAK.search(base):
            return False
        breaks = base.strip().count("\n")
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
        announced = base.rstrip()[-1:] in ":："  # noqa: RUF001 - full-width
        if begin >= len(seen.text) - len(seen.line) and not announced:
            return not base.endswith("\n\n")
        return len(preamble) > RESTART_EVIDENCE and (not announced or seen.is_verse)

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
