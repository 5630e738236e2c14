"""Converts LlamaIndex messages to OpenAI-format messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole

from holysheep_core import ConfigurationError
from holysheep_core.integrations.turns import media_after_tools
from llamaindex_holysheep.assistant_turns import assistant_message
from llamaindex_holysheep.content import content_of
from llamaindex_holysheep.histories import result_id, with_own_ids

_OF_ASSISTANTS = (MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL)


def to_wire(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    """Convert messages to OpenAI-format dicts.

    Content is not rewritten: one text block is a string, several stay a list of text parts, because
    a server caches prompts by their bytes and by marks on parts. What a server attached to an
    answer goes back with it.

    Raises:
        ConfigurationError: A message has a block that chat/completions does not accept.
    """
    return media_after_tools(with_own_ids(_convert(message) for message in messages))


def checked(messages: Any) -> Sequence[ChatMessage]:
    """Return messages, if they are LlamaIndex's: its callbacks fail for others in their own words.

    Raises:
        ConfigurationError: They are a string, dicts or something else; the message says what to
            write.
    """
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        raise ConfigurationError(
            f"messages of type {type(messages).__name__}: needs a list, such as "
            "[ChatMessage(role='user', content='…')]."
        )
    for message in messages:
        if not isinstance(message, ChatMessage):
            spread = "**message" if isinstance(message, Mapping) else "role='user', content='…'"
            raise ConfigurationError(
                f"A message of type {type(message).__name__}: needs a ChatMessage, such as "
                f"ChatMessage({spread})."
            )
    return messages


def _convert(message: ChatMessage) -> dict[str, Any]:
    if message.role in _OF_ASSISTANTS:
        return assistant_message(message)
    extra = message.additional_kwargs
    wire: dict[str, Any] = {"role": message.role.value, "content": content_of(message)}
    answered = result_id(extra) if message.role is MessageRole.TOOL else ""
    if answered:
        wire["tool_call_id"] = answered
        return wire  # the id says which tool it was; some servers refuse a name beside it
    if extra.get("name"):
        wire["name"] = extra["name"]
    return wire
