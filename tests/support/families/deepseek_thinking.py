"""DeepSeek while thinking: its reasoning has to come back with a turn that calls tools.

Words and rules: missing reasoning [DeepSeek-V3#1053; V4: AiMaMi#8], forced choice
[awesome-deepseek-integration#598,
DeepSeek-V3#1376], the last message [gptme#467], prefix [new-api#999,
LiteLLM#4881], JSON schema [browser-use#215], pairs [OpenManus#744, vscode-unify-chat-provider#248].
Fields it does not know are ignored. An empty `reasoning_content` is taken [continue#11285].
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from support.families.rules import (
    Refusal,
    calls_of,
    current_turn,
    is_forced,
    orphans,
    parts_of,
    unanswered,
)
from support.families.script import Answer, pieces

MODELS = ("deepseek-",)
PARALLEL = False
ALWAYS_USAGE = False
USAGE = {
    "prompt_tokens": 90,
    "completion_tokens": 80,
    "total_tokens": 170,
    "prompt_cache_hit_tokens": 64,
    "prompt_cache_miss_tokens": 26,
    "completion_tokens_details": {"reasoning_tokens": 20},
}
LIMITED = {"error": {"message": "Rate limit reached", "type": "rate_limit_error", "code": None}}
_GUIDE = "https://api-docs.deepseek.com/guides"
_ROLES = ("system", "user", "assistant", "tool", "latest_reminder")


def _error(message: str, status: int = 400) -> Refusal:
    kind = "invalid_request_error"
    return status, {"error": {"message": message, "type": kind, "param": None, "code": kind}}


def thinks(body: dict[str, Any]) -> bool:
    """Tell whether the model thinks; the other models of the family do so when told to."""
    told = (body.get("thinking") or {}).get("type")
    by_default = "reasoner" in body["model"] or "v4" in body["model"]
    return told == "enabled" or (by_default and told != "disabled")


def check(body: dict[str, Any], *, beta: bool = False) -> Refusal | None:
    """Return the refusal of a request, or None."""
    messages = body["messages"]
    refusal = _shape(messages) or _pairs(messages) or _prefix(messages, beta=beta)
    if refusal:
        return refusal
    if (body.get("response_format") or {}).get("type") == "json_schema":
        return _error("This response_format type is unavailable now")
    if not thinks(body):
        return None
    if is_forced(body.get("tool_choice")):
        who = "Thinking mode" if "v4" in body["model"] else "deepseek-reasoner"
        return _error(f"{who} does not support this tool_choice")
    return _reasoning(body["model"], messages)


def _shape(messages: list[dict[str, Any]]) -> Refusal | None:
    start = "Failed to deserialize the JSON body into the target type: "
    for at, message in enumerate(messages):
        if message["role"] not in _ROLES:
            expected = ", ".join(f"`{role}`" for role in _ROLES)
            words = f"unknown variant `{message['role']}`, expected one of {expected}"
            return _error(f"{start}messages[{at}].role: {words}", 422)
        for part in parts_of(message):
            if part.get("type") != "text":
                words = f"unknown variant `{part.get('type')}`, expected `text`"
                return _error(f"{start}messages[{at}]: {words}", 422)
    return None


def _pairs(messages: list[dict[str, Any]]) -> Refusal | None:
    if any(unanswered(messages)):
        return _error(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. (insufficient tool messages following tool_calls message)"
        )
    if any(True for _ in orphans(messages)):
        return _error(
            "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"
        )
    return None


def _prefix(messages: list[dict[str, Any]], *, beta: bool) -> Refusal | None:
    last = messages[-1]
    if any(message.get("prefix") for message in messages) and not beta:
        place = 'set base_url="https://api.deepseek.com/beta"'
        return _error(f"prefix is only available when using beta api ({place})")
    if last["role"] == "assistant" and not last.get("prefix"):
        return _error(
            "The last message of deepseek-reasoner must be a user message, or an assistant message "
            f"with prefix mode on (refer to {_GUIDE}/chat_prefix_completion)."
        )
    return None


def _reasoning(model: str, messages: list[dict[str, Any]]) -> Refusal | None:
    """Refuse calls without their reasoning: of the current turn up to V3.2, of every turn in V4."""
    in_v4 = "v4" in model
    for at, message in enumerate(messages) if in_v4 else current_turn(messages):
        if calls_of(message) and not isinstance(message.get("reasoning_content"), str):
            if in_v4:
                words = "The `reasoning_content` in the thinking mode must be passed back"
                return _error(f"{words} to the API.")
            return _error(
                f"Missing `reasoning_content` field in the assistant message at message index {at}."
                f" For more information, please refer to {_GUIDE}/thinking_mode#tool-calls"
            )
    return None


def fitted(answer: Answer, body: dict[str, Any]) -> Answer:
    """Return the answer, without reasoning if the model does not think."""
    return answer if thinks(body) else replace(answer, reasoning="")


def stream(answer: Answer, new_number: Callable[[], int]) -> Iterator[dict[str, Any]]:
    """Yield choices: reasoning first, with an empty content beside it; arguments in pieces."""
    start = {"role": "assistant", "content": None, "reasoning_content": ""}
    yield {"delta": start, "finish_reason": None}
    for piece in pieces(answer.reasoning):
        yield {"delta": {"content": None, "reasoning_content": piece}, "finish_reason": None}
    for piece in pieces(answer.text):
        yield {"delta": {"content": piece, "reasoning_content": None}, "finish_reason": None}
    for index, (name, arguments) in enumerate(answer.calls):
        function = {"name": name, "arguments": ""}
        call_id = f"call_00_{new_number():024d}"
        first = {"index": index, "id": call_id, "type": "function", "function": function}
        yield {"delta": {"tool_calls": [first]}, "finish_reason": None}
        for piece in pieces(json.dumps(arguments), 3):
            more = {"index": index, "function": {"arguments": piece}}
            yield {"delta": {"tool_calls": [more]}, "finish_reason": None}
    yield {"delta": {"content": "", "reasoning_content": None}, "finish_reason": answer.finish}
