"""Estimates of token counts, where no server said so."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holysheep_core.types import ChatRequest


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a text is, where no server said so.

    About four characters of ASCII make a token, and about one and a half of anything else
    (Korean, Chinese, Japanese); a text that is not empty has at least one.
    """
    if not text:
        return 0
    ascii_characters = len(text) if text.isascii() else sum(c.isascii() for c in text)
    return max(1, round(ascii_characters / 4 + (len(text) - ascii_characters) / 1.5))


def prompt_tokens(request: ChatRequest) -> int:
    """Estimate the tokens of a request's prompt, media not counted."""
    texts: list[str] = []
    for message in request.messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        texts.extend(str(part.get("text") or "") for part in parts if isinstance(part, Mapping))
    tools = request.params.get("tools")
    if tools:
        # What is no JSON is refused when the request is encoded; here it only has a length.
        texts.append(msgspec.json.encode(tools, enc_hook=repr).decode())
    return sum(estimate_tokens(text) + 4 for text in texts)
