"""One call of the model, reported to LlamaIndex's callbacks.

LlamaIndex's decorators read three attributes of the decorated object: the callback manager, a
description, and the rate limiter, which they acquire once per call and without tokens. `Call`
replaces the model there, so that the engine acquires the limiter instead: before every request,
with the request's tokens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    MessageRole,
)
from llama_index.core.instrumentation.dispatcher import (  # type: ignore[attr-defined]  # its own re-export
    active_instrument_tags,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from pydantic import BaseModel

from holysheep_core import ChatRequest, Completion, ConfigurationError
from holysheep_core.integrations import Owned, fallbacks_of_call, prompt_tokens
from holysheep_core.integrations.tool_choice import tool_choice_of
from llamaindex_holysheep.closing import AsyncDeltas, Deltas, note
from llamaindex_holysheep.instrumentation import listener
from llamaindex_holysheep.messages import to_wire
from llamaindex_holysheep.responses import GrowingAnswer, as_completion, whole
from llamaindex_holysheep.structured import StructuredPrediction, refuse_refusal
from llamaindex_holysheep.tools import json_schema, names_of

_SAME: Mapping[str, str] = {}


class Call:
    """One call of a model.

    Args:
        llm: The model.
    """

    rate_limiter = None

    def __init__(self, llm: StructuredPrediction) -> None:
        self._llm = llm
        self.callback_manager = llm.callback_manager

    def __getattr__(self, name: str) -> Any:
        return getattr(self._llm, name)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Return the whole answer to a conversation."""
        return self._answer(messages, kwargs)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Like `chat`, for asyncio."""
        return await self._aanswer(messages, kwargs)

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Return the whole answer to a prompt."""
        return as_completion(self._answer([user(prompt)], kwargs))

    @llm_completion_callback()
    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Like `complete`, for asyncio."""
        return as_completion(await self._aanswer([user(prompt)], kwargs))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Stream the answer to a conversation."""
        return self._grow(messages, kwargs)

    @llm_chat_callback()
    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Like `stream_chat`, for asyncio."""
        return self._agrow(messages, kwargs)

    @llm_completion_callback()
    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Stream the answer to a prompt."""
        return (as_completion(response) for response in self._grow([user(prompt)], kwargs))

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Like `stream_complete`, for asyncio."""
        responses = self._agrow([user(prompt)], kwargs)
        return (as_completion(response) async for response in responses)

    # No response comes of these two, so LlamaIndex's callbacks get none.

    def start_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> str:
        """Generate an answer in the background; return its `call_id`."""
        request = replace(self._request(messages, kwargs), detached=True)
        pace = self._pace(request)
        if pace is not None:
            pace()
        return self._llm._handler.start_request(request)

    async def astart_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> str:
        """Like `start_chat`, for asyncio."""
        request = replace(self._request(messages, kwargs), detached=True)
        pace = self._apace(request)
        if pace is not None:
            await pace()
        return await self._llm._handler.astart_request(request)

    # -- the engine -------------------------------------------------------------------------

    def _answer(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponse:
        request = self._request(messages, kwargs)
        pace = self._pace(request)
        completion = self._llm._handler.collect(request, **self._listeners(), pace=pace)
        return self._whole(completion, names_of(kwargs))

    async def _aanswer(
        self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]
    ) -> ChatResponse:
        request = self._request(messages, kwargs)
        pace = self._apace(request)
        completion = await self._llm._handler.acollect(request, **self._listeners(), pace=pace)
        return self._whole(completion, names_of(kwargs))

    def _whole(self, completion: Completion, names: Mapping[str, str]) -> ChatResponse:
        if self._llm._for_structure:
            refuse_refusal(completion)
        return _with_refusal(whole(completion, names), completion)

    def _grow(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseGen:
        request = self._request(messages, kwargs)
        pace = self._pace(request)
        deltas = self._llm._handler.stream(request, **self._listeners(), pace=pace)
        note(deltas)
        return grow(deltas, names_of(kwargs), for_structure=self._llm._for_structure)

    def _agrow(
        self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]
    ) -> ChatResponseAsyncGen:
        request = self._request(messages, kwargs)
        pace = self._apace(request)
        deltas = Owned(self._llm._handler.astream(request, **self._listeners(), pace=pace))
        note(deltas)
        return agrow(deltas, names_of(kwargs), for_structure=self._llm._for_structure)

    def _request(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatRequest:
        further = self._llm.additional_kwargs
        given_here = {**further, **kwargs}
        call_id = given_here.pop("call_id", None) or ""
        if_exists: Any = given_here.pop("if_exists", None)
        fallbacks = fallbacks_of_call(given_here.pop("fallback_models", None))
        given_here.pop("extra_body", None)
        fields = {**self._llm._request_fields, **given_here}
        given = {name: value for name, value in fields.items() if value is not None}
        choice = tool_choice_of(given.pop("tool_choice", None))
        if choice is not None:
            given["tool_choice"] = choice
        # As OpenAI's client merges it: above all other fields, and null is a value. One level is
        # unpacked: a provider's own field may be called extra_body.
        for source in (further, kwargs):
            given |= source.get("extra_body") or {}
        if given.get("max_completion_tokens") is not None:
            given.pop("max_tokens", None)  # the same limit under its other name
        model = given.pop("model", None) or self._llm.model
        wanted = given.get("response_format")
        if isinstance(wanted, type) and issubclass(wanted, BaseModel):
            given["response_format"] = json_schema(wanted, strict=self._llm.strict)
        tags = tuple(f"{name}={value}" for name, value in active_instrument_tags.get().items())
        if_exists = "error" if if_exists is None else if_exists
        return ChatRequest(model, to_wire(messages), given, tags, call_id, fallbacks, if_exists)

    def _listeners(self) -> dict[str, Any]:
        return {"on_token": self._llm.on_token, "on_event": listener()}

    def _pace(self, request: ChatRequest) -> Callable[[], None] | None:
        limiter = getattr(self._llm, "rate_limiter", None)  # older versions of LlamaIndex have none
        if limiter is None:
            return None
        tokens = _tokens(request, limiter)
        return lambda: limiter.acquire(num_tokens=tokens)

    def _apace(self, request: ChatRequest) -> Callable[[], Awaitable[None]] | None:
        limiter = getattr(self._llm, "rate_limiter", None)
        if limiter is None:
            return None
        tokens = _tokens(request, limiter)
        return lambda: limiter.async_acquire(num_tokens=tokens)


def grow(
    deltas: Deltas, names: Mapping[str, str] = _SAME, *, for_structure: bool = False
) -> ChatResponseGen:
    """Yield the responses of a stream.

    Args:
        deltas: The stream.
        names: Name of a tool on the wire -> its own.
        for_structure: Whether a refusal is an error.
    """
    answer = GrowingAnswer(names)
    for delta in deltas:
        if not isinstance(delta, Completion):
            yield answer.add(delta)
            continue
        if for_structure:
            refuse_refusal(delta)
        yield _with_refusal(answer.finish(delta), delta)


async def agrow(
    deltas: AsyncDeltas, names: Mapping[str, str] = _SAME, *, for_structure: bool = False
) -> ChatResponseAsyncGen:
    """Like `grow`, for asyncio."""
    answer = GrowingAnswer(names)
    async for delta in deltas:
        if not isinstance(delta, Completion):
            yield answer.add(delta)
            continue
        if for_structure:
            refuse_refusal(delta)
        yield _with_refusal(answer.finish(delta), delta)


def _with_refusal(response: ChatResponse, completion: Completion) -> ChatResponse:
    """Note a refusal where users, and the next request, find it."""
    if completion.refusal:
        response.message.additional_kwargs["refusal"] = completion.refusal
        response.raw["refusal"] = completion.refusal  # type: ignore[index]  # a `Raw`
    return response


def user(text: str) -> ChatMessage:
    """Return a message with the role "user".

    Raises:
        ConfigurationError: It is no text, of which LlamaIndex would make an empty message.
    """
    if not isinstance(text, str):
        raise ConfigurationError(f"A prompt of type {type(text).__name__}: needs a string.")
    return ChatMessage(role=MessageRole.USER, content=text)


def _tokens(request: ChatRequest, limiter: Any) -> int:
    tokens = prompt_tokens(request)
    # LlamaIndex's limiter would wait for ever for more tokens than its bucket holds.
    most = getattr(limiter, "tokens_per_minute", None)
    return tokens if most is None else min(tokens, int(most))
