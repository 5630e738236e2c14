"""Parts of an answer as LangChain's standard content blocks.

`message.content` stays a string; the parts are in `additional_kwargs`, under the names that
servers give them. `message.content_blocks` has them as blocks, by the translator that is
registered here for LangChain to find.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import ContentBlock

from holysheep_core import Part
from holysheep_core.integrations.parts import citation_of, kind_of, media_of, reasoning_of

PROVIDER = "holysheep"
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
    register_translator(PROVIDER, _translate, _translate)


def _translate(message: AIMessage) -> list[ContentBlock]:
    parts = list(_parts(message.additional_kwargs))
    refusal = message.additional_kwargs.get("refusal")
    if not parts and not refusal:
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
    if refusal and not any(block["type"] == "refusal" for block in blocks):
        blocks.insert(at, {"type": "refusal", "refusal": str(refusal)})
    media = [_medium(part) for part in parts if part.kind not in ("reasoning", "citation")]
    return [*blocks[:at], *media, *blocks[at:]]


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
