"""What models say before they continue, though they were asked not to.

Three things are recognised at the very beginning of a resumed response, and only there: an
announcement ("Sure, continuing where I left off:"), an ellipsis, and a code fence opened a
second time. An announcement has to begin like one, to speak of continuing, and to end with a
colon or a line break; so a text that merely continues with "Sure" or "네" is not touched.

No list of wordings is complete. But the words asked for (the *anchor*), right after a short line
or inside a mark, prove that what stands before them is no part of the answer.
"""

from __future__ import annotations

import re

from holysheep_core.resume.normalize import fold

MAX_ANNOUNCEMENT = 140
"""Characters within which an announcement has to end; until then the text is held back."""

_OPENERS = (
    "sure",
    "certainly",
    "of course",
    "okay",
    "ok,",
    "alright",
    "absolutely",
    "apologies",
    "sorry",
    "here is the",
    "here's the",
    "here is where",
    "continuing",
    "continued",
    "let me continue",
    "i'll continue",
    "i will continue",
    "picking up",
    "resuming",
    "네,",
    "네!",
    "네.",
    "네 ",
    "예,",
    "물론",
    "알겠습니다",
    "죄송",
    "이어서",
    "계속해서",
    "계속하겠습니다",
    "앞서",
    "중단된",
    "好的",
    "当然",
    "没问题",
    "抱歉",
    "继续",
    "接着",
    "以下",
    "下面",
    "はい",
    "もちろん",
    "承知",
    "かしこまりました",
    "すみません",
    "申し訳",
    "続き",
    "それでは",
    "では、",
)
_GOING_ON = re.compile(
    r"continu|left off|pick(ing)? up|resum|the rest|remain|이어|계속|나머지|继续|接着|续|剩余|続"
)
# At most two line breaks are the announcement's; a third would be the text's own.
_ENDS = re.compile(r"[:：][ \t]*\n{1,2}|[:：](?=[ \t])|\n{1,2}")  # noqa: RUF001 - full-width
_FENCE = re.compile(r"\s*```[A-Za-z0-9_+#.-]+[ \t]*\n")
_FENCE_BEGUN = re.compile(r"\s*(`{0,3}|```[A-Za-z0-9_+#.-]*[ \t]*)")
_MAX_FENCE = 30
_TAG = re.compile(
    r"\s*(?:\[(?:cont(?:inu|\.|d)|계속|이어|继续|接着|续|続)[^\[\]\n]{0,24}\]"
    r"|\((?:cont(?:inu|\.|d)|계속|이어|继续|接着|续|続)[^()\n]{0,24}\))[ \t]*\n{0,2}",
    re.IGNORECASE,
)
_MAX_TAG = 34


def decoration_of(text: str, *, inside_fence: bool, after_dot: bool) -> int | None:
    """Return how many characters at the beginning of a response are an ellipsis or a second fence.

    Args:
        text: The response so far.
        inside_fence: A code fence is open where the response begins.
        after_dot: The text before it ends with a dot, so that dots may be its own.

    Returns:
        0 if there are none, or None if more text is needed to tell.
    """
    return _fence(text) if inside_fence else _dots(text, after_dot=after_dot)


def _tag(text: str) -> int | None:
    """Return the length of "[continued]" or "(계속)", which no text of its own begins with."""
    tag = _TAG.match(text)
    if tag:
        return tag.end() if tag.end() < len(text) else None
    is_open = not re.search(r"[\])\n]", text)
    return None if is_open and len(text) < _MAX_TAG else 0


def _fence(text: str) -> int | None:
    fence = _FENCE.match(text)
    if fence:
        return fence.end()
    begun = _FENCE_BEGUN.fullmatch(text) and "`" in text
    return None if begun and len(text) < _MAX_FENCE else 0


def _dots(text: str, *, after_dot: bool) -> int | None:
    count = 3 if text.startswith("...") else 1 if text.startswith("…") else 0
    if after_dot:
        return 0
    if not count:
        return None if text in (".", "..") else 0
    if len(text) == count:
        return None
    # "wait... what" has a space after its dots; "...and then" has none.
    following = text[count]
    return 0 if following.isspace() or following in "\"'”’).?!…" else count  # noqa: RUF001


def announcement_of(text: str) -> int | None:
    """Return how many characters at the beginning of a response announce that it continues.

    Returns:
        0 if it announces nothing, or None if more text is needed to tell.
    """
    low = text.lstrip().lower()
    if low[:1] in ("", "[", "("):
        return _tag(text) if low else 0
    if not any(low.startswith(opener) for opener in _OPENERS):
        return None if any(opener.startswith(low) for opener in _OPENERS) else 0
    ends = _ENDS.search(text, len(text) - len(text.lstrip()))
    if ends is None:
        return None if len(text) < MAX_ANNOUNCEMENT else 0
    said = text[: ends.start()].lower()
    if ends.start() > MAX_ANNOUNCEMENT or not _GOING_ON.search(said):
        return 0
    if ends.end() == len(text) and not ends.group().endswith("\n\n"):
        return None  # another line break may follow
    return ends.end()


MAX_INTRODUCTION = 64
"""Characters of a first line that may turn out to introduce the words asked for."""
MIN_PROOF = 16
"""Folded characters an anchor must have to prove that the line before it was no answer."""
_WRAPS = ("**", "*", "__", '"', "“", "`", "---\n", "> ")
"""What models put around, or before, the words they were asked to repeat."""


def wrapping_of(text: str, anchor: str) -> tuple[int | None, str]:
    """Return the length of a mark before the anchor, and the mark that will close it.

    Args:
        text: How a response begins.
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
        text: How a response begins.
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
    """Tell whether the first line, up to `line`, may be the rest of a row of the text's."""
    # Rows often begin alike: a log's lines, a table's. Then it has to look introductory.
    current = fold(seen.rpartition("\n")[2])
    is_paragraph = text[line:].startswith("\n\n")
    if current == anchor and not is_paragraph and text[line - 1] not in ":：":  # noqa: RUF001 - full-width
        return True
    # A line that then occurs twice in the answer introduces nothing.
    *lines, last = (seen + text[:line]).split("\n")
    return fold(last) in map(fold, lines)
