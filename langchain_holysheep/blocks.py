"""Parts of an answer as LangChain's standard content blocks.

`message.content` stays a string; the parts are in `additional_kwargs`, under the names that
servers give them. `message.content_blocks` has them as blocks, by the translator that is
registered here for LangChain to find.

A chunk's blocks have an `index` each. LangChain joins blocks of the same index
(`output_version="v1"`), and numbers blocks without one by itself: its number for text is then that
of the first tool call, and one block holds both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import ContentBlock

from holysheep_core import Part
from holysheep_core.integrations.parts import citation_of, kind_of, media_of, reasoning_of
from holysheep_core.integrations.turns import is_filtered

PROVIDER = "holysheep"
NO_OBJECT = "The arguments are no JSON object."
"""What is wrong with an invalid tool call."""
_LISTS = {
    "images": "image",
    "annotations": "citation",
    "sources": "citation",
    "reasoning_details": "reasoning",
    "thinking_blocks": "reasoning",
    "content_parts": "",
}


def register() -> None:
    """Tell LangChain how `content_blocks` of this provider's messages are made."""
    register_translator(PROVIDER, _translate, _translate_chunk)


def _translate(message: AIMessage) -> list[ContentBlock]:
    parts = list(_parts(message.additional_kwargs))
    refusal = _refusal(message)
    if not parts and refusal is None:
        raise NotImplementedError  # LangChain's own way is right for all other messages
    metadata = {k: v for k, v in message.response_metadata.items() if k != "model_provider"}
    plain = message.model_copy(update={"response_metadata": metadata})
    blocks: list[Any] = list(plain.content_blocks)
    thoughts = [part for part in parts if part.kind == "reasoning"]
    if thoughts:
        said = [block for block in blocks if block["type"] == "reasoning"]
        blocks = [block for block in blocks if block["type"] != "reasoning"]
        blocks = [*_reasoning(thoughts, said), *blocks]
    notes = [_citation(part) for part in parts if part.kind == "citation"]
    if notes:
        if not any(block["type"] == "text" for block in blocks):
            blocks.append({"type": "text", "text": ""})
        last = [block for block in blocks if block["type"] == "text"][-1]
        last["annotations"] = [*last.get("annotations", []), *notes]
    calls = [i for i, block in enumerate(blocks) if "tool_call" in block["type"]]
    at = calls[0] if calls else len(blocks)
    if refusal is not None and not any(block["type"] == "refusal" for block in blocks):
        blocks.insert(at, refusal)
    media = [_medium(part) for part in parts if part.kind not in ("reasoning", "citation")]
    return [*blocks[:at], *media, *blocks[at:]]


def _refusal(message: AIMessage) -> dict[str, Any] | None:
    """Return the block of a refusal; a filter that ended an answer is one without words.

    LangChain's blocks of Claude and Gemini do the same, and its middleware for refusals needs it.
    """
    words = message.additional_kwargs.get("refusal")
    if words:
        return {"type": "refusal", "refusal": str(words)}
    reason = message.response_metadata.get("finish_reason")
    if is_filtered(reason):
        return {"type": "refusal", "refusal": "", "extras": {"category": reason}}
    return None


# -- chunks ---------------------------------------------------------------------------------


def _translate_chunk(message: AIMessageChunk) -> list[ContentBlock]:
    content, extra = message.content, message.additional_kwargs
    if not isinstance(content, str):
        raise NotImplementedError  # made by hand
    if message.chunk_position == "last" and (content or message.tool_call_chunks):
        return _translate(message)  # a whole stream, added up
    blocks: list[Any] = []
    if isinstance(extra.get("reasoning_content"), str):
        thought = extra["reasoning_content"]
        blocks.append({"type": "reasoning", "reasoning": thought, "index": _REASONING.format(0)})
    if content:
        blocks.append({"type": "text", "text": content, "index": _TEXT})
    if message.tool_call_chunks:
        blocks += _calls(message)
    if message.chunk_position == "last":
        blocks += _end(message)
    return blocks


_TEXT, _REASONING, _MEDIUM = "lc_text", "lc_reasoning_{}", "lc_part_{}"
"""Indexes of blocks; LangChain joins those that begin with "lc_", and tool calls by a number."""


def _end(message: AIMessageChunk) -> Iterator[dict[str, Any]]:
    """Return the blocks of the last chunk, which has all parts of the answer."""
    parts = list(_parts(message.additional_kwargs))
    thoughts = [part for part in parts if part.kind == "reasoning"]
    for i, block in enumerate(_reasoning(thoughts, [])):
        yield {**block, "index": _REASONING.format(i)}
    notes = [_citation(part) for part in parts if part.kind == "citation"]
    if notes:
        yield {"type": "text", "text": "", "annotations": notes, "index": _TEXT}
    media = [_medium(part) for part in parts if part.kind not in ("reasoning", "citation")]
    for i, block in enumerate(media):
        yield {**block, "index": _MEDIUM.format(i)}
    refusal = _refusal(message)
    if refusal is not None:
        yield {**refusal, "index": "lc_refusal"}


def _calls(message: AIMessageChunk) -> Iterator[dict[str, Any]]:
    """Return the blocks of tool calls; those that are invalid, LangChain would hold as chunks."""
    invalid = {call["id"] for call in message.invalid_tool_calls}
    for call in message.tool_call_chunks:
        block: dict[str, Any] = {"id": call["id"], "name": call["name"], "args": call["args"]}
        if call["id"] in invalid:
            block["args"] = _as_given(call["args"])
            block |= {"error": NO_OBJECT, "index": f"lc_invalid_{call['index']}"}
            yield {"type": "invalid_tool_call", **block}
        else:
            yield {"type": "tool_call_chunk", **block, "index": call["index"]}


def _as_given(arguments: str | None) -> str:
    """Return a model's invalid arguments, of which `chunks` made a JSON string in some cases."""
    try:
        return msgspec.json.decode(arguments or "", type=str)
    except msgspec.DecodeError:
        return arguments or ""


# -- parts ----------------------------------------------------------------------------------


def _parts(extra: dict[str, Any]) -> Iterator[Part]:
    for field, kind in _LISTS.items():
        values = extra.get(field)
        for value in values if isinstance(values, list) else ():
            if isinstance(value, dict):
                name = "content" if field == "content_parts" else field
                yield Part(kind or kind_of(value), name, value)
    if isinstance(extra.get("audio"), dict):
        yield Part("audio", "audio", extra["audio"])


def _reasoning(parts: list[Part], said: list[Any]) -> list[dict[str, Any]]:
    """Return the blocks of reasoning; what a server attached to each is in `extras`.

    The text comes from the parts if it is in them; the last chunk of a stream repeats none of it.
    """
    texts = [reasoning_of(part.value) if said else "" for part in parts]
    blocks = [
        {"type": "reasoning", "reasoning": text, "extras": {part.field: part.value}}
        for part, text in zip(parts, texts, strict=True)
    ]
    return blocks if any(texts) else [*said, *blocks]


def _citation(part: Part) -> dict[str, Any]:
    cited = citation_of(part)
    said = {
        "url": cited.url,
        "title": cited.title,
        "cited_text": cited.text,
        "start_index": cited.start,
        "end_index": cited.end,
    }
    return {"type": "citation", **{k: v for k, v in said.items() if v not in ("", None)}}


def _medium(part: Part) -> dict[str, Any]:
    """Return the block of an image or of audio; a block that no standard knows for the rest."""
    media = media_of(part) if part.kind in ("image", "audio") else None
    if media is None:
        return {"type": "non_standard", "value": part.value}
    block: dict[str, Any] = {"type": part.kind}
    block |= {"base64": media.data} if media.data else {"url": media.url}
    if media.mime_type:
        block["mime_type"] = media.mime_type
    if media.transcript:
        block["extras"] = {"transcript": media.transcript}
    return block
