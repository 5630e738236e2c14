"""What the body of an answer with status 200 is, told from its first bytes.

Content types are often wrong: events come as `application/json`, whole answers as
`text/event-stream`, and the line of text of a proxy that failed as either.
"""

from __future__ import annotations

import json
import re
from enum import Enum, auto

HEAD_BYTES = 200
"""So much of a body that is neither events nor JSON is looked at."""
BOM = b"\xef\xbb\xbf"
FIELDS = (b"data", b"event", b"id", b"retry", b":")
"""How a stream of events begins."""
_ERROR = re.compile(
    rb"\b(error|failed|failure|timed? ?out|exception)\b|<!doctype|<html", re.IGNORECASE
)
_REFUSAL = re.compile(
    rb"\b(errors?|fail(ed|ure)?|time[ds]? ?out|exception|unavailable|upstream|overloaded|denied|"
    rb"unauthorized|forbidden|bad gateway|too many|rate limit\w*|quota|insufficient)\b",
    re.IGNORECASE,
)
_CHOICES = re.compile(rb'"choices"\s*:\s*(null|\[)')


class BodyKind(Enum):
    """What a body is."""

    EVENTS = auto()
    """Events, or text that turns out to be none."""
    JSON = auto()
    PAGE = auto()


def kind_of_body(data: bytes, content_type: str, *, final: bool = False) -> BodyKind | None:
    """Return what a body is; None until its first bytes tell.

    >>> kind_of_body(b'{"id":', "text/event-stream")
    <BodyKind.JSON: 2>
    >>> kind_of_body(b"da", "application/json") is None
    True

    Args:
        data: The body so far.
        content_type: Without parameters, in lower case.
        final: Nothing more comes.
    """
    begun = data.removeprefix(BOM).lstrip()
    # Nothing, half a byte order mark, or half the name of an event's field.
    half = BOM.startswith(data) or any(name.startswith(begun) for name in FIELDS)
    if half and not final:
        return None
    if begun[:1] == b"<" or (not begun and content_type == "text/html"):
        return BodyKind.PAGE
    if begun[:1] in (b"{", b"["):
        return BodyKind.JSON
    is_json = content_type == "application/json" and not begun.startswith(FIELDS)
    return BodyKind.JSON if is_json else BodyKind.EVENTS


def is_cut_json(body: bytes) -> bool:
    """Tell whether a body is the beginning of a JSON object or list.

    >>> is_cut_json(b'{"id": "x", "obj'), is_cut_json(b'{"id": "x"}'), is_cut_json(b'It works')
    (True, False, False)
    """
    text = body.decode("utf-8", errors="ignore").strip()
    if text[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        # A text without its end is reported where it begins, a word or a number where it is.
        return "Unterminated" in error.msg or error.pos >= len(text) - _LONGEST_WORD
    except RecursionError:
        return False
    return False


def is_cut_chunk(data: bytes) -> bool:
    """Tell whether the data of an unfinished event may be the beginning of a chunk.

    >>> is_cut_chunk(b'{"id": "x", "obj'), is_cut_chunk(b""), is_cut_chunk(b"It works")
    (True, True, False)
    """
    return data.lstrip(b"dat: ")[:1] in b"{"  # some servers write the field's name twice


def has_choices(body: bytes) -> bool:
    """Tell whether a JSON body has choices, be they none.

    >>> has_choices(b'{"choices": null}'), has_choices(b'{"choices": 3}')
    (True, False)
    """
    return _CHOICES.search(body) is not None


_LONGEST_WORD = len("-Infinity")


def is_error_text(data: bytes) -> bool:
    """Tell whether an event's data is an error in plain words, or a page."""
    return data[:1] not in b'{["' and _ERROR.search(data) is not None


def is_refusal_text(head: bytes) -> bool:
    """Tell whether a body that is neither events nor JSON says in words what went wrong.

    >>> is_refusal_text(b"upstream request timeout"), is_refusal_text(b"Welcome to nginx")
    (True, False)
    """
    return _REFUSAL.search(head) is not None
