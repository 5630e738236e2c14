"""Reading a request: what the checks of several servers look at."""

from collections.abc import Collection, Iterator
from typing import Any

Refusal = tuple[int, Any]
"""A status and the JSON of its body."""


def unknown(fields: dict[str, Any], known: Collection[str]) -> list[str]:
    """Return the names of fields that a server does not know."""
    return [name for name in fields if name not in known]


def calls_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tool calls of a message."""
    return list(message.get("tool_calls") or ())


def parts_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a message's content; none for a string."""
    content = message.get("content")
    return content if isinstance(content, list) else []


def current_turn(messages: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """Return what follows the last user message, with each message's place."""
    last = max((at for at, m in enumerate(messages) if m["role"] == "user"), default=-1)
    return [(at, message) for at, message in enumerate(messages) if at > last]


def unanswered(messages: list[dict[str, Any]]) -> Iterator[tuple[int, list[str]]]:
    """Yield assistant messages with calls that the tool messages right after do not answer.

    Of each, the place of the message that stands where a tool message should, and the ids.
    """
    for at, message in enumerate(messages):
        wanted = [call.get("id") for call in calls_of(message)]
        end = at + 1
        while end < len(messages) and messages[end]["role"] == "tool":
            end += 1
        given = {m.get("tool_call_id") for m in messages[at + 1 : end]}
        missing = [str(call_id) for call_id in wanted if call_id not in given]
        if missing:
            yield end, missing


def orphans(messages: list[dict[str, Any]]) -> Iterator[int]:
    """Yield the places of tool messages that answer no call of the assistant message before."""
    wanted: set[Any] = set()
    for at, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in wanted:
                yield at
        else:
            wanted = {call.get("id") for call in calls_of(message)}


def is_forced(tool_choice: Any) -> bool:
    """Tell whether `tool_choice` makes the model call a tool."""
    return isinstance(tool_choice, dict) or tool_choice in ("required", "any")


def objects_of(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema in a JSON schema, with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for name in ("properties", "$defs", "definitions"):
        for key, value in (schema.get(name) or {}).items():
            yield from objects_of(value, f"{path}.{name}.{key}")
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for at, value in enumerate(schema.get(name) or ()):
            yield from objects_of(value, f"{path}.{name}[{at}]")
    yield from objects_of(schema.get("items"), f"{path}.items")
