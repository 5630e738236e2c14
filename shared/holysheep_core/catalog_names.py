"""Variants of a model's name: in upper case, with a provider before it, with a date after it."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A day, as OpenAI, Anthropic and Vertex AI write it, or the snapshot of today. Nothing else is cut
# off: "-mini", "-preview" and "-thinking" are other models.
_SNAPSHOT = re.compile(r"[-@](?:20\d\d-\d\d-\d\d|20\d{6}|latest)$")
_FINE_TUNED = "ft:"


def lookup_key(name: str) -> str:
    """Return what is equal for the spellings of one name: case, and dot or hyphen, do not matter.

    >>> lookup_key("Claude-Sonnet-4.5")
    'claude-sonnet-4-5'
    """
    return name.strip().lower().replace(".", "-")


def lookup_keys(name: str) -> Iterator[str]:
    """Yield the keys under which a table may have a model, the most exact first.

    A fine-tuned model has prices of its own, and is only found under its own name.

    >>> list(lookup_keys("openai/GPT-4.1-2025-04-14"))
    ['openai/gpt-4-1-2025-04-14', 'openai/gpt-4-1', 'gpt-4-1-2025-04-14', 'gpt-4-1']
    """
    key = lookup_key(name)
    yield key
    if _FINE_TUNED in key:
        return
    bare = _SNAPSHOT.sub("", key)
    while True:
        if key != bare:
            yield bare
        _, slash, key = key.partition("/")
        if not slash:
            return
        yield key
        bare = _SNAPSHOT.sub("", key)
