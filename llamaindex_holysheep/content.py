"""Converts the blocks of LlamaIndex messages to content parts."""

from __future__ import annotations

from base64 import b64encode
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

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
    VideoBlock,
)

from holysheep_core import ConfigurationError
from holysheep_core.integrations.parts import note_left_out
from holysheep_core.integrations.turns import warn_once

_MARKS = ("cache_control", "prompt_cache_breakpoint")
"""Marks of the place up to which a server caches the prompt."""
_MADE = (ImageBlock, AudioBlock, VideoBlock, DocumentBlock)
"""Blocks that a server takes from a user only."""
_USUAL_TTL = "5m"
_OFFICE = "application/vnd.openxmlformats-officedocument"
_BY_ENDING = {
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".text": "text/plain",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".html": "text/html",
    ".htm": "text/html",
    ".xml": "text/xml",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".rtf": "application/rtf",
    ".epub": "application/epub+zip",
    ".doc": "application/msword",
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
}


def content_of(message: ChatMessage) -> str | list[dict[str, Any]]:
    """Return a message's content: a string for one text block, else a list of content parts.

    Raises:
        ConfigurationError: A block is none that chat/completions accepts. In a tool's message,
            whose content its user may not choose, a sentence about the block stands in its place.
    """
    parts: list[dict[str, Any]] = []
    for block in message.blocks:
        if getattr(block, "block_type", "") == "cache":
            _mark(parts, {"cache_control": _cache_control(block)}, message)
        elif (part := _part(message, block)) is not None:
            parts.append(part)
    given = {k: message.additional_kwargs[k] for k in _MARKS if message.additional_kwargs.get(k)}
    if given:
        _mark(parts, given, message)
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        text: str = parts[0]["text"]
        return text
    return parts or ""


def _mark(parts: list[dict[str, Any]], marks: dict[str, Any], message: ChatMessage) -> None:
    if parts:
        parts[-1] = parts[-1] | {k: v for k, v in marks.items() if k not in parts[-1]}
    else:
        warn_once(
            f"A cache point in a {message.role.value} message is left out: it needs text or media "
            "before it."
        )


def _cache_control(block: Any) -> dict[str, Any]:
    control = block.cache_control
    ttl = getattr(control, "ttl", _USUAL_TTL)
    return {"type": control.type, **({} if ttl == _USUAL_TTL else {"ttl": ttl})}


def _part(message: ChatMessage, block: Any) -> dict[str, Any] | None:
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    if isinstance(block, ToolCallBlock):
        return None  # tool calls have a field of their own
    if message.role in (MessageRole.ASSISTANT, MessageRole.CHATBOT, MessageRole.MODEL):
        _note_of_assistant(block)
        return None
    if isinstance(block, ThinkingBlock):
        warn_once(
            f"Thinking in a {message.role.value} message is left out: only an assistant's message "
            "can have it."
        )
        return None
    try:
        return _media(message, block)
    except ConfigurationError as error:
        if message.role is not MessageRole.TOOL:
            raise
        warn_once(str(error))
        return {"type": "text", "text": f"(Left out: a block of type {block.block_type!r}.)"}


def _note_of_assistant(block: Any) -> None:
    """Log that a block of an answer is not sent back, if it says more than text and calls do."""
    if isinstance(block, _MADE):
        note_left_out(block.block_type)
    elif not isinstance(block, (ThinkingBlock, CitationBlock)):
        note_left_out(getattr(block, "block_type", type(block).__name__))


def _media(message: ChatMessage, block: Any) -> dict[str, Any]:
    if message.role is MessageRole.SYSTEM and isinstance(block, _MADE):
        raise ConfigurationError(
            f"A system message can hold text only, not {block.block_type}; send it in a user "
            "message."
        )
    _check_source(block)
    if isinstance(block, ImageBlock):
        detail = {"detail": block.detail} if block.detail else {}
        return {"type": "image_url", "image_url": {"url": _image_url(block), **detail}}
    if isinstance(block, AudioBlock):
        data = block.resolve_audio(as_base64=True).read().decode()
        return {"type": "input_audio", "input_audio": {"data": data, "format": block.format}}
    if isinstance(block, DocumentBlock):
        data = _bytes(block)
        data_url = _data_url(_type_of(block, data), data)
        return {"type": "file", "file": {"filename": block.title, "file_data": data_url}}
    raise ConfigurationError(
        f"A {type(block).__name__} cannot be sent in a chat completion; "
        "send text, images, audio or documents."
    )


_DATA = {ImageBlock: "image", AudioBlock: "audio", DocumentBlock: "data"}
"""Block -> its field for bytes."""


def _check_source(block: Any) -> None:
    data = next((name for cls, name in _DATA.items() if isinstance(block, cls)), None)
    if data and not any(getattr(block, name) for name in ("url", "path", data)):
        raise ConfigurationError(
            f"{type(block).__name__} without a source: needs url=…, path=… or {data}=…."
        )


def _bytes(block: DocumentBlock) -> bytes:
    return bytes(block.resolve_document().read())


def _type_of(block: DocumentBlock, data: bytes) -> str:
    """Return the MIME type of a document; LlamaIndex knows only types that have magic bytes."""
    if block.document_mimetype:
        return block.document_mimetype
    names = (str(name) for name in (block.path, block.url, block.title) if name)
    by_name = next((found for name in names if (found := _type_by_name(name))), None)
    if by_name:
        return by_name
    if data.lstrip()[:5] == b"%PDF-":
        return "application/pdf"
    try:
        data.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain"


def _type_by_name(name: str) -> str | None:
    """Return the MIME type that a file's name or address says; None if it says none.

    Not from the system's tables, which differ from machine to machine.
    """
    ending = PurePosixPath(urlsplit(name).path).suffix.lower()
    return _BY_ENDING.get(ending)


def _image_url(block: ImageBlock) -> str:
    if block.url:
        return str(block.url)
    data = block.resolve_image(as_base64=True).read().decode()
    return f"data:{block.image_mimetype or 'image/png'};base64,{data}"


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{b64encode(data).decode()}"
