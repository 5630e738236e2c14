"""The order of roles that strict chat templates demand: user and assistant take turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_OPENING = {"role": "user", "content": "Please begin."}
_BETWEEN = {"role": "assistant", "content": "I have the results."}
_SYSTEM = ("system", "developer")


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return two messages of one role as one message."""
    first, second = one.get("content"), other.get("content")
    if isinstance(first, str) and isinstance(second, str):
        content: Any = f"{first}\n\n{second}" if first and second else first or second
    else:
        content = [*_parts(first), *_parts(second)] or None
    return {**one, **other, "content": content}


def alternating(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return messages in which user and assistant take turns, tool results aside.

    Messages of one role in a row become one; a user's message right after a tool's result gets an
    assistant's before it; a system message after the first others is sent as a user's.
    """
    found: list[Mapping[str, Any]] = []
    for message in messages:
        if message.get("role") in _SYSTEM and any(e.get("role") not in _SYSTEM for e in found):
            message = {**message, "role": "user"}  # noqa: PLW2901
        last = found[-1] if found else {}
        role, before = message.get("role"), last.get("role")
        if role == "user" and before == "tool":
            found.append(_BETWEEN)
        mergeable = role == "user" or (role == "assistant" and not last.get("tool_calls"))
        if role == before and mergeable:
            found[-1] = merged(last, message)
        else:
            found.append(message)
    return found


def beginning_with_user(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return messages of which the first after the system prompt is a user's."""
    at = next((i for i, each in enumerate(messages) if each.get("role") not in _SYSTEM), None)
    if at is None:
        return [*messages, _OPENING]
    if messages[at].get("role") != "assistant":
        return list(messages)
    return [*messages[:at], _OPENING, *messages[at:]]


def with_all_results(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return messages in which every tool call has a result, as an aborted turn has not.

    The results of a turn stand right after it; the calls of the last message are still open.
    """
    found: list[Mapping[str, Any]] = []
    open_calls: list[str] = []
    for message in messages:
        if message.get("role") == "tool":
            open_calls = [each for each in open_calls if each != message.get("tool_call_id")]
        else:
            found.extend(_missing(open_calls))
            open_calls = _ids(message)
        found.append(message)
    return found


def _ids(message: Mapping[str, Any]) -> list[str]:
    calls = message.get("tool_calls")
    ids = [each.get("id") for each in calls if isinstance(each, Mapping)] if calls else []
    return [each for each in ids if isinstance(each, str)]


def _missing(ids: list[str]) -> list[dict[str, Any]]:
    text = "This call was not run; it has no result."
    return [{"role": "tool", "tool_call_id": each, "content": text} for each in ids]


def with_plain_text(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return messages whose content is a text where all of its parts are."""
    return [_with_plain_text(message) for message in messages]


def _with_plain_text(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
    if not all(isinstance(text, str) for text in texts):
        return message
    between = "" if message.get("role") == "assistant" else "\n"
    return {**message, "content": between.join(text for text in texts if isinstance(text, str))}


def without_empty(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return messages without empty text parts, and without empty user and assistant messages.

    A result of a tool stays, since its call needs one; the last message stays too, so that the
    server can say what is wrong with it.
    """
    found: list[Mapping[str, Any]] = []
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            content = [part for part in content if not _is_empty(part)]
            if len(content) < len(message["content"]):
                message = {**message, "content": content}  # noqa: PLW2901
        blank = not content or (isinstance(content, str) and not content.strip())
        needed = message.get("role") not in ("user", "assistant") or message.get("tool_calls")
        if not blank or needed or message is messages[-1]:
            found.append(message)
    return found


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _is_empty(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text" and not part.get("text")
