"""The text a reader has, and what it tells about the text that may follow it."""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property

from holysheep_core.resume.json_end import EndOfJson
from holysheep_core.resume.normalize import Folded, fold, has_words, is_periodic, weight

MIN_PROOF = 16
"""What a repetition behind a preamble must weigh (about as many letters) to prove its place."""
MAX_ANCHOR = 400
ENDS_OF_SENTENCES = (".", "!", "?", "。", "！", "？", "…", "।")  # noqa: RUF001 - full-width on purpose
_CLOSING = "\"'”’)]}*_`»」』 "  # noqa: RUF001 - likewise
_PROSE_COLUMNS = 48
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_LIST_ITEM = re.compile(r"\s*(?:[|>#*+-]|\d+[.)] )")
_UNIT_END = re.compile(r"\n\s*|[.!?。！？][\"'”’)]*\s+|[。！？]")  # noqa: RUF001 - likewise
_VERSE_LINES = 3
_WIDE = "\u2e80"


def open_fence(text: str) -> str:
    """Return the code fence that is open at the end of a Markdown text; "" for none.

    A fence is closed by one at least as long without an info string (CommonMark 0.31, 4.5).
    """
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if not found:
            continue
        marks, info = found.groups()
        if not fence:
            fence = marks
        elif marks[0] == fence[0] and len(marks) >= len(fence) and not info.strip():
            fence = ""
    return fence


def is_open_json(text: str) -> bool:
    """Tell whether a text is the beginning of a JSON object or array that is not complete."""
    text = text.strip()
    return text[:1] in ("{", "[") and EndOfJson(text).is_open


def is_finished(text: str) -> bool:
    """Tell whether a text may be all of an answer: nothing is open, and it ends like one."""
    if open_fence(text) or is_open_json(text):
        return False
    end = text.rstrip()
    if end.endswith((":", "：", ",", "，", "、", ";")):  # noqa: RUF001 - full-width on purpose
        return False
    if end.endswith("|") or end.rpartition("\n")[2].lstrip().startswith("|"):
        return end.endswith("|") and _is_whole_row(end)
    ended = end.rstrip(_CLOSING).endswith(ENDS_OF_SENTENCES)
    return ended or text[-1:] in "\n}]>" or end.endswith("\n```")


def _is_whole_row(text: str) -> bool:
    """Tell whether a text ends with a row of a table that has as many cells as the row before."""
    before, row = ["", *text.split("\n")][-2:]
    cells = before.count("|") if before.lstrip().startswith("|") else 2
    return row.count("|") >= cells


class SeenText:
    """The text a reader has.

    Attributes:
        text: As written.
        folded: As it is compared.
        index: The way from one to the other.
        key: The shortest ending of `folded` that weighs `MIN_PROOF`, has a word in it and occurs
            only once; all of `folded` if no shorter one does, "" if that weighs less.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.index = Folded(text)
        self.folded = self.index.text
        self.key = self._shortest_key()

    def _shortest_key(self) -> str:
        folded = self.folded
        length = MIN_PROOF // 2
        while length < len(folded) and weight(folded[-length:]) < MIN_PROOF:
            length += 1
        if weight(folded[-length:]) < MIN_PROOF:
            return ""
        while length < len(folded) and not self._is_telling(folded[-length:]):
            length = min(length + length // 2, len(folded))
        return folded[-length:]

    def _is_telling(self, ending: str) -> bool:
        return self.is_unique(ending) and has_words(ending) and not is_periodic(ending)

    def is_unique(self, folded: str) -> bool:
        """Tell whether a folded text, which the seen text ends with, occurs only there."""
        return self.folded.find(folded) == len(self.folded) - len(folded)

    @cached_property
    def blank(self) -> str:
        """The white space at the end."""
        return self.text[len(self.text.rstrip()) :]

    @cached_property
    def line(self) -> str:
        """The last line, as far as it goes."""
        return self.text.rpartition("\n")[2]

    @cached_property
    def fence(self) -> str:
        """The code fence that is open at the end; "" for none."""
        return open_fence(self.text)

    @cached_property
    def units(self) -> list[int]:
        """Where the last two lines or sentences begin, the nearest first."""
        return [end.end() for end in _UNIT_END.finditer(self.text.rstrip())][-2:][::-1]

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The scripts of its last letters."""
        return frozenset(_script(c) for c in self.text[-400:] if c.isalpha())

    @cached_property
    def is_mid_sentence(self) -> bool:
        """It stopped in the middle of a sentence."""
        end = self.text.rstrip(" \t")
        return bool(end) and (end[-1].isalnum() or end[-1] in ",;-–—(") and not self.fence  # noqa: RUF001 - dashes

    @cached_property
    def is_prose(self) -> bool:
        """Its last line is running text, not a row, a title or verse."""
        *before, line = self.text.split("\n")
        if self.fence or _LIST_ITEM.match(line):
            return False
        wide = any(_columns(other) >= 2 * _PROSE_COLUMNS for other in before)
        return wide or _columns(line) >= _PROSE_COLUMNS

    @cached_property
    def is_verse(self) -> bool:
        """Its last lines are short and mostly without a full stop."""
        lines = [line for line in self.text.split("\n") if line.strip()][-_VERSE_LINES:]
        short = all(_columns(line) < _PROSE_COLUMNS and line[0].isalpha() for line in lines)
        stops = sum(line.rstrip().endswith(ENDS_OF_SENTENCES) for line in lines)
        return len(lines) > 1 and short and 2 * stops <= len(lines)

    def may_go_on_with(self, text: str) -> bool:
        """Tell whether a text may follow as it stands: by its script, its case, its first mark."""
        letter = next((c for c in text[:40] if c.isalpha()), "")
        if letter and self.scripts and _script(letter) not in self.scripts:
            return False
        last, first = self.text[-1:], text[:1]
        if not first or first.isspace() or first in ",.;:!?)]}'’":  # noqa: RUF001 - an apostrophe
            return True
        if last.isspace():
            return not (first.isupper() and self.is_mid_sentence)
        return _may_touch(last, first)


def _may_touch(last: str, first: str) -> bool:
    """Tell whether a character may follow another one without a blank."""
    if last in "([{\"“'‘/-–—…$#@\\_*`<=>|~" or not first.isalnum():  # noqa: RUF001 - quotes, dashes
        return True
    if last.isalnum():
        return not first.isupper()
    # "10:" continues with "00", "a." with "b", and a full-width mark needs no blank after it.
    lower = first.isascii() and not first.isupper()
    return (lower and last in ":.,;?&%+^!") or (not last.isascii() and first > _WIDE)


def _script(character: str) -> str:
    script = unicodedata.name(character, "?").split(" ")[0]
    return "CJK" if script in ("HIRAGANA", "KATAKANA", "CJK") else script


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def is_provable(seen: str) -> bool:
    """Tell whether there is enough text for a continuation of it to be recognised as one."""
    return weight(fold(seen)) >= MIN_PROOF


def choose_anchor(seen: str, characters: int) -> str:
    """Choose the last words of a text that a model shall begin by repeating.

    Args:
        seen: The text so far.
        characters: About how many characters to quote.

    Returns:
        A suffix of `seen` that starts at a word where one is near, not at a quote or a combining
        mark, and that occurs only once in `seen` unless 400 characters are not enough for that.
    """
    index = SeenText(seen)
    length = min(len(seen), characters)
    while length < min(len(seen), MAX_ANCHOR) and not _is_telling(seen[-length:], index):
        length = min(length * 2, len(seen))
    start = len(seen) - length
    blank = max(seen.rfind(" ", max(0, start - characters // 2), start), 0)
    start = blank + 1 if blank else start
    while start and (_is_joined(seen, start) or seen[start - 1] in "\"'“‘*_`"):  # noqa: RUF001 - quotes
        start -= 1
    return seen[start:]


def _is_telling(anchor: str, seen: SeenText) -> bool:
    folded = fold(anchor)
    return weight(folded) >= MIN_PROOF and has_words(folded) and seen.is_unique(folded)


def _is_joined(text: str, at: int) -> bool:
    """Tell whether a character belongs to the one before it."""
    return is_joining(text[at : at + 1]) or text[at - 1] == "\u200d"


def is_joining(character: str) -> bool:
    """Tell whether a character is part of the grapheme cluster before it."""
    skin = "\U0001f3fb" <= character <= "\U0001f3ff"
    mark = bool(character) and unicodedata.category(character)[0] == "M"
    return mark or skin or character in ("\u200d", "\ufe0f", "\u20e3")


def last_cluster(text: str) -> str:
    """Return the last grapheme cluster, as far as emoji and combining marks go."""
    start = len(text) - 1
    while start > 0 and _is_joined(text, start):
        start -= 1
    return text[max(start, 0) :]
