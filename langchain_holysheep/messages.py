"""Converts LangChain messages to OpenAI-format messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from holysheep_core import ConfigurationError
from holysheep_core.integrations.turns import media_after_tools
from langchain_holysheep.assistant_turns import assistant_message
from langchain_holysheep.content import content_of


def to_wire(messages: Sequence[BaseMessage]) -> list[dict[str, Any]]:
    """Convert messages to OpenAI-format dicts.

    Content is not rewritten: a string stays a string, and text blocks stay a list of text parts
    with all their keys, because a server caches prompts by their bytes and by marks on parts. What
    a server attached to an answer goes back with it.

    Raises:
        ConfigurationError: A message has a block that chat/completions does not accept.
    """
    return media_after_tools([wire for message in messages for wire in _convert(message)])


def _convert(message: BaseMessage) -> list[dict[str, Any]]:
    if isinstance(message, ChatMessage) and message.role == "assistant":
        message = AIMessage(
            message.content, name=message.name, additional_kwargs=message.additional_kwargs
        )
    if isinstance(message, AIMessage):
        return [assistant_message(message)]
    results, rest = _tool_results(message)
    if results and not rest.content:
        return results
    wire: dict[str, Any] = {"role": _role(message), "content": content_of(rest)}
    if isinstance(message, ToolMessage) and message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id
        return [wire]  # the id says which tool it was; some servers refuse a name beside it
    name = message.name or message.additional_kwargs.get("name")
    if name:
        wire["name"] = name
    return [*results, wire]


def _role(message: BaseMessage) -> str:
    if isinstance(message, ChatMessage):
        return message.role
    if isinstance(message, SystemMessage):  # LangChain has no class for developers' messages
        return str(message.additional_kwargs.get("__openai_role__", "system"))
    for kind, role in _ROLES.items():
        if isinstance(message, kind):
            return role
    raise ConfigurationError(f"A {type(message).__name__} cannot be sent.")


_ROLES: dict[type[BaseMessage], str] = {
    HumanMessage: "user",
    ToolMessage: "tool",
    FunctionMessage: "function",
}


def _tool_results(message: BaseMessage) -> tuple[list[dict[str, Any]], BaseMessage]:
    """Return the tool results that a user's message has in Anthropic's form, and the rest of it."""
    blocks = message.content if isinstance(message.content, list) else []
    found = [b for b in blocks if isinstance(b, dict) and b.get("type") == "tool_result"]
    if not found or not isinstance(message, HumanMessage):
        return [], message
    results = [
        {
            "role": "tool",
            "content": content_of(ToolMessage(block.get("content") or "", tool_call_id="")),
            "tool_call_id": block.get("tool_use_id", ""),
        }
        for block in found
    ]
    rest: list[Any] = [block for block in blocks if block not in found]
    return results, message.model_copy(update={"content": rest})
