"""Ids of tool calls in the shape that a family takes.

A conversation keeps the ids that the server of each turn gave. Where another family is asked,
ids that it refuses are replaced in the request, in the call and in its result alike; the
conversation itself keeps its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2s
from typing import Any

from holysheep_core.families.table import Family

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 9
"""Characters of an id made here: the strictest family takes exactly these."""


def with_valid_ids(
    messages: Sequence[Mapping[str, Any]], family: Family
) -> Sequence[Mapping[str, Any]]:
    """Return messages whose tool calls have ids that a family takes.

    Args:
        messages: In OpenAI's format.
        family: Who is asked.
    """
    if not (family.call_ids or family.call_id_length):
        return messages
    taken: set[str] = {
        call["id"]
        for message in messages
        for call in _calls(message)
        if _fits(call.get("id"), family)
    }
    used: set[str] = set()
    current: dict[str, str] = {}
    found: list[Mapping[str, Any]] = []
    for message in messages:
        calls = _calls(message)
        if calls:
            renamed = []
            for call in calls:
                old = str(call.get("id") or "")
                new = old
                if not _fits(old, family) or (family.unique_ids and old in used):
                    new = _made(old, taken)
                used.add(new)
                current[old] = new
                renamed.append({**call, "id": new})
            message = {**message, "tool_calls": renamed}  # noqa: PLW2901
        elif message.get("role") == "tool" and message.get("tool_call_id") in current:
            new = current[message["tool_call_id"]]
            message = {**message, "tool_call_id": new}  # noqa: PLW2901
        found.append(message)
    return found


def _calls(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    calls = message.get("tool_calls")
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def _fits(call_id: object, family: Family) -> bool:
    if not isinstance(call_id, str) or not call_id:
        return False
    if family.call_id_length and len(call_id) > family.call_id_length:
        return False
    return not family.call_ids or bool(re.fullmatch(family.call_ids, call_id))


def _made(old: str, taken: set[str]) -> str:
    """Return a new id, always the same for the same conversation: caches of prompts stay valid."""
    tries = 0
    while True:
        number = int.from_bytes(blake2s(f"{old}/{tries}".encode(errors="replace")).digest(), "big")
        new = ""
        for _ in range(_LENGTH):
            number, digit = divmod(number, len(_DIGITS))
            new += _DIGITS[digit]
        if new not in taken:
            taken.add(new)
            return new
        tries += 1
