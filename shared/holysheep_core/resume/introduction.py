"""What models put before the words they were asked to begin with.

`lead` knows announcements by their wording. No list of wordings is complete, but the words asked
for (the *anchor*), right after a short line or inside a mark, prove that what stands before
them is no part of the answer.
"""

from __future__ import annotations

from holysheep_core.resume.normalize import fold

MAX_INTRODUCTION = 64
"""Characters of a first line that may turn out to introduce the words asked for."""
MIN_PROOF = 16
"""Folded characters an anchor must have to prove that the line before it was no answer."""
_WRAPS = ("**", "*", "__", '"', "“", "`", "---\n", "> ")
"""What models put around, or before, the words they were asked to repeat."""


def wrapping_of(text: str, anchor: str) -> tuple[int | None, str]:
    """Return the length of a mark before the anchor, and the mark that will close it.

    Args:
        text: How a leg begins.
        anchor: The words asked for, folded.

    Returns:
        0 if there is no mark; None if it may be one, and more text is needed to tell.
    """
    if len(anchor) < MIN_PROOF:
        return 0, ""
    for mark in _WRAPS:
        if not text.startswith(mark):
            continue
        said = fold(text[len(mark) :])
        if said.startswith(anchor):
            return len(mark), {"“": "”"}.get(mark, mark)
        if anchor.startswith(said):
            return None, ""
    return 0, ""


def introduction_of(text: str, anchor: str, seen: str) -> int | None:
    """Return the length of a first line, in whatever words, after which the anchor comes.

    Args:
        text: How a leg begins.
        anchor: The words asked for, folded.
        seen: What the reader has.

    Returns:
        0 if there is none; None if more text is needed to tell.
    """
    if len(anchor) < MIN_PROOF:
        return 0
    blank = len(text) - len(text.lstrip())
    line = text.find("\n", blank)
    if line < 0:
        return None if len(text) < MAX_INTRODUCTION else 0
    after = fold(text[line:])
    if line > MAX_INTRODUCTION or not anchor.startswith(after[: len(anchor)]):
        return 0
    if len(after) < len(anchor):
        return None
    if _may_be_row(text, line, anchor, seen):
        return 0
    return line + len(text[line:]) - len(text[line:].lstrip())


def _may_be_row(text: str, line: int, anchor: str, seen: str) -> bool:
    """Tell whether a leg's first line, up to `line`, may be the rest of a row of the text's."""
    # Rows often begin alike: a log's lines, a table's. Then it has to look introductory.
    current = fold(seen.rpartition("\n")[2])
    is_paragraph = text[line:].startswith("\n\n")
    if current == anchor and not is_paragraph and text[line - 1] not in ":：":  # noqa: RUF001 - full-width
        return True
    # And one that then stands in the answer twice introduces nothing.
    *lines, last = (seen + text[:line]).split("\n")
    return fold(last) in map(fold, lines)
