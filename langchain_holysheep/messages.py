"""LangChain messages to the protocol's messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    ToolMessage,
    convert_to_openai_messages,
)

_ANSWER_BLOCKS = {"text", "output_text"}


def to_wire(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Convert messages to OpenAI-format dicts.

    Everything a user or a tool says goes through LangChain's own converter. An assistant's
    message does not: that converter drops invalid tool calls and lets reasoning blocks through,
    which servers refuse.
    """
    return [message for item in messages for message in _convert(item)]


def _convert(message: BaseMessage) -> list[dict[str, Any]]:
    if isinstance(message, AIMessage):
        return [_assistant(message)]
    if isinstance(message, ChatMessage):
        return [{"role": message.role, "content": message.content}]
    converted = convert_to_openai_messages([message], text_format="string")
    if isinstance(message, ToolMessage):
        for item in converted:
            item["content"] = item.get("content") or ""
    return list(converted)


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
        if isinstance(block, str) or block.get("type") in _ANSWER_BLOCKS
    )


def _call(call_id: str | None, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": call_id or "", "type": "function", "function": function}
