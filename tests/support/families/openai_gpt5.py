"""OpenAI's gpt-5 and o-series: reasoning models that take few parameters and only known fields.

Words and rules: "max_tokens" [ComfyUI-Griptape#312], "temperature" [langchaingo#1355,
chatbox#2564], "stop" [smolagents#1671], "parallel_tool_calls" [fast-agent#279], unknown fields of
a request [open-responses-server#41, llm_wiki#336, nadekobot#34], pairs of calls and results
[CLIProxyAPI#2798, simonw/llm#937].
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from support.families.rules import (
    Refusal,
    calls_of,
    objects_of,
    orphans,
    parts_of,
    unanswered,
    unknown,
)
from support.families.script import Answer, pieces

MODELS = ("gpt-", "o1", "o3", "o4")
PARALLEL = True
ALWAYS_USAGE = False
USAGE = {
    "prompt_tokens": 90,
    "completion_tokens": 170,
    "total_tokens": 260,
    "completion_tokens_details": {"reasoning_tokens": 128},
}
LIMITED = {
    "error": {
        "message": "Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000.",
        "type": "tokens",
        "param": None,
        "code": "rate_limit_exceeded",
    }
}
REASONING_TOKENS = 128
"""What the model thinks before its first word; it counts against the limit."""

_TOP = {
    *("model", "messages", "stream", "stream_options", "tools", "tool_choice"),
    *("parallel_tool_calls", "max_completion_tokens", "max_tokens", "temperature", "top_p", "n"),
    *("stop", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs"),
    *("response_format", "seed", "user", "metadata", "store", "service_tier", "modalities"),
    *("audio", "prediction", "reasoning_effort", "verbosity", "web_search_options"),
    *("prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
}
_UNSUPPORTED = ("stop", "logprobs", "top_logprobs", "logit_bias")
_DEFAULTS = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_FIELDS = {
    "assistant": {
        *("role", "content", "name", "tool_calls", "refusal", "audio", "function_call"),
        "annotations",
    },
    "tool": {"role", "content", "tool_call_id", "name"},
}
_PARTS = {
    "text": {"type", "text"},
    "refusal": {"type", "refusal"},
    "image_url": {"type", "image_url"},
    "input_audio": {"type", "input_audio"},
    "file": {"type", "file"},
}
_LONGEST_ID = 40


def _error(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return 400, {"error": error}


def check(body: dict[str, Any], *, beta: bool = False) -> Refusal | None:
    """Return the refusal of a request, or None."""
    return _parameters(body) or _messages(body["messages"]) or _pairs(body["messages"])


def _parameters(body: dict[str, Any]) -> Refusal | None:
    for name in unknown(body, _TOP):
        if name in ("reasoning", "cache_control"):  # the Responses API has these
            return _error(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        return _error(f"Unrecognized request argument supplied: {name}")
    if "max_tokens" in body:
        return _error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        )
    for name, default in _DEFAULTS.items():
        if body.get(name, default) not in (default, None):
            return _error(
                f"Unsupported value: '{name}' does not support {body[name]} with this model. "
                f"Only the default ({default}) value is supported.",
                name,
                "unsupported_value",
            )
    return _unsupported(body) or _schemas(body)


def _unsupported(body: dict[str, Any]) -> Refusal | None:
    refused = [name for name in _UNSUPPORTED if body.get(name) is not None]
    if body["model"].startswith("o") and "parallel_tool_calls" in body:
        refused.append("parallel_tool_calls")
    for name in refused:
        message = f"Unsupported parameter: '{name}' is not supported with this model."
        return _error(message, name, "unsupported_parameter")
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and not body.get("tools"):
            message = f"'{name}' is only allowed when 'tools' are specified."
            return _error(f"Invalid value for '{name}': {message}", name)
    return None


def _schemas(body: dict[str, Any]) -> Refusal | None:
    """Held to a schema, every object must list all properties and allow no other."""
    wanted = (body.get("response_format") or {}).get("json_schema") or {}
    found: list[tuple[str, Any, str, str | None]] = []
    if wanted.get("strict"):
        found.append(("response_format", wanted, "response_format", None))
    for at, tool in enumerate(body.get("tools") or ()):
        function = tool["function"]
        if function.get("strict"):
            place = f"tools[{at}].function.parameters"
            found.append(("function", function, place, "invalid_function_parameters"))
    for kind, holder, param, code in found:
        for path, schema in objects_of(holder.get("schema") or holder.get("parameters")):
            if schema.get("type") != "object":
                continue
            context = ", ".join(repr(step) for step in path.split(".") if step)
            where = f"Invalid schema for {kind} '{holder.get('name')}': In context=({context})"
            if schema.get("additionalProperties") is not False:
                why = "'additionalProperties' is required to be supplied and to be false."
                return _error(f"{where}, {why}", param, code)
            missing = set(schema.get("properties") or ()) - set(schema.get("required") or ())
            if missing:
                why = (
                    "'required' is required to be supplied and to be an array including every key "
                    f"in properties. Missing '{min(missing)}'."
                )
                return _error(f"{where}, {why}", param, code)
    return None


def _messages(messages: list[dict[str, Any]]) -> Refusal | None:
    for at, message in enumerate(messages):
        role, place = message["role"], f"messages[{at}]"
        if role not in _ROLES:
            supported = ", ".join(f"'{name}'" for name in _ROLES)
            message_ = f"Invalid value: '{role}'. Supported values are: {supported}."
            return _error(message_, f"{place}.role", "invalid_value")
        fields = unknown(message, _FIELDS.get(role, {"role", "content", "name"}))
        places = [f"{place}.{name}" for name in fields]
        for number, call in enumerate(calls_of(message)):
            found = unknown(call, ("id", "type", "function", "custom"))
            places += [f"{place}.tool_calls[{number}].{name}" for name in found]
            if len(call["id"]) > _LONGEST_ID:
                where = f"{place}.tool_calls[{number}].id"
                return _error(
                    f"Invalid '{where}': string too long. Expected a string with maximum length "
                    f"{_LONGEST_ID}, but got a string with length {len(call['id'])} instead.",
                    where,
                    "string_above_max_length",
                )
        for number, part in enumerate(parts_of(message)):
            kind = part.get("type")
            if kind not in _PARTS:
                supported = ", ".join(f"'{name}'" for name in _PARTS)
                where = f"{place}.content[{number}].type"
                words = f"Invalid value: '{kind}'. Supported values are: {supported}."
                return _error(words, where, "invalid_value")
            found = unknown(part, _PARTS[kind])
            places += [f"{place}.content[{number}].{name}" for name in found]
        for where in places:
            return _error(f"Unknown parameter: '{where}'.", where, "unknown_parameter")
        if message.get("content") is None and not calls_of(message):
            words = "Invalid value for 'content': expected a string, got null."
            return _error(words, f"messages.[{at}].content")
    return None


def _pairs(messages: list[dict[str, Any]]) -> Refusal | None:
    for at, missing in unanswered(messages):
        return _error(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(missing),
            f"messages.[{at}].role",
        )
    for at in orphans(messages):
        return _error(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
            "message with 'tool_calls'.",
            f"messages.[{at}].role",
        )
    return None


def fitted(answer: Answer, body: dict[str, Any]) -> Answer:
    """Return what is left of an answer after the reasoning has used its part of the limit."""
    limit = body.get("max_completion_tokens")
    room = 4 * (limit - REASONING_TOKENS) if limit else len(answer.text)
    if room >= len(answer.text):
        return answer
    return replace(answer, text=answer.text[: max(room, 0)], calls=[], limited=True)


def stream(answer: Answer, new_number: Callable[[], int]) -> Iterator[dict[str, Any]]:
    """Yield choices: no reasoning is shown; arguments come in pieces."""
    yield {"delta": {"role": "assistant", "content": "", "refusal": None}, "finish_reason": None}
    for piece in pieces(answer.text):
        yield {"delta": {"content": piece}, "finish_reason": None}
    for index, (name, arguments) in enumerate(answer.calls):
        call_id = f"call_{new_number():024d}"
        function = {"name": name, "arguments": ""}
        first = {"index": index, "id": call_id, "type": "function", "function": function}
        yield {"delta": {"tool_calls": [first]}, "finish_reason": None}
        for piece in pieces(json.dumps(arguments), 4):
            more = {"index": index, "function": {"arguments": piece}}
            yield {"delta": {"tool_calls": [more]}, "finish_reason": None}
    yield {"delta": {}, "finish_reason": answer.finish}
