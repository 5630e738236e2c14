"""LlamaIndex's ordinary class for compatible servers, to compare with; its clients are closed."""

from contextlib import asynccontextmanager

import httpx
from llama_index.llms.openai_like import OpenAILike

from support.calls import MODEL, url_of


@asynccontextmanager
async def openai_like(server, **settings):
    """Yield an `OpenAILike` without retries of its own."""
    with httpx.Client() as client:
        async with httpx.AsyncClient() as async_client:
            yield OpenAILike(
                **{
                    "model": MODEL,
                    "api_base": url_of(server),
                    "api_key": "k",
                    "is_chat_model": True,
                    "is_function_calling_model": True,
                    "max_retries": 0,
                    "http_client": client,
                    "async_http_client": async_client,
                    **settings,
                }
            )
