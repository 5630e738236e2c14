"""What happens right after the repetition: white space, and marks that a preamble has opened.

The response's white space is the text's, as far as it goes beyond what the reader has. Marks
that stood before the repetition (quotes, bold, a tag, a code fence) are closed after it or at
the end of the response; the closing ones are no text of the answer either.
"""

from __future__ import annotations

import re

from holysheep_core.resume.normalize import fold
from holysheep_core.resume.seen import SeenText, open_fence

_CLOSERS = {
    "“": "”",
    "‘": "’",  # noqa: RUF001 - quotes
    "„": "“",
    "「": "」",
    "『": "』",
    "«": "»",
    "[": "]",
    "(": ")",
    "（": "）",  # noqa: RUF001 - full-width
    "【": "】",
}
_SAME = "\"'`*_~"
_FENCED = re.compile(r"(?:^|\n)[ \t]*(`{3,}|~{3,})[^`\n]*\n\s*$")
_TAGGED = re.compile(r"<(\w+)>\s*$")
_FENCE_AT_END = re.compile(r"\n?[ \t]*(?:`*|~*)[ \t]*\n?$")
BLOCK_QUOTE = "\n\n"
"""What closes a block quote: a paragraph break."""
_FENCES = ("```", "~~~")
_BOUNDARY = re.compile(r"(?<=[.!?:。])\s+|\n+|(?<=[。])")
_ECHO, _MIN_ECHO = 18, 12
_FENCE_CLOSED = re.compile(r"\n?(?:`{3,}|~{3,})[ \t]*\n?$")
_FENCE_RIGHT_AFTER = re.compile(r"\s*\n(?:`{3,}|~{3,})[ \t]*\n{1,2}")


def closer_of(preamble: str, seen: SeenText, begin: int) -> str:
    """Return the marks that will close those which a preamble ends with; "" for none.

    Args:
        preamble: What stands before the repetition.
        seen: The text the reader has.
        begin: Where in it the repetition begins: in an open fence, another one only reopens it.
    """
    if not preamble:
        return ""
    fenced = _FENCED.search(preamble)
    if fenced:
        return "" if open_fence(seen.text[:begin]) else fenced[1]
    if preamble.rstrip(" ").endswith(">") and not preamble.rstrip(" >").strip():
        return BLOCK_QUOTE
    tag = _TAGGED.search(preamble)
    if tag:
        return f"</{tag.group(1)}>"
    closer, rest = "", preamble.rstrip(" .…\r\n\t")
    if _is_balanced(rest) and "\n" in preamble[len(rest) :]:
        return ""  # `**Continued:**`: they close what stands before them
    while rest and (rest[-1] in _SAME or rest[-1] in _CLOSERS):
        closer += _CLOSERS.get(rest[-1], rest[-1])
        rest = rest[:-1]
    return closer


def _is_balanced(preamble: str) -> bool:
    """Tell whether the marks at the end of a preamble close ones that it has opened."""
    line = preamble.rpartition("\n")[2]
    mark = line[-1:]
    marks = line[len(line.rstrip(mark)) :] if mark in _SAME else ""
    return bool(marks) and line.strip() != marks and line.count(marks) % 2 == 0


def without_closer(rest: str, closer: str, seen: SeenText, *, spaced: bool = False) -> str | None:
    """Return what follows the repetition, without the marks that close the preamble's.

    Args:
        rest: What follows the repetition.
        closer: These marks.
        seen: The text the reader has.
        spaced: A blank stood between the opening marks and the repetition.

    Returns:
        None where the marks took a line of their own and it is unclear whether a blank is lost.
    """
    body = rest.lstrip()
    if closer == BLOCK_QUOTE:
        inside = not rest.startswith("\n")  # all of it stands in the block
        return rest if inside else _after_block(rest, rest.removeprefix(closer), seen)
    if closer[:3] in _FENCES:
        closed = _FENCE_RIGHT_AFTER.match(rest)
        return (
            _after_block("\n\n" + rest[closed.end() :], rest[closed.end() :], seen)
            if closed
            else rest
        )
    if not closer or not body.startswith(closer):
        return rest
    if _is_open(closer, seen) and not body.startswith(closer + closer):
        return rest  # it closes what the seen text has opened
    before, after = rest[: len(rest) - len(body)], body[len(closer) :]
    if closer.startswith("</") and "\n" in before and after.startswith("\n"):
        return _after_block(after, after.lstrip("\n"), seen)
    if spaced:
        before = before.rstrip(" ")
    if after.startswith("\n\n") and _is_inside_line(seen, after.lstrip()):
        after = after.lstrip()  # the quotation was made a paragraph
    return before + after


def beyond_block(rest: str, closer: str) -> str:
    """Return what follows the end of a block that a preamble has opened."""
    closed = _FENCE_RIGHT_AFTER.match(rest)
    if closer[:3] in _FENCES and closed:
        return rest[closed.end() :]
    return rest.lstrip().removeprefix(closer).lstrip("\n")


def _after_block(whole: str, rest: str, seen: SeenText) -> str | None:
    """Choose between a rest with the line break that ended a block, and without it."""
    if seen.blank:
        return seen.blank + rest  # the block was closed where the reader's white space is
    if rest[:1].isspace() or _is_inside_line(seen, rest):
        return rest
    glued = bool(seen.fence) or (seen.text[-1:].isalnum() and rest[:1].isalnum())
    return None if glued else whole


def _is_open(closer: str, seen: SeenText) -> bool:
    """Tell whether the last paragraph of the seen text has a mark open that `closer` closes."""
    paragraph = seen.text.rstrip().rpartition("\n\n")[2]
    opener = next((left for left, right in _CLOSERS.items() if right == closer), closer)
    if opener == closer:
        return bool(paragraph.count(closer) % 2)
    elsewhere = sum(paragraph.count(left) for left in _CLOSERS if _CLOSERS[left] == opener)
    return paragraph.count(opener) > paragraph.count(closer) + elsewhere


def _is_inside_line(seen: SeenText, body: str) -> bool:
    """Tell whether a text that goes on must stand in the last line of the seen one."""
    return seen.blank == " " or body[:1] in tuple(",.;:，。：；、!?！？")  # noqa: RUF001 - full-width


def without_dots(rest: str, seen: SeenText) -> str:
    """Return what follows the repetition, without an ellipsis glued to a letter."""
    dots = re.match(r"\s*(?:\.\.\.|…)(?=[^\W_]|\n)", rest)
    if dots and not seen.text.rstrip().endswith((".", "…")):
        return rest[dots.end() :]
    return rest


def join(seen: SeenText, rest: str, reached: int | None = None, *, prefilled: bool = False) -> str:
    """Return `rest`, which follows a repetition, without the white space that the reader has.

    Args:
        seen: The text the reader has.
        rest: What follows the repetition.
        reached: How far in the seen text the repetition came; marks after it were left out.
        prefilled: The model was given the seen text without the white space at its end.
    """
    has, body = seen.blank, rest.lstrip()
    if reached is not None:
        has = "".join(character for character in seen.text[reached:] if character.isspace())
    new = rest[: len(rest) - len(body)]
    broken = "\n" in new and "\n" not in has and body and not prefilled
    if broken and seen.is_mid_sentence and seen.is_prose:
        caseless = body[0].isalpha() and not body[0].isupper() and not body[0].islower()
        if body[0].islower() or caseless:
            return ("" if has else " ") + body  # the sentence was broken to a new paragraph
    if new.startswith(has):
        return new[len(has) :] + body
    if "\n" not in new:
        return body
    if has.endswith("\r") or "\n" not in has:
        return new[new.index("\n") :] + body
    if new.startswith(" \n") and new.endswith("\n") and not seen.fence and not prefilled:
        return new[1:] + body  # the blank stands for the reader's line break
    return _beyond(has, new) + body


def _beyond(has: str, new: str) -> str:
    """Return what one white space with line breaks has beyond another one."""
    breaks = new.count("\n") - has.count("\n")
    theirs, ours = new.rpartition("\n")[2], has.rpartition("\n")[2]
    if breaks > 0:
        return ("\r\n" if "\r\n" in new else "\n") * breaks + theirs
    return theirs[len(ours) :] if theirs.startswith(ours) else ""


class ClosingMarks:
    """Takes closing marks out of the end of a response.

    Args:
        closer: These marks.
        before: The text before, in which they may have been opened.
        alone: They may stand on lines of their own, whose white space goes with them.

    Attributes:
        held: What came and is not let through yet.
        found: The response ended with them.
    """

    def __init__(self, closer: str, before: str, *, alone: bool = False) -> None:
        self._closer = closer
        self._text = before
        self._alone = alone or closer.startswith("</")
        self.held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """Take text; return what of it is no closing mark in any case."""
        text, self.held = self.held + text, ""
        if self._closer[:3] in _FENCES:
            end = _FENCE_AT_END.search(text)
            at = end.start() if end else len(text)
        else:
            at = len(text) - self._begun(text)
        text, self.held = text[:at], text[at:]
        self._text += text
        return text

    def close(self) -> str:
        """Return what was held and is text of the answer."""
        held, closer = self.held, self._closer
        if closer[:3] in _FENCES:
            return _FENCE_CLOSED.sub("", held)
        end = held.rstrip() if self._alone else held
        odd = closer not in _SAME or (self._text + held).count(closer) % 2
        if not end.endswith(closer) or not odd:
            return held
        self.found = True
        before = end[: -len(closer)]
        return before.removesuffix("\n") if self._alone else before

    def _begun(self, text: str) -> int:
        """Return how much of the end may be, or become, the closing marks."""
        end = text.rstrip() if self._alone else text
        sizes = range(min(len(end), len(self._closer)), 0, -1)
        size = next((n for n in sizes if end.endswith(self._closer[:n])), 0)
        whole = len(text) - len(end) + size
        if size and size < len(self._closer) and len(end) < len(text):
            return len(text) - len(end)  # white space inside: it does not become them
        before = text[: len(text) - whole]
        return whole + (len(before) - len(before.rstrip("\n")) if self._alone else 0)


class EchoFilter:
    """Stops at a sentence of the request that asked for the rest.

    Args:
        asked: The request.

    Attributes:
        found: One was repeated; nothing from there on is text of the answer.
        held: What came and is not let through yet.
    """

    def __init__(self, asked: str) -> None:
        folded = (fold(sentence) for sentence in _BOUNDARY.split(asked))
        self._sentences = [s[:_ECHO] for s in folded if len(s) >= _MIN_ECHO]
        self.held = ""
        self._begun = False
        self._before = "\n"  # the last characters that were let through
        self.found = False

    def feed(self, text: str) -> str:
        """Take text; return what of it is not part of the request in any case."""
        held, self.held = self.held + text, ""
        start = self._start(held)
        if start < len(held):
            said = fold(held[start:])[:_ECHO]
            self.found = any(said.startswith(sentence) for sentence in self._sentences)
            held, self.held = held[:start], "" if self.found else held[start:]
        self._before = (self._before + held)[-2:]
        self._begun = self._begun or bool(held)
        return held

    def close(self) -> str:
        """Return what was held."""
        return self.held

    def _start(self, text: str) -> int:
        """Return where a sentence begins that may be one of the request's."""
        shift = len(self._before)
        for boundary in _BOUNDARY.finditer(self._before + text):
            start = max(boundary.end() - shift, 0)
            said = fold(text[start:])[:_ECHO]
            if said and any(s.startswith(said) or said.startswith(s) for s in self._sentences):
                # White space in front of the very first sentence is no text, either.
                return start if self._begun or text[:start].strip() else 0
        return len(text)
