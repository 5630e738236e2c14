"""Converts the content of LangChain's system, user and tool messages to content parts."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import (
    BaseMessage,
    HumanMessage,
    convert_to_openai_messages,
    is_data_content_block,
)
from langchain_core.messages.block_translators.openai import convert_to_openai_data_block

from holysheep_core import ConfigurationError
from holysheep_core.integrations.turns import warn_once

_PARTS = {"text", "image_url", "input_audio", "file"}
"""Content parts that chat/completions accepts."""
_THOUGHTS = ("thinking", "redacted_thinking", "reasoning", "reasoning_content")
_OF_ASSISTANTS = (
    *("tool_use", "function_call"),
    *("server_tool_call", "server_tool_call_chunk", "server_tool_result", "server_tool_use"),
    *("code_interpreter_call", "web_search_call", "file_search_call", "mcp_call", "refusal"),
    *("executable_code", "code_execution_result", "citation", "input_json_delta"),
)
_LANGCHAINS = {"id", "index", "annotations", "extras", "metadata"}
"""Keys of text blocks that no server knows."""
_MARKS = ("cache_control", "prompt_cache_breakpoint")
"""Marks of the place up to which a server caches the prompt."""


def content_of(message: BaseMessage) -> str | list[dict[str, Any]]:
    """Return a message's content: a string as it is, a list as a list of content parts.

    Raises:
        ConfigurationError: A block is none that chat/completions accepts. In a tool's message,
            whose content its user may not choose, a sentence about the block stands in its place.
    """
    if not isinstance(message.content, list):
        return message.content
    return [part for block in message.content for part in _parts(message, block)] or ""


def text_part(block: dict[str, Any]) -> dict[str, Any]:
    """Return a text block as a content part; keys that a server may know are kept."""
    kept = {key: value for key, value in block.items() if key not in _LANGCHAINS}
    return {**kept, "type": "text", "text": block["text"], **_marks(block)}


def _parts(message: BaseMessage, block: str | dict[str, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(block, str):
        yield {"type": "text", "text": block}
        return
    kind = block.get("type")
    if kind in _THOUGHTS or kind in _OF_ASSISTANTS:
        warn_once(
            f"A block of type {kind!r} in a {message.type} message is left out: only an "
            "assistant's message can have one."
        )
        return
    try:
        yield _part(message, block)
    except ConfigurationError as error:
        if message.type != "tool":
            raise
        warn_once(str(error))
        yield {"type": "text", "text": f"(Left out: a block of type {kind!r}.)"}


def _part(message: BaseMessage, block: dict[str, Any]) -> dict[str, Any]:
    kind = block.get("type")
    if kind == "non_standard":  # a provider's own
        value = block.get("value")
        if not isinstance(value, dict) or not isinstance(value.get("type"), str):
            raise _odd(message, block, "its value is no content part")
        return value
    if kind == "text" and isinstance(block.get("text"), str):
        return text_part(block)
    if kind == "image_url" and isinstance(block.get("image_url"), str):
        return {**block, "image_url": {"url": block["image_url"]}}
    if kind in ("image_url", "input_audio") and isinstance(block.get(kind), dict):
        return block
    if kind == "file" and isinstance(block.get("file"), dict):
        return block
    return {**_converted(message, block), **_marks(block)}


def _converted(message: BaseMessage, block: dict[str, Any]) -> dict[str, Any]:
    """Return a block of LangChain's, Anthropic's or Bedrock's form as a content part."""
    kind, source = block.get("type"), block.get("source")
    if kind in ("text-plain", "document") and (text := _plain_text(message, block)) is not None:
        return {"type": "text", "text": text}
    if kind in ("image", "document") and isinstance(source, dict):
        return _from_source(message, block, source)
    try:
        if is_data_content_block(block):
            return _with_detail(convert_to_openai_data_block(block), block)
        found = convert_to_openai_messages([HumanMessage([block])], text_format="block")
    except KeyError as error:
        raise _odd(message, block, f"{error} is missing") from error
    except (TypeError, AttributeError) as error:  # LangChain reads what is no dict, or no text
        raise _odd(message, block, "a field is of another type than it must be") from error
    except ValueError as error:
        raise _unsupported(message, block) from error
    content = found[0]["content"]
    if len(found) != 1 or len(content) != 1 or content[0].get("type") not in _PARTS:
        raise _unsupported(message, block)
    part: dict[str, Any] = content[0]
    return part


def _plain_text(message: BaseMessage, block: dict[str, Any]) -> str | None:
    source = block.get("source")
    if isinstance(source, dict):  # Anthropic's
        text = source.get("data") if source.get("type") == "text" else None
        return text if isinstance(text, str) else None
    if isinstance(block.get("text"), str):
        return str(block["text"])
    if isinstance(block.get("base64"), str):
        try:
            return base64.b64decode(block["base64"]).decode()
        except ValueError as error:
            raise _odd(message, block, "its base64 is no text") from error
    return None


def _from_source(
    message: BaseMessage, block: dict[str, Any], source: dict[str, Any]
) -> dict[str, Any]:
    """Return an image or a document of Anthropic's form as a content part."""
    data, kind, url = source.get("data"), source.get("media_type"), source.get("url")
    if source.get("type") == "base64" and data and kind:
        url = f"data:{kind};base64,{data}"
    elif source.get("type") != "url" or block["type"] == "document":
        raise _unsupported(message, block)
    if block["type"] == "image":
        return {"type": "image_url", "image_url": {"url": url}}
    name = block.get("title") or "document"
    return {"type": "file", "file": {"filename": name, "file_data": url}}


def _with_detail(part: dict[str, Any], block: dict[str, Any]) -> dict[str, Any]:
    extras = block.get("extras")
    detail = block.get("detail") or (extras.get("detail") if isinstance(extras, dict) else None)
    if detail and part["type"] == "image_url":
        part["image_url"] = {**part["image_url"], "detail": detail}
    return part


def _marks(block: dict[str, Any]) -> dict[str, Any]:
    extras = block.get("extras")
    found = {**(extras if isinstance(extras, dict) else {}), **block}
    return {name: found[name] for name in _MARKS if name in found}


def _odd(message: BaseMessage, block: dict[str, Any], reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"A {message.type} message has a block of type {block.get('type')!r} that cannot be sent: "
        f"{reason}."
    )


def _unsupported(message: BaseMessage, block: dict[str, Any]) -> ConfigurationError:
    return ConfigurationError(
        f"A {message.type} message has a block of type {block.get('type')!r}, which "
        "chat/completions does not accept. Send text, images, audio (base64) or files "
        "(base64 or file_id)."
    )
