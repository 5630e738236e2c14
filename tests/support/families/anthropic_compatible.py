"""Claude behind a gateway that speaks OpenAI and hands on what Anthropic says.

Words and rules: prefill from 4.6 on [claude-code#52433, vscode-unify-chat-provider#249], white
space and empty blocks [forgecode#1872, agents#124, claude-code#59812], temperature and thinking
[one-hub#529, opencode-claude-bridge#1], temperature and top_p [CLIProxyAPI#193], forced tools
[langchain#35544], ids [agents#153, cua#524], pairs [claude-code#8210, #18947], thinking blocks
[haystack-core-integrations#2146, opencode#3077], signatures [claude-code#10627], cache_control
[Anthropic.SDK#50], max_tokens [docs.claude.com, extended thinking], no sampling and no budget
from 4.7 on [RooCode#12162, pi#3297], blocks bound to all that came before from 5.1 on
[hermes-agent#106426, platform.claude.com/docs, preserved thinking]. The blocks of a turn come and go back
as `thinking_blocks`, as LiteLLM has it, or as `reasoning_details`, as OpenRouter has it.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from support.families.rules import (
    Refusal,
    calls_of,
    is_forced,
    orphans,
    parts_of,
    unanswered,
    unknown,
)
from support.families.script import Answer, pieces, text_of

MODELS = ("claude-",)
PARALLEL = False
ALWAYS_USAGE = False
USAGE = {"prompt_tokens": 95, "completion_tokens": 70, "total_tokens": 165}
LIMITED = {
    "type": "error",
    "error": {"type": "rate_limit_error", "message": "This request would exceed the rate limit"},
    "request_id": "req_011",
}
_TOP = {
    *("model", "messages", "stream", "stream_options", "tools", "tool_choice", "n", "stop"),
    *("parallel_tool_calls", "max_tokens", "max_completion_tokens", "temperature", "top_p"),
    *("response_format", "seed", "user", "presence_penalty", "frequency_penalty", "metadata"),
    *("thinking", "top_k", "reasoning_effort", "service_tier", "logit_bias", "store", "logprobs"),
}
_GUIDE = "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
_DEFAULT_LIMIT = 4096
_LEAST_BUDGET = 1024
_MOST_CACHED = 4
_NO_PREFILL = (4, 6)
_NO_SAMPLING = (4, 7)
_BINDING = (5, 1)
_ID = re.compile(r"[a-zA-Z0-9_-]+")


def _error(message: str) -> Refusal:
    error = {"type": "invalid_request_error", "message": message}
    return 400, {"type": "error", "error": error, "request_id": "req_011CsT"}


def version_of(model: str) -> tuple[int, int]:
    """Return the version in a model's name, written 4.5 or 4-5."""
    found = re.search(r"(\d+)[.-](\d{1,2})(?!\d)", model)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def signature_of(thought: str, seal: str) -> str:
    """Return the signature of a block of thinking; `seal` names the model, and what came before."""
    return f"EqQB{seal}." + hashlib.sha256(f"{seal}/{thought}".encode()).hexdigest()


def seal_of(body: dict[str, Any], at: int) -> str:
    """Return what a block is bound to: the model; from 5.1 on all that came before it, too."""
    if version_of(body["model"]) < _BINDING:
        return f"{body['model']}-"
    before = [
        [m["role"], text_of(m), calls_of(m), m.get("tool_call_id"), blocks_given_back(m)]
        for m in body["messages"][:at]
    ]
    sealed = json.dumps([before, body.get("tools") or []], sort_keys=True)
    return f"{body['model']}-{hashlib.sha256(sealed.encode()).hexdigest()}"


def thinks(body: dict[str, Any]) -> bool:
    """Tell whether the model thinks: when told to, and from 5.1 on if not told not to."""
    kind = (body.get("thinking") or {}).get("type")
    return kind in ("enabled", "adaptive") or (
        kind is None and version_of(body["model"]) >= _BINDING
    )


def check(body: dict[str, Any], *, beta: bool = False) -> Refusal | None:
    """Return the refusal of a request, or None."""
    messages = body["messages"]
    return (
        _parameters(body)
        or _thinking(body)
        or _blocks(messages)
        or _tools(messages)
        or _thinking_blocks(body, strict=(body.get("thinking") or {}).get("type") == "enabled")
        or _end(body["model"], messages)
    )


def _parameters(body: dict[str, Any]) -> Refusal | None:
    for name in unknown(body, _TOP):
        return _error(f"{name}: Extra inputs are not permitted")
    for name in ("temperature", "top_p", "top_k"):
        if body.get(name) is not None and version_of(body["model"]) >= _NO_SAMPLING:
            return _error(f"`{name}` is deprecated for this model.")
    if body.get("temperature") is not None and body.get("top_p") is not None:
        return _error(
            "`temperature` and `top_p` cannot both be specified for this model. "
            "Please use only one."
        )
    return None


def _thinking(body: dict[str, Any]) -> Refusal | None:
    if not thinks(body):
        return None
    refusal = _budget(body)
    important = f"{_GUIDE}#important-considerations-when-using-extended-thinking"
    if body.get("temperature") not in (None, 1):
        refusal = refusal or _error(
            "`temperature` may only be set to 1 when thinking is enabled. "
            f"Please consult our documentation at {important}"
        )
    if body.get("top_k") is not None:
        words = f"`top_k` must be unset when thinking is enabled. See {important}"
        refusal = refusal or _error(words)
    if is_forced(body.get("tool_choice")):
        words = "Thinking may not be enabled when tool_choice forces tool use."
        refusal = refusal or _error(words)
    return refusal


def _budget(body: dict[str, Any]) -> Refusal | None:
    thinking = body.get("thinking") or {"type": "adaptive"}
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or _DEFAULT_LIMIT
    if thinking["type"] == "enabled" and version_of(body["model"]) >= _NO_SAMPLING:
        return _error(
            '"thinking.type.enabled" is not supported for this model. Use '
            '"thinking.type.adaptive" and "output_config.effort" to control thinking behavior.'
        )
    if thinking["type"] == "enabled":
        budget = thinking.get("budget_tokens")
        if budget is None:
            return _error("thinking.enabled.budget_tokens: Field required")
        if budget < _LEAST_BUDGET:
            words = f"Input should be greater than or equal to {_LEAST_BUDGET}"
            return _error(f"thinking.enabled.budget_tokens: {words}")
        if limit <= budget:
            return _error(
                "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our "
                f"documentation at {_GUIDE}#max-tokens-and-context-window-size"
            )
    return None


def _blocks(messages: list[dict[str, Any]]) -> Refusal | None:
    cached = 0
    for message in messages:
        texts = [part.get("text") or "" for part in parts_of(message) if part["type"] == "text"]
        cached += sum("cache_control" in part for part in parts_of(message))
        content = message.get("content")
        if isinstance(content, str) and not calls_of(message):
            texts = [content]
        if "" in texts and message["role"] != "tool":
            return _error("messages: text content blocks must be non-empty")
        if texts and not "".join(texts).strip() and message["role"] != "tool":
            return _error("messages: text content blocks must contain non-whitespace text")
    if cached > _MOST_CACHED:
        words = f"A maximum of {_MOST_CACHED} blocks with cache_control may be provided."
        return _error(f"{words} Found {cached}.")
    return None


def _tools(messages: list[dict[str, Any]]) -> Refusal | None:
    used: set[str] = set()
    for at, message in enumerate(messages):
        for number, call in enumerate(calls_of(message)):
            place = f"messages.{at}.content.{number + 1}"
            if not _ID.fullmatch(call.get("id") or ""):
                words = "String should match pattern '^[a-zA-Z0-9_-]+$'"
                return _error(f"{place}.tool_use.id: {words}")
            if call["id"] in used:
                return _error(f"{place}: `tool_use` ids must be unique")
            used.add(call["id"])
    for at in orphans(messages):
        given = messages[at].get("tool_call_id")
        return _error(
            f"messages.{at}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
            f"{given}. Each `tool_result` block must have a corresponding `tool_use` block in the "
            "previous message."
        )
    for at, missing in unanswered(messages):
        return _error(
            f"messages.{at - 1}: `tool_use` ids were found without `tool_result` blocks immediately "
            f"after: {', '.join(missing)}. Each `tool_use` block must have a corresponding "
            "`tool_result` block in the next message."
        )
    return None


def blocks_given_back(message: dict[str, Any]) -> list[tuple[str, str]]:
    """Return text and signature of each block of thinking that came back with a turn."""
    blocks = [
        (block.get("thinking") or "", block.get("signature") or "")
        for block in message.get("thinking_blocks") or ()
        if block.get("type") == "thinking"
    ]
    return blocks or [
        (detail.get("text") or "", detail.get("signature") or "")
        for detail in message.get("reasoning_details") or ()
        if detail.get("type") == "reasoning.text"
    ]


def _thinking_blocks(body: dict[str, Any], *, strict: bool) -> Refusal | None:
    """Check blocks that came back; `strict`: the loop of tools may not do without.

    Only a budget of tokens asks for that: thinking adaptively, a model may skip it.
    """
    messages = body["messages"]
    for at, message in enumerate(messages):
        for number, (thought, signature) in enumerate(blocks_given_back(message)):
            other = signature.startswith("EqQB") and not signature.startswith(
                f"EqQB{body['model']}-"
            )
            if other:
                continue  # of another model: dropped without an error
            if signature != signature_of(thought, seal_of(body, at)):
                bound = (
                    ". The block is bound to a different conversation. Remove the block, or set "
                    '`thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
                )
                place = f"messages.{at}.content.{number}"
                words = f"{place}: Invalid `signature` in `thinking` block"
                return _error(words + (bound if version_of(body["model"]) >= _BINDING else ""))
    turns = [at for at, m in enumerate(messages) if m["role"] == "assistant"]
    if not strict or not turns or messages[-1]["role"] == "user":
        return None  # the loop of tools is over: earlier turns may come without
    final = messages[turns[-1]]
    if blocks_given_back(final):
        return None
    return _error(
        f"messages.{turns[-1]}.content.0.type: Expected `thinking` or `redacted_thinking`, but "
        f"found `{'text' if text_of(final) else 'tool_use'}`. When `thinking` is enabled, a final "
        "`assistant` message must start with a thinking block (preceeding the lastmost set of "
        "`tool_use` and `tool_result` blocks). We recommend you include thinking blocks from "
        "previous turns. To avoid this requirement, disable `thinking`. Please consult our "
        f"documentation at {_GUIDE}"
    )


def _end(model: str, messages: list[dict[str, Any]]) -> Refusal | None:
    last = messages[-1]
    if last["role"] != "assistant":
        return None
    if version_of(model) >= _NO_PREFILL:
        return _error(
            "This model does not support assistant message prefill. The conversation must end "
            "with a user message."
        )
    if text_of(last) != text_of(last).rstrip():
        return _error("messages: final assistant content cannot end with trailing whitespace")
    return None


def fitted(answer: Answer, body: dict[str, Any]) -> Answer:
    """Return the answer, without reasoning if the model does not think."""
    if not thinks(body):
        return replace(answer, reasoning="")
    return replace(answer, seal=seal_of(body, len(body["messages"])))


def stream(answer: Answer, new_number: Callable[[], int]) -> Iterator[dict[str, Any]]:
    """Yield choices: thinking with its signature last, text, calls from index 0."""
    yield {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    for piece in pieces(answer.reasoning):
        block = {"type": "thinking", "thinking": piece, "signature": ""}
        delta: dict[str, Any] = {"reasoning_content": piece, "thinking_blocks": [block]}
        yield {"delta": delta, "finish_reason": None}
    if answer.reasoning:
        signature = signature_of(answer.reasoning, answer.seal)
        block = {"type": "thinking", "thinking": "", "signature": signature}
        yield {"delta": {"content": "", "thinking_blocks": [block]}, "finish_reason": None}
    for piece in pieces(answer.text):
        yield {"delta": {"content": piece}, "finish_reason": None}
    for index, (name, arguments) in enumerate(answer.calls):
        call_id = f"toolu_01{new_number():022d}"
        function = {"name": name, "arguments": ""}
        first = {"index": index, "id": call_id, "type": "function", "function": function}
        yield {"delta": {"tool_calls": [first]}, "finish_reason": None}
        for piece in pieces(json.dumps(arguments), 5):
            more = {"index": index, "type": "function", "function": {"arguments": piece}}
            yield {"delta": {"tool_calls": [more]}, "finish_reason": None}
    yield {"delta": {}, "finish_reason": answer.finish}
