"""What a refusal teaches: the name of a field that a route does not take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from holysheep_core.families.messages import field_names
from holysheep_core.types import ChatRequest

ROLES = "roles"
"""What is learned of a route that wants user and assistant to take turns."""
_KEPT = frozenset(("model", "messages", "stream", "tools", "response_format", "thinking"))
"""Fields that are never left out: without them it would be another question."""
_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_STRICT_TEMPLATE = re.compile(
    r"roles must alternate|unexpected role|expected last role|consecutive (user|assistant)",
    re.IGNORECASE,
)


LIKE = "like"
"""What is learned of a route whose model's name does not tell its family: `instead` is a model."""
_TELLTALES = (
    (re.compile(r"missing a thought_signature", re.IGNORECASE), "gemini-3"),
    (re.compile(r"(missing|must be passed back).*reasoning_content", re.IGNORECASE), "deepseek-r1"),
    (re.compile(r"reasoning_content.*(missing|must be passed back)", re.IGNORECASE), "deepseek-r1"),
    (re.compile(r"a-z, A-Z, 0-9, with a length of 9"), "mistral"),
    (re.compile(r"tool_use\.id: String should match"), "claude"),
)


class Lesson(NamedTuple):
    """A field that a route refused.

    Attributes:
        name: Its name; `ROLES` for the order of messages, `LIKE` for all of a family's demands.
        instead: The name it is to be sent under; "" to leave it out.
        in_messages: It is a field of messages, not of the request.
    """

    name: str
    instead: str = ""
    in_messages: bool = False


def lesson_of(
    message: str, param: str | None, body: Mapping[str, Any], request: ChatRequest, raw: str = ""
) -> Lesson | None:
    """Return what a refused request teaches; None if it names no field that can be left out.

    The field must stand in the refusal as a name (`param`, or in quotes), and have been sent.

    Args:
        message: The refusal's words.
        param: The field it names, if it says so apart.
        body: The fields that were sent, without model and messages.
        request: The request, with its messages.
        raw: The refusal's body: FastAPI and others name the field in a list there.
    """
    message = f"{message} {' '.join(_values(raw))}"
    if _STRICT_TEMPLATE.search(message):
        return Lesson(ROLES)
    for pattern, like in _TELLTALES:
        if pattern.search(message):
            return Lesson(LIKE, like)
    named = _names(message) | ({param} if param else set())
    for name in sorted(body.keys() - _KEPT, key=message.find):
        if not any(_is(name, each) for each in named):
            continue
        other = _RENAMED.get(name)
        if other is None:
            return Lesson(name)
        if other not in body and re.search(rf"\b{other}\b", message):
            return Lesson(name, other)
    in_messages = {each for each in field_names(request.messages) if _mentions(each, named)}
    if in_messages and ("message" in message.lower() or param or "content" in message.lower()):
        return Lesson(min(in_messages), in_messages=True)
    return None


def _names(message: str) -> set[str]:
    """Return what stands in quotes, and paths such as `messages.1.name`."""
    quoted = re.findall(r"[\"'`“]([\w.\[\]-]{2,80})[\"'`”]", message)
    paths = re.findall(r"\b[\w\]]+(?:[.\[]\w+\]?)+", message)
    identifiers = re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", message)
    return {*quoted, *paths, *identifiers, *_lead(message)}


def _values(raw: str) -> list[str]:
    """Return the texts in a body of JSON; lists of names become paths."""
    try:
        return list(_texts(json.loads(raw)))
    except (ValueError, RecursionError):
        return []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield f'"{value}"'
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list) and all(isinstance(each, (str, int)) for each in value):
        yield f'"{".".join(map(str, value))}"'
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _lead(message: str) -> list[str]:
    """Return the word before a colon or "is not", as in "temperature is not supported"."""
    return re.findall(r"\b(\w{2,40})(?=:| is not| are not| may only| cannot| can only)", message)


def _is(name: str, found: str) -> bool:
    """Tell whether a name or path is that of a field of the request."""
    first = re.split(r"[.\[]", found)[0]
    if first in ("body", "request", "loc"):
        found = found.partition(".")[2]
        first = found.partition(".")[0]
    return name in (found, first)


def _mentions(name: str, named: set[str]) -> bool:
    return any(name in re.split(r"[.\[\]]+", each) for each in named)
