"""What the plugins' messages have in common: fields of an assistant's turn, media of tools."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from holysheep_core.families.turns import CALL_FIELDS, ORIGIN, TURN_FIELDS
from holysheep_core.protocol.finish_reasons import Ending, ending_of

__all__ = [
    "CALL_FIELDS",
    "ORIGIN",
    "TURN_FIELDS",
    "TurnFields",
    "call_fields",
    "is_filtered",
    "media_after_tools",
    "part_of_thinking",
    "warn_once",
]

_log = logging.getLogger("holysheep")

_LISTS = ("reasoning_details", "thinking_blocks")
"""Fields that hold a list; a framework has its items apart."""
_OF_PROTOCOL = ("id", "type", "index", "function")
_MEDIA = {"image_url": "image", "input_audio": "audio", "file": "file"}


class TurnFields:
    """Collects the fields of an assistant's message that a server wants back.

    >>> fields = TurnFields()
    >>> pieces = [("reasoning_details", {"data": "x"}), ("reasoning_content", "hm")]
    >>> for name, value in [*pieces, ("reasoning_content", "!")]:
    ...     _ = fields.add(name, value)
    >>> fields.found
    {'reasoning_details': [{'data': 'x'}], 'reasoning_content': 'hm!'}
    """

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def add(self, name: str, value: Any) -> bool:
        """Add a field, or a piece of one: pieces are joined as a stream's are.

        Returns:
            False for a field that no server wants back, which is not added.
        """
        if name not in TURN_FIELDS or not value:
            return False
        if name in _LISTS and not isinstance(value, list):
            value = [value]
        before = self.found.get(name)
        if isinstance(before, list) and isinstance(value, list):
            value = [*before, *value]
        elif isinstance(before, dict) and isinstance(value, Mapping):
            value = {**before, **value}
        elif isinstance(before, str) and isinstance(value, str):
            value = before + value
        self.found[name] = value
        return True

    def under(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields, with those of the whole message in place of collected ones."""
        return {**self.found, **{k: v for k, v in fields.items() if k in TURN_FIELDS and v}}


def part_of_thinking(text: str, extra: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a thought in the form that Claude wants back; None if it is not signed.

    Args:
        text: The thought.
        extra: What the server attached to it: a "signature", or the "data" of a hidden thought.
    """
    if isinstance(extra.get("signature"), str) and extra["signature"]:
        return {"type": "thinking", "thinking": text, "signature": extra["signature"]}
    if isinstance(extra.get("data"), str) and extra.get("type") == "redacted_thinking":
        return {"type": "redacted_thinking", "data": extra["data"]}
    return None


def call_fields(call: Any, *, only_known: bool = True) -> dict[str, Any]:
    """Return what a server attached to a tool call.

    Args:
        call: The call or its fields.
        only_known: Whether fields that no server is known to want back are left out.
    """
    if not isinstance(call, Mapping):
        return {}
    known = CALL_FIELDS if only_known else [name for name in call if name not in _OF_PROTOCOL]
    return {name: call[name] for name in known if call.get(name)}


def is_filtered(finish_reason: object) -> bool:
    """Tell whether a server withheld the answer, or the rest of it."""
    return ending_of(finish_reason) is Ending.FILTERED


def media_after_tools(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Move images, audio and files of tool messages to a user message after the last of them.

    In chat/completions a tool's message holds text only.
    """
    moved: list[dict[str, Any]] = []
    made: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] != "tool" and moved:
            made.append(_shown(moved))
            moved = []
        made.append(message)
        media = _media_of(message)
        if media:
            made[-1] = _without(message, media)
            moved.append({"call": message.get("tool_call_id") or "", "media": media})
    return [*made, _shown(moved)] if moved else made


def _media_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    if message["role"] != "tool" or not isinstance(content, list):
        return []
    return [part for part in content if part.get("type") in _MEDIA]


def _without(message: dict[str, Any], media: list[dict[str, Any]]) -> dict[str, Any]:
    kind = _MEDIA[media[0]["type"]]
    warn_once(
        f"A tool returned {_A[kind]}: it is sent in a user message after the tool's, because in "
        "chat completions a tool's message holds text only."
    )
    rest = [part for part in message["content"] if part.get("type") not in _MEDIA]
    said: Any = rest or f"See the {kind} in the next message."
    return {**message, "content": said}


_A = {"image": "an image", "audio": "audio", "file": "a file"}


def _shown(moved: list[dict[str, Any]]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for each in moved:
        if len(moved) > 1:  # else it is clear which call they are from
            parts.append({"type": "text", "text": f"Result of the tool call {each['call']}:"})
        parts += each["media"]
    return {"role": "user", "content": parts}


@lru_cache(maxsize=256)
def warn_once(text: str) -> None:
    """Log a warning, once for each text."""
    _log.warning("%s", text)
