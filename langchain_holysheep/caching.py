"""LangChain's cache, without the answers of fallback models, and with a mark on what it returns.

LangChain stores an answer under the request. An answer of a fallback model would be returned for
the requested model long after the rate limit is over. An answer of the cache has the history of the
call that made it; its price was paid then.
"""

from __future__ import annotations

from typing import Any

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.outputs import ChatGeneration, Generation


class OnlyAskedModel(BaseCache):
    """A cache that does not store the answers of fallback models, and marks those it returns.

    Args:
        cache: The cache that stores all other answers.
    """

    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the stored answer, or None."""
        return _marked(self._cache.lookup(prompt, llm_string))

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Store an answer, unless a fallback model gave it."""
        if not _is_downgraded(return_val):
            self._cache.update(prompt, llm_string, return_val)

    def clear(self, **kwargs: Any) -> None:
        """Delete all answers."""
        self._cache.clear(**kwargs)

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Return the stored answer, or None."""
        return _marked(await self._cache.alookup(prompt, llm_string))

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Store an answer, unless a fallback model gave it."""
        if not _is_downgraded(return_val):
            await self._cache.aupdate(prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Delete all answers."""
        await self._cache.aclear(**kwargs)


def _is_downgraded(generations: RETURN_VAL_TYPE) -> bool:
    return any(
        generation.message.response_metadata.get("resilience", {}).get("downgrades")
        for generation in generations
        if isinstance(generation, ChatGeneration)
    )


def _marked(found: RETURN_VAL_TYPE | None) -> RETURN_VAL_TYPE | None:
    """Return answers that say they cost nothing now, as LangChain's `total_cost` does.

    They are copies: a cache in memory returns the very objects that it stores.
    """
    return found and [_costless(generation) for generation in found]


def _costless(generation: Generation) -> Generation:
    message = getattr(generation, "message", None)
    metadata = getattr(message, "response_metadata", {})
    history = metadata.get("resilience")
    if message is None or not isinstance(history, dict):
        return generation
    now = {**metadata, "resilience": {**history, "cost_usd": 0.0, "from_cache": True}}
    copied = message.model_copy(update={"response_metadata": now})
    return generation.model_copy(update={"message": copied})
