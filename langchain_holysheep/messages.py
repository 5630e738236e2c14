"""Converts LangChain messages to OpenAI-format messages."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    ToolMessage,
    convert_to_openai_messages,
)

from holysheep_core import ConfigurationError
from holysheep_core.integrations.parts import note_left_out

_ANSWER_BLOCKS = {"text", "output_text"}
_NOT_SENT_BACK = {
    *("reasoning", "thinking", "redacted_thinking", "refusal", "citation", "non_standard"),
    *("tool_call", "tool_call_chunk", "invalid_tool_call", "tool_use", "input_json_delta"),
    *("server_tool_call", "server_tool_call_chunk", "server_tool_result", "function_call"),
}
"""Blocks of an assistant's message that are not sent back; tool calls are sent as `tool_calls`."""
_MADE_BY_MODELS = ("image", "audio", "video", "file")
"""Blocks that a server takes from a user only."""
_PARTS = {"text", "image_url", "input_audio", "file"}
"""Content parts that chat/completions accepts."""


def to_wire(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Convert messages to OpenAI-format dicts.

    LangChain's own converter is used for all messages but the assistant's: it drops invalid tool
    calls and keeps reasoning blocks, which servers reject.

    Raises:
        ConfigurationError: A message has a block that chat/completions does not accept.
    """
    return [message for item in messages for message in _convert(item)]


def _convert(message: BaseMessage) -> list[dict[str, Any]]:
    if isinstance(message, AIMessage):
        return [_assistant(message)]
    said: BaseMessage = message.model_copy(update={"content": _plain(message.content)})
    if isinstance(message, ChatMessage):
        said = HumanMessage(said.content, name=message.name)
    try:
        converted = convert_to_openai_messages([said], text_format="string")
    except ValueError as error:
        raise ConfigurationError(f"A {message.type} message cannot be sent: {error}") from error
    also = _own_types(message)
    for item in converted:
        content = item.get("content")
        for part in content if isinstance(content, list) else ():
            if part.get("type") not in _PARTS | also:
                raise _unsupported(message, part)
        if isinstance(message, ChatMessage):
            item["role"] = message.role
        if isinstance(message, ToolMessage):
            item["content"] = content or ""
    return list(converted)


def _plain(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return [_as_text(block) if isinstance(block, dict) else block for block in content]


def _as_text(block: dict[str, Any]) -> Any:
    """Turn a text document into text, and unpack a provider's own block."""
    if block.get("type") == "text-plain" and "text" in block:
        return {"type": "text", "text": block["text"]}
    if block.get("type") == "text-plain" and "base64" in block:
        return {"type": "text", "text": base64.b64decode(block["base64"]).decode()}
    if block.get("type") == "non_standard":
        return block["value"]
    return block


def _own_types(message: BaseMessage) -> set[Any]:
    blocks = message.content if isinstance(message.content, list) else []
    return {
        block["value"].get("type")
        for block in blocks
        if isinstance(block, dict) and block.get("type") == "non_standard"
    }


def _unsupported(message: BaseMessage, block: dict[str, Any]) -> ConfigurationError:
    kind = block.get("type")
    return ConfigurationError(
        f"A {message.type} message has a block of type {kind!r}, which chat/completions does not "
        f"accept. Send text, images, audio (base64) or files (base64 or file_id)."
    )


def _assistant(message: AIMessage) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": "assistant", "content": _text(message)}
    if message.name:
        wire["name"] = message.name
    calls = [
        _call(call["id"], call["name"], msgspec.json.encode(call["args"]).decode())
        for call in message.tool_calls
    ]
    calls += [
        _call(call["id"], call["name"] or "", call["args"] or "")
        for call in message.invalid_tool_calls
    ]
    if calls:
        wire["tool_calls"] = calls
        wire["content"] = wire["content"] or None
    return wire


def _text(message: AIMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(
        block if isinstance(block, str) else block.get("text") or ""
        for block in message.content
        if isinstance(block, str) or _is_answer(message, block)
    )


def _is_answer(message: AIMessage, block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind in _MADE_BY_MODELS:
        note_left_out(str(kind))
    elif kind not in _ANSWER_BLOCKS | _NOT_SENT_BACK:
        raise _unsupported(message, block)
    return kind in _ANSWER_BLOCKS


def _call(call_id: str | None, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id or "", "type": "function", "function": function}
