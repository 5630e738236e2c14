"""Converts LangChain's assistant messages, with what a server attached to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from langchain_core.messages import AIMessage

from holysheep_core import ConfigurationError
from holysheep_core.integrations.parts import note_left_out
from holysheep_core.integrations.turns import (
    ORIGIN,
    TurnFields,
    call_fields,
    part_of_thinking,
)
from langchain_holysheep.content import text_part

_ANSWERS = ("text", "output_text")
_THOUGHTS = ("reasoning", "thinking", "redacted_thinking", "reasoning_content")
_CALLS = ("tool_call", "tool_use", "function_call", "tool_call_chunk", "invalid_tool_call")
_SENT_OTHERWISE = (*_THOUGHTS, *_CALLS, "refusal", "citation", "input_json_delta")
"""Blocks that are no content parts: calls and thoughts have fields of their own."""


def assistant_message(message: AIMessage) -> dict[str, Any]:
    """Return an assistant's message in the OpenAI format.

    It has all fields that a server attached to it or to its calls, and in `ORIGIN` the model that
    wrote it: the engine sends them to that model's family only.
    """
    wire: dict[str, Any] = {"role": "assistant", "content": _content(message)}
    if message.name or message.additional_kwargs.get("name"):
        wire["name"] = message.name or message.additional_kwargs["name"]
    calls = list(_calls(message))
    if calls:
        wire["tool_calls"] = calls
    elif message.additional_kwargs.get("function_call"):
        wire["function_call"] = message.additional_kwargs["function_call"]
    if "tool_calls" in wire or "function_call" in wire:
        wire["content"] = wire["content"] or None
    wire |= _thoughts(message).under(message.additional_kwargs)
    origin = _origin(message)
    return {**wire, ORIGIN: origin} if origin else wire


def _items(message: AIMessage) -> Iterator[str | dict[str, Any]]:
    """Return the parts of a list; a provider's own block stands for the one that holds it.

    LangChain's blocks of version 1 hold in that way what no standard block can, such as the hidden
    thoughts of Claude.
    """
    for block in message.content if isinstance(message.content, list) else ():
        own = block.get("value") if isinstance(block, dict) else None
        if isinstance(own, dict) and own.get("type") and block.get("type") == "non_standard":  # type: ignore[union-attr] # its value is a dict's
            yield own
        else:
            yield block


def _blocks(message: AIMessage) -> Iterator[dict[str, Any]]:
    return (block for block in _items(message) if isinstance(block, dict))


def _content(message: AIMessage) -> Any:
    if isinstance(message.content, str):
        return message.content or _words(message)
    parts = []
    for block in _items(message):
        if isinstance(block, str):
            parts.append({"type": "text", "text": block})
        elif block.get("type") in _ANSWERS:
            parts.append(text_part({**block, "text": block.get("text") or ""}))
        elif (words := _words_of(block)) is not None:
            parts.append({"type": "text", "text": words})
        elif block.get("type") not in _SENT_OTHERWISE:
            note_left_out(str(block.get("type")))
    return parts or _words(message)


def _words_of(block: dict[str, Any]) -> str | None:
    """Return the text of a block that is read as text; None if it has none.

    A compaction stands for all turns before it, so its summary must not be lost.
    """
    name = {"text-plain": "text", "compaction": "content"}.get(str(block.get("type")))
    found = block.get(name) if name else None
    return found if isinstance(found, str) else None


def _words(message: AIMessage) -> str:
    """Return the words of a refusal or of spoken audio: no server takes an empty turn."""
    refusals = (block.get("refusal") for block in _blocks(message))
    refused = [words for words in refusals if isinstance(words, str)]
    spoken = message.additional_kwargs.get("audio")
    transcript = spoken.get("transcript") if isinstance(spoken, dict) else None
    return str(message.additional_kwargs.get("refusal") or "".join(refused) or transcript or "")


# -- thoughts -------------------------------------------------------------------------------


def _thoughts(message: AIMessage) -> TurnFields:
    fields = TurnFields()
    for block in _blocks(message):
        if block.get("type") in _THOUGHTS:
            _add_thought(fields, block)
    return fields


def _add_thought(fields: TurnFields, block: dict[str, Any]) -> None:
    kind, extras = block["type"], block.get("extras")
    attached = dict(extras) if isinstance(extras, dict) else {}
    said = block.get(kind) if kind != "redacted_thinking" else ""
    if isinstance(said, dict):  # Bedrock's, of LangChain's form or of its own
        inner = said.get("reasoningText")
        said = inner if isinstance(inner, dict) else said
        attached |= said
        said = said.get("text")
    if not said and isinstance(block.get("summary"), list):  # the Responses API's
        said = block["summary"]
    if isinstance(said, list):  # Mistral's
        texts = (each.get("text") for each in said if isinstance(each, dict))
        said = "".join(text for text in texts if isinstance(text, str))
    text = said if isinstance(said, str) else ""
    signed = part_of_thinking(text, {**block, **attached})
    if signed is not None:
        fields.add("thinking_blocks", signed)
        return
    added = [fields.add(name, value) for name, value in attached.items()]
    if not any(added):
        fields.add("reasoning_content", text)


# -- tool calls -----------------------------------------------------------------------------


def _calls(message: AIMessage) -> Iterator[dict[str, Any]]:
    attached = _attached(message)
    known = set()
    for call in message.tool_calls:
        known.add(call["id"])
        yield _call(call["id"], call["name"], _json(call["args"]), attached)
    for broken in message.invalid_tool_calls:
        known.add(broken["id"])
        yield _call(broken["id"], broken["name"] or "", broken["args"] or "", attached)
    for block in _blocks(message):  # another integration's, of which LangChain made no call
        call_id = _id_of(block)
        if block.get("type") in _CALLS and call_id not in known and block.get("name"):
            given: Any = block.get("args") or block.get("input") or block.get("arguments") or {}
            arguments = given if isinstance(given, str) else _json(given)
            yield _call(call_id, str(block["name"]), arguments, attached)


def _id_of(block: dict[str, Any]) -> str | None:
    found = block.get("call_id") or block.get("id")
    return found if isinstance(found, str) else None


def _call(
    call_id: str | None, name: str, arguments: str, attached: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    fields = attached.get(call_id or "", {})
    return {"id": call_id or "", "type": "function", "function": function, **fields}


def _attached(message: AIMessage) -> dict[str, dict[str, Any]]:
    """Return what servers attached to calls, by the calls' ids."""
    found: dict[str, dict[str, Any]] = {}
    for block in _blocks(message):
        if block.get("type") in _CALLS and isinstance(block.get("id"), str):
            found[block["id"]] = call_fields(block) | call_fields(block.get("extras"))
    raw = message.additional_kwargs.get("tool_calls")
    for call in raw if isinstance(raw, list) else ():
        if isinstance(call, dict) and isinstance(call.get("id"), str):
            found[call["id"]] = found.get(call["id"], {}) | call_fields(call)
    kept = message.additional_kwargs.get("tool_call_fields")
    for call_id, fields in (kept if isinstance(kept, dict) else {}).items():
        found[call_id] = found.get(call_id, {}) | call_fields(fields, only_known=False)
    return found


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"The arguments of a tool call cannot be written as JSON: {error}"
        ) from error


# -- where it came from ---------------------------------------------------------------------


def _origin(message: AIMessage) -> str:
    metadata = message.response_metadata
    resilience = metadata.get("resilience")
    attempts = resilience.get("attempts") if isinstance(resilience, dict) else None
    last = attempts[-1] if isinstance(attempts, list) and attempts else {}
    named = last.get("model") if isinstance(last, dict) else None
    return str(named or metadata.get("model_name") or metadata.get("model") or "")
