"""Tool calls and results as other integrations of LlamaIndex write them into a history."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from holysheep_core.integrations.schemas import legal_name
from holysheep_core.integrations.turns import call_fields

_IDS = ("id", "call_id", "tool_call_id", "toolUseId")
_ARGUMENTS = ("arguments", "args", "input", "tool_kwargs")
_NOT_PLAIN = (str, bytes, int, float, bool, list, tuple, type(None))


def openai_call(given: Any) -> dict[str, Any] | None:
    """Return a call of `additional_kwargs["tool_calls"]` in the OpenAI format.

    Args:
        given: A dict or an object: OpenAI's (chat completions and responses), Anthropic's
            `tool_use`, Bedrock's `toolUse`, Gemini's or Ollama's.

    Returns:
        The call; None if it names no tool. A call without an id has its tool's name as id, as the
        results of such servers do.
    """
    call = _mapping(given)
    inner = _mapping(call.get("function") or call.get("toolUse") or {})
    known = {**call, **inner}
    name = known.get("name") or known.get("tool_name")
    if not isinstance(name, str) or not name:
        return None
    # The responses API has an `id` of its own beside the `call_id` that the result names.
    call_id = known.get("call_id") or next((known[key] for key in _IDS if known.get(key)), name)
    arguments = next((known[key] for key in _ARGUMENTS if known.get(key)), "{}")
    function = {"name": legal_name(name), "arguments": arguments_of(arguments)}
    return {"id": str(call_id), "type": "function", "function": function, **call_fields(call)}


def arguments_of(given: Any) -> str:
    """Return the arguments of a call as JSON text."""
    if isinstance(given, str):
        return given or "{}"
    return msgspec.json.encode(_mapping(given), enc_hook=_mapping).decode()


def result_id(extra: Mapping[str, Any]) -> str:
    """Return the id of the call that a tool's message answers; "" if it names none."""
    found = next((extra[key] for key in (*_IDS[1:], "tool_use_id") if extra.get(key)), "")
    return str(found)


def with_own_ids(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return messages in which each call of a turn has an id of its own.

    Gemini and Ollama have no ids, so integrations write the tool's name: two calls of one tool are
    told apart by the order of their results.
    """
    made: list[dict[str, Any]] = []
    renamed: dict[str, deque[str]] = {}
    for message in messages:
        if message.get("tool_calls"):
            renamed = _repeated(message["tool_calls"])
            message = {**message, "tool_calls": _renamed(message["tool_calls"], renamed)}  # noqa: PLW2901
        elif message["role"] == "tool" and renamed.get(message.get("tool_call_id", "")):
            own = renamed[message["tool_call_id"]].popleft()
            message = {**message, "tool_call_id": own}  # noqa: PLW2901
        made.append(message)
    return made


def _repeated(calls: list[dict[str, Any]]) -> dict[str, deque[str]]:
    """Return new ids for the calls that share one: the first keeps it."""
    ids: dict[str, list[str]] = defaultdict(list)
    for call in calls:
        known = ids[call["id"]]
        known.append(f"{call['id']}_{len(known) + 1}" if known else call["id"])
    return {shared: deque(own) for shared, own in ids.items() if len(own) > 1}


def _renamed(calls: list[dict[str, Any]], ids: Mapping[str, deque[str]]) -> list[dict[str, Any]]:
    rest = {shared: deque(own) for shared, own in ids.items()}
    return [
        {**call, "id": rest[call["id"]].popleft()} if call["id"] in rest else call for call in calls
    ]


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "model_dump"):
        return dict(value.model_dump(exclude_none=True))
    if isinstance(value, _NOT_PLAIN) or not hasattr(value, "__dict__"):
        return {}
    return dict(vars(value))
