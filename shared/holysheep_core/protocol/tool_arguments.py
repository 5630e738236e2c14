"""A tool call's arguments: the JSON object that its pieces are, or no object.

Strict, for half a call must never pass for a whole one; but what servers do to *whole* arguments is
undone: control characters inside strings that nobody escaped, an object encoded a second time as
a string, the word for nothing where a call has no arguments, and all of the arguments so far
in every piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from holysheep_core.protocol.wire import is_json_object, strict_json

_NOTHING = frozenset(("", "null", "none", "nil", "undefined", "[]"))  # PHP writes no fields as []
_MARKS = re.compile(r'\\.|["\x00-\x1f]', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")


def read_arguments(pieces: Sequence[str], *, may_be_empty: bool) -> tuple[str, bool]:
    """Return the arguments that came in these pieces, and whether they are an object.

    Args:
        pieces: As they came.
        may_be_empty: Nothing at all is `{}`.

    Returns:
        A JSON object's text and True, or what came and False.
    """
    for text in _readings(pieces):
        found = as_object(text, may_be_empty=may_be_empty)
        if found is not None:
            return found, True
    return _whole_characters("".join(pieces)).strip(), False


def as_object(text: str, *, may_be_empty: bool = False, inside: bool = False) -> str | None:
    """Return the JSON object that a text is, as valid JSON; None if it is none.

    Args:
        text: The text.
        may_be_empty: A word for nothing is `{}`.
        inside: It was itself a string in JSON, so no further string is opened.
    """
    text = _whole_characters(text).strip()
    if text.casefold() in _NOTHING:
        return "{}" if may_be_empty else None
    if is_json_object(text):
        return text
    if _CONTROL.search(text):
        text = _escaped(text)
        if is_json_object(text):
            return text
    if inside or text[:1] != '"':
        return None
    value = strict_json(text)
    if not isinstance(value, str):
        return None
    return as_object(value, may_be_empty=may_be_empty, inside=True)


def is_nothing(text: str) -> bool:
    """Tell whether a text says that there are no arguments."""
    return text.strip().casefold() in _NOTHING


def is_empty(text: str) -> bool:
    """Tell whether a text is an object without fields, or a word for none."""
    return is_nothing(text.replace("{}", ""))


def _readings(pieces: Sequence[str]) -> Iterator[str]:
    whole = "".join(pieces)
    yield whole
    if len(pieces) == 1:
        return
    grown = ""
    for piece in pieces:  # each may be all that came so far, and more
        grown = piece if grown and piece.startswith(grown) else grown + piece
    if grown != whole:
        yield grown
    given = [piece for piece in pieces if piece.strip()]
    if given[1:] and is_empty(given[0]):
        yield "".join(given[1:])  # the first stood for "none yet"
    if given[1:] and is_empty(given[-1]):
        yield "".join(given[:-1])  # the last stood for "no more"


def _escaped(text: str) -> str:
    r"""Write control characters inside strings as JSON wants them: `\n`, `\t`, `\u000b`."""
    inside = False

    def mark(found: re.Match[str]) -> str:
        nonlocal inside
        mark = found.group()
        if mark == '"':
            inside = not inside
        return f"\\u{ord(mark):04x}" if inside and len(mark) == 1 and mark != '"' else mark

    return _MARKS.sub(mark, text)


def _whole_characters(text: str) -> str:
    """Join characters that a server cut in two between pieces; what stays half is no JSON."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return text
