"""Decoding of chunks whose fields have other types than the protocol says.

PHP and Go servers send `usage: []`, `delta: []` and numbers for strings. A field of another type
counts as absent, unless it can be read without doubt. Only what the typed decoder refuses comes
here, so well-formed streams pay nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from holysheep_core.families.turns import CALL_FIELDS
from holysheep_core.protocol.wire import (
    Choice,
    Chunk,
    FunctionPart,
    Message,
    ToolCallPart,
    UsageBlock,
)

T = TypeVar("T")


_NO_TEXT = re.compile(
    rb"""
    "choices" \s*:\s* \[ \s* (?:
        \]                                      # none, as in an event with the usage
      | \{ (?:[^{}\[\]"]|"index"|"finish_reason"|"logprobs")*
        "delta" \s*:\s* \{ \s* (?:"role" \s*:\s* "assistant" \s*,? \s*)?
        (?:"content" \s*:\s* (?:""|null) \s*)? \}
    )""",
    re.VERBOSE,
)


def lost_no_text(data: bytes) -> bool:
    """Tell whether a broken-off event shows that it had no text: its one delta is whole and empty.

    >>> lost_no_text(b'{"choices":[],"usage":{"prompt_tok')
    True
    """
    found = _NO_TEXT.search(data)
    return found is not None and not _TEXT.search(data) and _is_beginning(data)


_TEXT = re.compile(rb'(?:content|text|reasoning|refusal|arguments)"?\s*:\s*"[^"]')


def _is_beginning(data: bytes) -> bool:
    """Tell whether these are the first bytes of one JSON object, not parts of two."""
    open_: list[bytes] = []
    whole, rest = b"", data  # up to the last value that is whole, closed; and behind it
    for found in re.finditer(rb'"(?:[^"\\]|\\.)*"?|[{}\[\],]', data, re.DOTALL):
        mark, end = found[0], found.end()
        if mark in _CLOSED_BY:
            open_.append(_CLOSED_BY[mark])
        elif mark in _CLOSED_BY.values():
            if not open_ or open_.pop() != mark:
                return False
        elif mark == b",":
            end -= 1
        else:
            continue
        whole, rest = data[:end] + b"".join(reversed(open_)), data[end:]
        rest = b"," + rest if mark in _CLOSED_BY else rest  # the first member has no comma
    try:
        json.loads(whole)
    except ValueError:
        return False
    once = all(data.count(name) <= 1 for name in (b'"choices"', b'"delta"', b'"object"'))
    return bool(open_) and once and _MEMBER.fullmatch(rest) is not None


_MEMBER = re.compile(  # of an object, as far as it came
    rb'\s*(?:,\s*(?:"[\w.]*"?)?(?:\s*:\s*(?:"[^"{}\[\]\\]*"?|[-+.\w]*))?\s*)?'
)
_CLOSED_BY = {b"{": b"}", b"[": b"]"}


def has_other_fields(data: bytes) -> bool:
    """Tell whether a chunk that says nothing has something all the same, in a field of its own.

    >>> has_other_fields(b'{"choices": [{"delta": {"role": "assistant", "thought": "Hm"}}]}')
    True
    >>> has_other_fields(b'{"choices": [{"delta": {"role": "assistant", "content": ""}}]}')
    False
    """
    try:
        (choice, *_) = json.loads(data)["choices"]
        return any(value for name, value in choice["delta"].items() if name != "role")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False


def decode_leniently(data: bytes) -> Chunk | None:
    """Decode an event's data field by field; None if it is no JSON object."""
    try:
        found = json.loads(data, strict=False)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, list) and len(found) == 1:  # as Google wraps errors
        found = found[0]
    if not isinstance(found, dict):
        return None
    choices = found.get("choices")
    if isinstance(choices, dict):
        choices = _listed(choices, "delta", "message", "text")
    return Chunk(
        id=found.get("id"),
        model=_text(found.get("model")),
        system_fingerprint=_text(found.get("system_fingerprint")),
        choices=_all(choices, _choice) if isinstance(choices, list) else None,
        usage=usage_block(found.get("usage")),
        error=found.get("error"),
        type=_text(found.get("type")),
        delta=found.get("delta"),
        object=found.get("object"),
        message=found.get("message"),
        code=found.get("code"),
        detail=found.get("detail"),
        msg=found.get("msg"),
        x_groq=found.get("x_groq"),
        citations=found.get("citations"),
        search_results=found.get("search_results"),
        search_info=found.get("search_info"),
    )


def _choice(value: Any) -> Choice | None:
    if not isinstance(value, dict):
        return None
    return Choice(
        delta=_message(value.get("delta")),
        message=_message(value.get("message")),
        finish_reason=value.get("finish_reason"),
        finishReason=value.get("finishReason"),
        error=value.get("error"),
        usage=value.get("usage"),
        text=value.get("text"),
    )


def _message(value: Any) -> Message | None:
    if isinstance(value, str):
        return Message(content=value)
    if not isinstance(value, dict):
        return None
    content = value.get("content")
    if isinstance(content, dict):
        content = [content]
    if isinstance(content, list):
        content = [part if isinstance(part, dict) else {"text": part} for part in content]
    calls = value.get("tool_calls")
    if isinstance(calls, dict):
        calls = _listed(calls, "function", "name")
    return Message(
        content=content if isinstance(content, list) else _text(content),
        reasoning_content=value.get("reasoning_content"),
        reasoning=value.get("reasoning"),
        reasoning_text=value.get("reasoning_text"),
        thinking=value.get("thinking"),
        refusal=value.get("refusal"),
        tool_calls=_all(calls, _call) if isinstance(calls, list) else None,
        function_call=_function(value.get("function_call")),
        role=value.get("role"),
        images=value.get("images"),
        audio=value.get("audio"),
        annotations=value.get("annotations"),
        reasoning_details=value.get("reasoning_details"),
        thinking_blocks=value.get("thinking_blocks"),
        extra_content=value.get("extra_content"),
    )


def _call(value: Any) -> ToolCallPart | None:
    if not isinstance(value, dict):
        return None
    index = value.get("index")
    if isinstance(index, float):
        index = int(index)
    return ToolCallPart(
        index=index if isinstance(index, (int, str)) and not isinstance(index, bool) else None,
        id=_text(value.get("id")),
        function=_function(value.get("function")),
        name=value.get("name"),
        arguments=value.get("arguments"),
        **{name: value.get(name) for name in CALL_FIELDS},
    )


def _function(value: Any) -> FunctionPart | None:
    if not isinstance(value, dict):
        return None
    arguments = value.get("arguments")
    known = isinstance(arguments, (str, dict, list))
    return FunctionPart(
        name=_text(value.get("name")),
        arguments=arguments if known else None,
        parameters=value.get("parameters"),
        input=value.get("input"),
    )


def usage_block(value: Any) -> UsageBlock | None:
    """Return the counts in a value; None if it is no object."""
    if not isinstance(value, dict):
        return None
    known = {name: field for name, field in value.items() if _is_usage(name, field)}
    return msgspec.convert(known, UsageBlock)


def _is_usage(name: str, field: Any) -> bool:
    """Tell whether a field of a usage block has the type that it needs."""
    try:
        msgspec.convert({name: field}, UsageBlock)
    except msgspec.ValidationError:
        return False
    return True


def _listed(value: dict[str, Any], *own: str) -> list[Any]:
    """Return the entries of a list that came as an object: one entry, or PHP's `{"0": …, "2": …}`.

    Args:
        value: The object.
        own: Fields that an entry has.
    """
    return [value] if any(name in value for name in own) else [*value.values()]


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if number else None


def _all(values: list[Any], read: Callable[[Any], T | None]) -> list[T]:
    return [found for found in map(read, values) if found is not None]
