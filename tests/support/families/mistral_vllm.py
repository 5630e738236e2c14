"""Mistral's own server, and vLLM with Mistral's template: strict roles, ids and fields.

Words and rules: order of roles and ids (`validator.py` of mistral-common, version 3 and later;
avante.nvim#2951, eca#233), `stream_options` [anon-kode#53], fields of messages [mistral-go#2,
crush#1590], alternating roles [vllm#6862, autogen#1037]. mistral-common itself takes two user
turns in a row; the templates that vLLM runs do not, so this server does not either.
"""

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from support.families.rules import Refusal, calls_of, unknown
from support.families.script import Answer, pieces

MODELS = ("mistral-", "magistral-", "devstral-")
PARALLEL = False
ALWAYS_USAGE = True
USAGE = {"prompt_tokens": 100, "completion_tokens": 60, "total_tokens": 160}
LIMITED = {
    "object": "error",
    "message": "Rate limit exceeded",
    "type": "rate_limited",
    "param": None,
    "code": "1300",
}
_TOP = {
    *("model", "messages", "stream", "tools", "tool_choice", "parallel_tool_calls", "n", "stop"),
    *("max_tokens", "temperature", "top_p", "random_seed", "response_format", "safe_prompt"),
    *("presence_penalty", "frequency_penalty", "prediction", "prompt_mode", "metadata"),
}
_FIELDS = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls", "prefix"},
    "tool": {"role", "content", "tool_call_id", "name"},
}
_CALL = {"id", "type", "function", "index"}
_AFTER = {
    "system": {"user", "assistant", "system"},
    "user": {"assistant", "system", "user"},
    "assistant": {"assistant", "user", "tool"},
    "tool": {"assistant", "tool"},
}
_ID = re.compile(r"[a-zA-Z0-9]{9}")
_ORDER = ("invalid_request_message_order", "3230")


def _error(message: str, kind: str, code: str) -> Refusal:
    return 400, {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def check(body: dict[str, Any], *, beta: bool = False) -> Refusal | None:
    """Return the refusal of a request, or None."""
    messages = body["messages"]
    return _fields(body) or _order(messages) or _counts(messages) or _each(messages)


def _fields(body: dict[str, Any]) -> Refusal | None:
    found: list[tuple[list[Any], Any]] = [(["body", n], body[n]) for n in unknown(body, _TOP)]
    for at, message in enumerate(body["messages"]):
        role = message["role"]
        if role not in _FIELDS:
            words = "Input tag found using 'role' does not match any of the expected tags"
            detail = {"type": "union_tag_invalid", "loc": ["body", "messages", at], "msg": words}
            return 422, _unprocessable([detail])
        place = ["body", "messages", at, role]
        found += [([*place, n], message[n]) for n in unknown(message, _FIELDS[role])]
        for number, call in enumerate(calls_of(message)):
            where = [*place, "tool_calls", number]
            found += [([*where, n], call[n]) for n in unknown(call, _CALL)]
    if not found:
        return None
    words = "Extra inputs are not permitted"
    details = [
        {"type": "extra_forbidden", "loc": loc, "msg": words, "input": value}
        for loc, value in found
    ]
    return 422, _unprocessable(details)


def _unprocessable(details: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "object": "error",
        "message": {"detail": details},
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }


def _order(messages: list[dict[str, Any]]) -> Refusal | None:
    last = messages[-1]
    if last["role"] not in ("user", "tool") and not last.get("prefix"):
        words = (
            "Expected last role User or Tool (or Assistant with prefix True) for serving but got"
        )
        return _error(f"{words} {last['role']}", *_ORDER)
    roles = [message["role"] for message in messages]
    for before, after in pairwise(roles):
        if after not in _AFTER[before]:
            return _error(f"Unexpected role '{after}' after role '{before}'", *_ORDER)
    spoken = [m["role"] for m in messages if m["role"] in ("user", "assistant") and not calls_of(m)]
    for number, role in enumerate(spoken):
        if role != ("user", "assistant")[number % 2]:
            return 400, {
                "object": "error",
                "message": "After the optional system message, conversation roles must alternate "
                "user/assistant/user/assistant/...",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            }
    return None


def _counts(messages: list[dict[str, Any]]) -> Refusal | None:
    expected = 0
    for message in messages:
        if message["role"] == "tool":
            expected -= 1
        elif message["role"] == "assistant":
            if expected:
                break
            expected = len(calls_of(message))
    if expected:
        return _error("Not the same number of function calls and responses", *_ORDER)
    return None


def _each(messages: list[dict[str, Any]]) -> Refusal | None:
    for message in messages:
        if message["role"] == "assistant" and not (message.get("content") or calls_of(message)):
            words = "Assistant message must have either content or tool_calls, but not none."
            return _error(words, "invalid_request_assistant_message", "3240")
        ids = [call.get("id") for call in calls_of(message)]
        ids += [message.get("tool_call_id")] if message["role"] == "tool" else []
        for given in ids:
            if not _ID.fullmatch(str(given)):
                words = f"Tool call id was {given} but must be a-z, A-Z, 0-9, with a length of 9."
                return _error(words, "invalid_function_call", "3280")
    return None


def fitted(answer: Answer, body: dict[str, Any]) -> Answer:
    """Return the answer: the limits of the tests leave room for it."""
    return answer


def stream(answer: Answer, new_number: Callable[[], int]) -> Iterator[dict[str, Any]]:
    """Yield choices: calls whole, in the chunk that has the finish_reason."""
    yield {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    for piece in pieces(answer.text, 5):
        yield {"delta": {"content": piece}, "finish_reason": None}
    calls = [
        {
            "id": f"t{new_number():08d}",
            "function": {"name": name, "arguments": json.dumps(arguments)},
            "index": index,
        }
        for index, (name, arguments) in enumerate(answer.calls)
    ]
    delta = {"content": "", **({"tool_calls": calls} if calls else {})}
    yield {"delta": delta, "finish_reason": answer.finish}
