"""The frameworks' readers: our models, their peers, and the frameworks' own floors.

A floor is what the framework costs by itself: its public loop over chunks that cost no network
and no decoding. *Ready-made* hands out one chunk again and again; *built* makes a new chunk for
each delta in the cheapest way known, which is what any model has to do.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from llama_index.core.base.llms.types import ChatMessage, ChatResponse
from llama_index.core.llms import CustomLLM, LLMMetadata
from llama_index.core.llms.callbacks import llm_chat_callback
from readers import KEY, AsyncReader, PerUrl, Reader, installed
from server import WORD, word_of

from holysheep_core import Delta
from langchain_holysheep import ChatHolySheep
from langchain_holysheep.chunks import delta_chunk
from llamaindex_holysheep import HolySheep
from llamaindex_holysheep.responses import GrowingAnswer

COALESCED = "ChatHolySheep, coalesce=True, in a chain"
GO = [ChatMessage(role="user", content="go")]


def deltas_of(url: str) -> int:
    """Return how many deltas an address asks for."""
    return int(re.search(r"/\w+-(\d+)", url).group(1))


class Floor(BaseChatModel):
    """LangChain's own loop."""

    url: str
    built: bool

    @property
    def _llm_type(self) -> str:
        return "floor"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs) -> ChatResult:
        raise NotImplementedError

    def _chunks(self) -> Iterator[ChatGenerationChunk]:
        ready = ChatGenerationChunk(message=AIMessageChunk(content=WORD))
        delta = Delta(WORD)
        for _ in range(deltas_of(self.url)):
            yield delta_chunk(delta) if self.built else ready

    def _stream(
        self, messages, stop=None, run_manager=None, **kwargs
    ) -> Iterator[ChatGenerationChunk]:
        yield from self._chunks()

    async def _astream(
        self, messages, stop=None, run_manager=None, **kwargs
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._chunks():
            yield chunk


class IndexFloor(CustomLLM):
    """LlamaIndex's own loop."""

    url: str
    built: bool

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata()

    def complete(self, prompt, formatted=False, **kwargs):
        raise NotImplementedError

    def stream_complete(self, prompt, formatted=False, **kwargs):
        raise NotImplementedError

    def _responses(self) -> Iterator[ChatResponse]:
        answer, delta = GrowingAnswer(), Delta(WORD)
        ready = answer.add(delta)
        for _ in range(deltas_of(self.url)):
            yield answer.add(delta) if self.built else ready

    @llm_chat_callback()
    def stream_chat(self, messages, **kwargs):
        return self._responses()

    @llm_chat_callback()
    async def astream_chat(self, messages, **kwargs):
        async def responses():
            for response in self._responses():
                yield response

        return responses()


def langchain_models() -> dict[str, PerUrl]:
    """Return the chat models compared in LangChain."""
    models = {
        "ChatHolySheep": PerUrl(lambda url: ChatHolySheep(model="m", api_key=KEY, base_url=url)),
        "LangChain floor, built": PerUrl(lambda url: Floor(url=url, built=True)),
        "LangChain floor, ready-made": PerUrl(lambda url: Floor(url=url, built=False)),
    }
    if installed("langchain_openai"):
        from langchain_openai import ChatOpenAI

        models["ChatOpenAI"] = PerUrl(lambda url: ChatOpenAI(model="m", api_key=KEY, base_url=url))
    return models


def coalescing(url: str) -> ChatHolySheep:
    """Return the model that hands out what came in one read as one chunk."""
    return ChatHolySheep(model="m", api_key=KEY, base_url=url, coalesce=True)


def llamaindex_models() -> dict[str, PerUrl]:
    """Return the models compared in LlamaIndex."""
    models = {
        "HolySheep": PerUrl(lambda url: HolySheep(model="gpt-4.1", api_key=KEY, api_base=url)),
        "LlamaIndex floor, built": PerUrl(lambda url: IndexFloor(url=url, built=True)),
        "LlamaIndex floor, ready-made": PerUrl(lambda url: IndexFloor(url=url, built=False)),
    }
    if installed("llama_index.llms.openai_like"):
        from llama_index.llms.openai_like import OpenAILike

        models["OpenAILike"] = PerUrl(
            lambda url: OpenAILike(model="m", api_key=KEY, api_base=url, is_chat_model=True)
        )
    return models


def chained(model: BaseChatModel):
    """Return the chain everybody writes first."""
    return ChatPromptTemplate.from_template("{text}") | model | StrOutputParser()


def sync_readers() -> dict[str, Reader]:
    """Return the readers of sync code."""
    found: dict[str, Reader] = {}
    for name, models in langchain_models().items():
        found[f"{name} .stream"] = lambda url, models=models: sum(
            bool(chunk.content) for chunk in models(url).stream("go")
        )
        chains = PerUrl(lambda url, models=models: chained(models(url)))
        found[f"{name} in a chain"] = lambda url, chains=chains: sum(
            bool(text) for text in chains(url).stream({"text": "go"})
        )
    joined = PerUrl(lambda url: chained(coalescing(url)))
    found[COALESCED] = lambda url: (
        sum(len(text) for text in joined(url).stream({"text": "go"})) // len(word_of(url))
    )
    for name, models in llamaindex_models().items():
        found[f"{name} .stream_chat"] = lambda url, models=models: sum(
            bool(response.delta) for response in models(url).stream_chat(GO)
        )
        if "floor" not in name:
            found[f"{name} .stream_complete"] = lambda url, models=models: sum(
                bool(response.delta) for response in models(url).stream_complete("go")
            )
    return found


def async_readers() -> dict[str, AsyncReader]:
    """Return the readers of asyncio code, for one event loop."""
    found: dict[str, AsyncReader] = {}
    for name, models in langchain_models().items():

        async def astream(url: str, models=models) -> int:
            return sum([bool(chunk.content) async for chunk in models(url).astream("go")])

        chains = PerUrl(lambda url, models=models: chained(models(url)))

        async def chain(url: str, chains=chains) -> int:
            return sum([bool(text) async for text in chains(url).astream({"text": "go"})])

        found[f"{name} .stream"] = astream
        found[f"{name} in a chain"] = chain
    joined = PerUrl(lambda url: chained(coalescing(url)))

    async def coalesced(url: str) -> int:
        texts = [len(text) async for text in joined(url).astream({"text": "go"})]
        return sum(texts) // len(word_of(url))

    found[COALESCED] = coalesced
    for name, models in llamaindex_models().items():

        async def astream_chat(url: str, models=models) -> int:
            stream = await models(url).astream_chat(GO)
            return sum([bool(response.delta) async for response in stream])

        found[f"{name} .stream_chat"] = astream_chat
    return found
