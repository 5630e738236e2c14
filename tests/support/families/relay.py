"""A relay that lets through only the fields it knows, and says so as Groq does.

Words and rules: fields of an assistant's message [gptel#774, jan#8136, freellmapi#1070], `name` on
tool messages [hermes-agent#114713, #112135], fields of a request [claude-code-router#1204].
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from support.families.rules import Refusal, calls_of, orphans, parts_of, unknown
from support.families.script import Answer, pieces

MODELS = ("llama-", "kimi-", "qwen")
PARALLEL = False
ALWAYS_USAGE = False
USAGE = {"prompt_tokens": 85, "completion_tokens": 65, "total_tokens": 150}
LIMITED = {
    "error": {
        "message": "Rate limit reached for model on tokens per minute (TPM). Please try again in 10m0s.",
        "type": "tokens",
        "code": "rate_limit_exceeded",
    }
}
_TOP = {
    *("model", "messages", "stream", "stream_options", "tools", "tool_choice", "n", "stop"),
    *("parallel_tool_calls", "max_tokens", "max_completion_tokens", "temperature", "top_p"),
    *("response_format", "seed", "user", "presence_penalty", "frequency_penalty", "logit_bias"),
    *("logprobs", "top_logprobs", "service_tier", "metadata", "store", "reasoning_effort"),
}
_FIELDS = {
    "system": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "tool_calls", "function_call"},
    "tool": {"role", "content", "tool_call_id"},
}
_CALL = {"id", "type", "function"}
_PART = {"type", "text", "image_url"}


def _error(message: str) -> Refusal:
    return 400, {"error": {"message": message, "type": "invalid_request_error"}}


def check(body: dict[str, Any], *, beta: bool = False) -> Refusal | None:
    """Return the refusal of a request, or None."""
    for name in unknown(body, _TOP):
        return _error(f"property '{name}' is unsupported")
    if body.get("reasoning_effort"):
        return _error("`reasoning_effort` is not supported with this model")
    for at, message in enumerate(body["messages"]):
        role = message["role"]
        if role not in _FIELDS:
            words = "discriminator property 'role' has invalid value"
            return _error(f"'messages.{at}' : {words}")
        found = [(f"messages.{at}", name) for name in unknown(message, _FIELDS[role])]
        for number, call in enumerate(calls_of(message)):
            place = f"messages.{at}.tool_calls.{number}"
            found += [(place, name) for name in unknown(call, _CALL)]
        for number, part in enumerate(parts_of(message)):
            place = f"messages.{at}.content.{number}"
            found += [(place, name) for name in unknown(part, _PART)]
        for place, name in found:
            return _error(
                f"'messages.{at}' : for 'role:{role}' the following must be satisfied"
                f"[('{place}' : property '{name}' is unsupported)]"
            )
    for at in orphans(body["messages"]):
        return _error(f"'messages.{at}' : tool message answers no tool call")
    return None


def fitted(answer: Answer, body: dict[str, Any]) -> Answer:
    """Return the answer: the limits of the tests leave room for it."""
    return answer


def stream(answer: Answer, new_number: Callable[[], int]) -> Iterator[dict[str, Any]]:
    """Yield choices: each call whole in a chunk of its own, with ids as Kimi writes them.

    Other families refuse such an id [bifrost#5097].
    """
    yield {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    for piece in pieces(answer.text, 9):
        yield {"delta": {"content": piece}, "finish_reason": None}
    for index, (name, arguments) in enumerate(answer.calls):
        function = {"name": name, "arguments": json.dumps(arguments)}
        call_id = f"functions.{name}:{new_number()}"
        call = {"index": index, "id": call_id, "type": "function", "function": function}
        yield {"delta": {"tool_calls": [call]}, "finish_reason": None}
    yield {"delta": {}, "finish_reason": answer.finish}
