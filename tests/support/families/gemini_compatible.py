"""Google's endpoint for OpenAI clients, with a Gemini 3: strict fields, signed function calls.

Words and rules: unknown fields [magentic#382, SkyrimNet-GamePlugin#77, cursor-byok#112], schemas
[claude-code-router#187, openswarm#24, zed#44875], missing signatures [openai-python#2758,
langroid#969], wrong ones [gemini-cli#13467], as many responses as calls [gemini-cli#4217], empty
parts [vercel/ai#3775, FLIT#69], order of turns [continue#11164]. Which calls need a signature, and
the two values that are taken in its place: ai.google.dev/gemini-api/docs/thought-signatures.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from support.families.rules import (
    Refusal,
    calls_of,
    current_turn,
    objects_of,
    parts_of,
    unanswered,
    unknown,
)
from support.families.script import Answer, pieces

MODELS = ("gemini-",)
PARALLEL = True
ALWAYS_USAGE = False
USAGE = {"prompt_tokens": 80, "completion_tokens": 60, "total_tokens": 240}
LIMITED = [
    {
        "error": {
            "code": 429,
            "message": "You exceeded your current quota. Please retry in 600s.",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "600s"}
            ],
        }
    }
]
PLACEHOLDERS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")

_SIGNED = "CuIBAXLI2nx4"
_TOP = {
    *("model", "messages", "stream", "stream_options", "tools", "tool_choice", "n", "stop"),
    *("max_tokens", "max_completion_tokens", "temperature", "top_p", "response_format", "user"),
    *("reasoning_effort", "parallel_tool_calls", "presence_penalty", "extra_body"),
}
_MESSAGE = {"role", "content", "name", "tool_calls", "tool_call_id", "extra_content"}
_CALL = {"id", "type", "function", "index", "extra_content"}
_PARTS = {
    "text": {"type", "text"},
    "image_url": {"type", "image_url"},
    "input_audio": {"type", "input_audio"},
    "file": {"type", "file"},
}
_NOT_IN_SCHEMAS = (
    *("additionalProperties", "$ref", "$defs", "definitions", "$schema", "$id", "const"),
    *("propertyNames", "patternProperties", "oneOf", "allOf", "not", "exclusiveMinimum"),
    *("exclusiveMaximum", "multipleOf", "uniqueItems", "examples"),
)


def _error(message: str, fields: list[tuple[str, str]] | None = None) -> Refusal:
    error: dict[str, Any] = {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}
    if fields is not None:
        violations = [
            {**({"field": place} if place else {}), "description": words} for place, words in fields
        ]
        kind = "type.googleapis.com/google.rpc.BadRequest"
        error["details"] = [{"@type": kind, "fieldViolations": violations}]
    return 400, [{"error": error}]


def _unknown_names(found: list[tuple[str, str]]) -> Refusal | None:
    """Refuse unknown fields all at once, as Google's JSON reader does."""
    fields = []
    for name, place in found:
        where = f" at '{place}'" if place else ""
        words = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
        fields.append((place, words))
    return _error("\n".join(words for _, words in fields), fields) if fields else None


def check(body: dict[str, Any], *, beta: bool = False) -> Refusal | None:
    """Return the refusal of a request, or None."""
    messages = body["messages"]
    return _unknown_names(_unknown(body)) or _turns(messages) or _signatures(messages)


def _unknown(body: dict[str, Any]) -> list[tuple[str, str]]:
    found = [(name, "") for name in unknown(body, _TOP)]
    inner = body.get("extra_body") or {}
    found += [(name, "extra_body") for name in unknown(inner, {"google"})]
    for at, message in enumerate(body["messages"]):
        place = f"messages[{at}]"
        found += [(name, place) for name in unknown(message, _MESSAGE)]
        for number, call in enumerate(calls_of(message)):
            where = f"{place}.tool_calls[{number}]"
            found += [(name, where) for name in unknown(call, _CALL)]
        for number, part in enumerate(parts_of(message)):
            where = f"{place}.content[{number}]"
            known = _PARTS.get(str(part.get("type")), {"type"})
            found += [(name, where) for name in unknown(part, known)]
    for at, tool in enumerate(body.get("tools") or ()):
        base = f"tools[{at}].function_declarations[0].parameters"
        for path, schema in objects_of(tool["function"].get("parameters")):
            found += [(name, base + path) for name in _NOT_IN_SCHEMAS if name in schema]
    return found


def _turns(messages: list[dict[str, Any]]) -> Refusal | None:
    previous = ""
    for at, message in enumerate(messages):
        role, empty = message["role"], message.get("content") in ("", None, [])
        if empty and role != "tool" and not calls_of(message):
            place = f"GenerateContentRequest.contents[{at}].parts"
            return _error(f"* {place}: contents.parts must not be empty.\n")
        for number, part in enumerate(parts_of(message)):
            if part.get("type") == "text" and not part.get("text"):
                place = f"GenerateContentRequest.contents[{at}].parts[{number}].data"
                words = "required oneof field 'data' must have one initialized field"
                return _error(f"* {place}: {words}\n")
        if calls_of(message) and previous not in ("user", "tool"):
            return _error(
                "Please ensure that function call turn comes immediately after a user turn or "
                "after a function response turn."
            )
        if role == "tool" and previous not in ("tool", "calls"):
            return _error(
                "Please ensure that function response turn comes immediately after a function "
                "call turn."
            )
        previous = "calls" if calls_of(message) else role
    if any(unanswered(messages)) or _too_many(messages):
        return _error(
            "Please ensure that the number of function response parts is equal to the number of "
            "function call parts of the function call turn."
        )
    return None


def _too_many(messages: list[dict[str, Any]]) -> bool:
    left = 0
    for message in messages:
        left = left - 1 if message["role"] == "tool" else len(calls_of(message))
        if left < 0:
            return True
    return False


def _signatures(messages: list[dict[str, Any]]) -> Refusal | None:
    """In the current turn, the first function call of every step needs its signature."""
    for at, message in enumerate(messages):
        in_turn = any(place == at for place, _ in current_turn(messages))
        for number, call in enumerate(calls_of(message)):
            given = ((call.get("extra_content") or {}).get("google") or {}).get("thought_signature")
            if given is not None and not given.startswith(_SIGNED) and given not in PLACEHOLDERS:
                return _error("Corrupted thought signature.")
            if given is None and in_turn and number == 0:
                return _error(
                    "Function call is missing a thought_signature in functionCall parts. This is "
                    "required for tools to work correctly, and missing thought_signature may lead "
                    "to degraded model performance. Additional data, function call "
                    f"`default_api:{call['function']['name']}` , position {at + 1}. Please refer "
                    "to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
                )
    return None


def fitted(answer: Answer, body: dict[str, Any]) -> Answer:
    """Return the answer: the limits of the tests leave room for it."""
    return answer


def stream(answer: Answer, new_number: Callable[[], int]) -> Iterator[dict[str, Any]]:
    """Yield choices: calls whole, all of them index 0, only the first signed; "stop" at the end."""
    for piece in pieces(answer.text, 40):
        yield {"delta": {"role": "assistant", "content": piece}, "finish_reason": None}
    for number, (name, arguments) in enumerate(answer.calls):
        unique = new_number()
        call: dict[str, Any] = {
            "function": {"name": name, "arguments": json.dumps(arguments)},
            "id": f"function-call-{unique:019d}",
            "index": 0,
            "type": "function",
        }
        if not number:
            call["extra_content"] = {"google": {"thought_signature": f"{_SIGNED}{unique:04d}=="}}
        delta = {"role": "assistant", "tool_calls": [call]}
        yield {"delta": delta, "finish_reason": None}
    last: dict[str, Any] = {"role": "assistant"}
    if not answer.calls:
        last |= {"content": "", "extra_content": {"google": {"thought_signature": _SIGNED + "t="}}}
    yield {"delta": last, "finish_reason": "stop"}
