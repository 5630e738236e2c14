"""Converts LlamaIndex's assistant messages, with what a server attached to them."""

from __future__ import annotations

from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ThinkingBlock, ToolCallBlock
from pydantic import BaseModel

from holysheep_core.integrations.schemas import legal_name
from holysheep_core.integrations.turns import (
    ORIGIN,
    TurnFields,
    call_fields,
    part_of_thinking,
)
from llamaindex_holysheep.content import content_of
from llamaindex_holysheep.histories import arguments_of, openai_call

MODEL = "holysheep_model"
"""Field of an answer's `additional_kwargs`: the id of the model that wrote it."""


def assistant_message(message: ChatMessage) -> dict[str, Any]:
    """Return an assistant's message in the OpenAI format.

    It has all fields that a server attached to it or to its calls, and in `ORIGIN` the model that
    wrote it: the engine sends them to that model's family only.
    """
    extra = message.additional_kwargs
    # No server takes an empty turn: one that is a refusal has the words of it.
    content = content_of(message) or extra.get("refusal") or ""
    wire: dict[str, Any] = {"role": "assistant", "content": content}
    if extra.get("name"):
        wire["name"] = extra["name"]
    calls = _calls(message)
    if calls:
        wire["tool_calls"] = calls
    elif extra.get("function_call"):
        wire["function_call"] = _plain(extra["function_call"])
    if "tool_calls" in wire or "function_call" in wire:
        wire["content"] = content or None
    if extra.get("reference_audio_id"):  # an earlier answer's audio, in place of its content
        del wire["content"]
        wire["audio"] = {"id": extra["reference_audio_id"]}
    wire |= _thoughts(message).under(extra)
    return {**wire, ORIGIN: extra[MODEL]} if extra.get(MODEL) else wire


def _thoughts(message: ChatMessage) -> TurnFields:
    fields = TurnFields()
    for block in message.blocks:
        if isinstance(block, ThinkingBlock):
            text, attached = block.content or "", block.additional_information
            signed = part_of_thinking(text, attached)
            if signed is not None:
                fields.add("thinking_blocks", signed)
                continue
            fields.add("reasoning_content", text)
            for name, value in attached.items():
                fields.add(name, value)
    return fields


def _calls(message: ChatMessage) -> list[dict[str, Any]]:
    given = message.additional_kwargs.get("tool_calls")
    found = [openai_call(call) for call in given] if isinstance(given, (list, tuple)) else []
    kept = [call for call in found if call is not None]
    blocks = [block for block in message.blocks if isinstance(block, ToolCallBlock)]
    if not blocks:
        return kept
    by_id = {call["id"]: call for call in kept}
    return [_call(block, by_id.get(block.tool_call_id or "")) for block in blocks]


def _call(block: ToolCallBlock, kept: Any) -> dict[str, Any]:
    name, arguments = legal_name(block.tool_name), arguments_of(block.tool_kwargs)
    function = {"name": name, "arguments": arguments}
    own = {"id": block.tool_call_id or block.tool_name, "type": "function", "function": function}
    return own | call_fields(kept)


def _plain(value: Any) -> Any:
    """Return a call as a dict; other integrations keep objects of OpenAI's client."""
    return value.model_dump(exclude_none=True) if isinstance(value, BaseModel) else value
