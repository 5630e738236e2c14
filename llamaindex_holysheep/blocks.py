"""Parts of an answer as LlamaIndex's blocks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from llama_index.core.base.llms.types import (
    AudioBlock,
    CitationBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
)

from holysheep_core import Part
from holysheep_core.integrations.parts import by_field, citation_of, media_of


def thinking_blocks(reasoning: str, parts: Iterable[Part]) -> list[Any]:
    """Return the block of reasoning; what a server attached to it is in `additional_information`.

    Args:
        reasoning: The text of it.
        parts: The parts of the answer.
    """
    extra = by_field(tuple(part for part in parts if part.kind == "reasoning"))
    if not reasoning and not extra:
        return []
    return [ThinkingBlock(content=reasoning, additional_information=extra)]


def media_blocks(parts: Iterable[Part]) -> list[Any]:
    """Return images, audio and citations as blocks; LlamaIndex has none for other parts."""
    return [block for part in parts if (block := _block(part)) is not None]


def _block(part: Part) -> Any:
    if part.kind == "citation":
        return _citation(part)
    media = media_of(part) if part.kind in ("image", "audio") else None
    if media is None:
        return None
    data = _decoded(media.data)
    if media.data and not data:
        return None  # no base64: it is in `raw` alone
    source: dict[str, Any] = {"url": media.url} if media.url else {part.kind: data}
    if part.kind == "image":
        return ImageBlock(**source, image_mimetype=media.mime_type or None)
    return AudioBlock(**source, format=media.mime_type.partition("/")[2] or None)


def _citation(part: Part) -> CitationBlock:
    cited = citation_of(part)
    places = {"start_index": cited.start, "end_index": cited.end}
    return CitationBlock(
        cited_content=TextBlock(text=cited.text),
        source=cited.url,
        title=cited.title,
        additional_location_info={k: v for k, v in places.items() if v is not None},
    )


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return b""
