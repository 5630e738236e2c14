"""LangChain's cache, without answers of another model than the one asked for.

LangChain stores an answer under the request. If a rate limit made a smaller model answer, that
answer would be given for the larger one's long after the limit is over.
"""

from __future__ import annotations

from typing import Any

from langchain_core.caches import RETURN_VAL_TYPE, BaseCache
from langchain_core.outputs import ChatGeneration


class OnlyAskedModel(BaseCache):
    """Passes all answers to a cache but those of a fallback model.

    Args:
        cache: Where answers are kept.
    """

    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache

    def lookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Look up an answer."""
        return self._cache.lookup(prompt, llm_string)

    def update(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep an answer, if the model asked for gave it."""
        if not _is_downgraded(return_val):
            self._cache.update(prompt, llm_string, return_val)

    def clear(self, **kwargs: Any) -> None:
        """Forget all."""
        self._cache.clear(**kwargs)

    async def alookup(self, prompt: str, llm_string: str) -> RETURN_VAL_TYPE | None:
        """Look up an answer."""
        return await self._cache.alookup(prompt, llm_string)

    async def aupdate(self, prompt: str, llm_string: str, return_val: RETURN_VAL_TYPE) -> None:
        """Keep an answer, if the model asked for gave it."""
        if not _is_downgraded(return_val):
            await self._cache.aupdate(prompt, llm_string, return_val)

    async def aclear(self, **kwargs: Any) -> None:
        """Forget all."""
        await self._cache.aclear(**kwargs)


def _is_downgraded(generations: RETURN_VAL_TYPE) -> bool:
    return any(
        generation.message.response_metadata.get("resilience", {}).get("downgrades")
        for generation in generations
        if isinstance(generation, ChatGeneration)
    )
