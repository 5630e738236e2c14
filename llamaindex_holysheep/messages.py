"""Converts LlamaIndex messages to OpenAI-format messages."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from llama_index.core.base.llms.types import (
    AudioBlock,
    ChatMessage,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)

from holysheep_core import ConfigurationError
from holysheep_core.integrations.parts import note_left_out

_TEXT_ONLY = (MessageRole.ASSISTANT, MessageRole.TOOL, MessageRole.SYSTEM)


def to_wire(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Convert messages to OpenAI-format dicts.

    Raises:
        ConfigurationError: A message has a block that chat/completions does not accept.
    """
    return [_convert(message) for message in messages]


def _convert(message: ChatMessage) -> dict[str, Any]:
    role = message.role.value
    blocks = message.blocks
    if message.role is MessageRole.ASSISTANT:
        blocks = [block for block in blocks if not _is_left_out(block)]
    parts = [part for block in blocks if (part := _part(block)) is not None]
    text = "".join(part["text"] for part in parts if part["type"] == "text")
    media = [part["type"] for part in parts if part["type"] != "text"]
    if media and message.role in _TEXT_ONLY:
        raise ConfigurationError(
            f"A {role} message can hold text only, not {media[0]}; send it in a user message."
        )
    wire: dict[str, Any] = {"role": role, "content": parts if media else text}
    calls = [_call(block) for block in message.blocks if isinstance(block, ToolCallBlock)]
    calls = calls or list(message.additional_kwargs.get("tool_calls") or [])
    if calls and message.role is MessageRole.ASSISTANT:
        wire["tool_calls"] = calls
        wire["content"] = text or None
    if message.role is MessageRole.TOOL:
        wire["tool_call_id"] = message.additional_kwargs.get("tool_call_id", "")
    if "name" in message.additional_kwargs:
        wire["name"] = message.additional_kwargs["name"]
    return wire


def _is_left_out(block: Any) -> bool:
    """Tell whether a block of an answer is not sent back: a server takes media from a user only."""
    if isinstance(block, CitationBlock):
        return True
    made = isinstance(block, (ImageBlock, AudioBlock))
    if made:
        note_left_out(block.block_type)
    return made


def _part(block: Any) -> dict[str, Any] | None:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    if isinstance(block, ImageBlock):
        detail = {"detail": block.detail} if block.detail else {}
        return {"type": "image_url", "image_url": {"url": _image_url(block), **detail}}
    if isinstance(block, AudioBlock):
        data = block.resolve_audio(as_base64=True).read().decode()
        return {"type": "input_audio", "input_audio": {"data": data, "format": block.format}}
    if isinstance(block, DocumentBlock):
        data = block.resolve_document().read()
        kind = block.document_mimetype or "application/pdf"
        file_data = _data_url(kind, data)
        return {"type": "file", "file": {"filename": block.title, "file_data": file_data}}
    if isinstance(block, (ThinkingBlock, ToolCallBlock)):
        return None  # reasoning is not sent back; tool calls have their own field
    raise ConfigurationError(
        f"A {type(block).__name__} cannot be sent in a chat completion; "
        "send text, images, audio or documents."
    )


def _image_url(block: ImageBlock) -> str:
    if block.url:
        return str(block.url)
    data = block.resolve_image(as_base64=True).read().decode()
    return f"data:{block.image_mimetype or 'image/png'};base64,{data}"


def _data_url(kind: str, data: bytes) -> str:

    return f"data:{kind};base64,{b64encode(data).decode()}"


def _call(block: ToolCallBlock) -> dict[str, Any]:
    given = block.tool_kwargs
    arguments = given if isinstance(given, str) else msgspec.json.encode(given).decode()
    function = {"name": block.tool_name, "arguments": arguments}
    return {"id": block.tool_call_id or "", "type": "function", "function": function}
