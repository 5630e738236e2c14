"""Parts of an answer, read for a framework: where an image is, what a citation names."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from holysheep_core.protocol.parts import kind_of, reasoning_of
from holysheep_core.types import Part

__all__ = [
    "Cited",
    "Media",
    "by_field",
    "citation_of",
    "kind_of",
    "media_of",
    "note_left_out",
    "reasoning_of",
]

_log = logging.getLogger("holysheep")

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[^,;]*)*?;base64,(.*)", re.DOTALL)
_DATA_NAMES = ("data", "b64_json", "base64", "image_base64")
_MIME_NAMES = ("mime_type", "mimeType", "media_type")
_HOLDERS = ("image_url", "input_audio", "audio", "image", "inline_data", "inlineData", "source")
_DEFAULT_MIMES = {"image": "image/png", "audio": "audio/wav"}


class Media(NamedTuple):
    """An image or a piece of audio.

    Attributes:
        url: Where it is; "" if it is in `data`.
        data: The bytes as base64; "" if they are at `url`.
        mime_type: Such as "image/png".
        id: The server's id of it; "" for none.
        transcript: What is said in audio; "" if the server did not say.
    """

    url: str = ""
    data: str = ""
    mime_type: str = ""
    id: str = ""
    transcript: str = ""


class Cited(NamedTuple):
    """A source.

    Attributes:
        url: Its address; "" for none.
        title: Its title; "" for none.
        text: The words in it; "" for none.
        start: The first character of the answer that it supports; None if that is not said.
        end: The character after the last one.
    """

    url: str = ""
    title: str = ""
    text: str = ""
    start: int | None = None
    end: int | None = None


def media_of(part: Part) -> Media | None:
    """Return the image or audio in a part; None if it holds neither an address nor bytes."""
    value = _inside(part.value)
    mime = _first(value, *_MIME_NAMES) or _mime_of(part.kind, value)
    data = _first(value, *_DATA_NAMES)
    url = "" if data else _first(value, "url", "file_uri", "fileUri")
    embedded = _DATA_URL.fullmatch(url)
    if embedded:
        mime, data, url = embedded[1] or mime, embedded[2], ""
    if not url and not data:
        return None
    return Media(url, data, mime, _first(value, "id"), _first(value, "transcript"))


def citation_of(part: Part) -> Cited:
    """Return the source that a part names."""
    value = part.value
    inner = value.get(str(value.get("type")))
    if isinstance(inner, dict):
        value = {**value, **inner}
    start, end = value.get("start_index"), value.get("end_index")
    return Cited(
        url=_first(value, "url", "uri", "source"),
        title=_first(value, "title"),
        text=_first(value, "cited_text", "content", "snippet", "text", "quote"),
        start=start if isinstance(start, int) else None,
        end=end if isinstance(end, int) else None,
    )


def by_field(parts: tuple[Part, ...]) -> dict[str, Any]:
    """Return parts as fields of a message, as servers have them; those of content lists apart.

    Audio and `extra_content` are one object, of everything else there is a list. The parts of
    content lists are under "content_parts". Text of a refusal is no part of it.
    """
    fields: dict[str, Any] = {}
    for part in parts:
        if part.kind == "refusal":
            continue
        if part.field in ("audio", "extra_content"):
            fields[part.field] = part.value
        else:
            name = "content_parts" if part.field == "content" else part.field
            fields.setdefault(name, []).append(part.value)
    return fields


@lru_cache(maxsize=64)
def note_left_out(kind: str) -> None:
    """Log, once for each kind, that a part which the model made is not sent back to it."""
    _log.warning(
        "The %s in an earlier answer is not sent back: in chat completions an assistant's message "
        "holds text only. If the model needs it, send it again in a user message.",
        kind,
    )


def _inside(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that has the address or the bytes, with the outer fields beneath."""
    for name in _HOLDERS:
        inner = value.get(name)
        if isinstance(inner, str):
            return {**value, "url": inner}
        if isinstance(inner, dict):
            return {**value, **inner}
    return value


def _mime_of(kind: str, value: Mapping[str, Any]) -> str:
    form = _first(value, "format")
    return f"{kind}/{form}" if form else _DEFAULT_MIMES.get(kind, "")


def _first(value: Mapping[str, Any], *names: str) -> str:
    for name in names:
        found = value.get(name)
        if found and isinstance(found, str):
            return found
    return ""
