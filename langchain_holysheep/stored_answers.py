"""Answers of a journal: started without a reader, followed, resumed, stopped."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import aclosing, closing
from dataclasses import replace
from typing import Any, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessageChunk
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from holysheep_core import AnswerStatus, ChatRequest, Completion, Delta
from holysheep_core.integrations import IfExists, Owned
from langchain_holysheep.bound import BoundModel
from langchain_holysheep.call_names import named
from langchain_holysheep.failures import as_langchains
from langchain_holysheep.requests import Requests
from langchain_holysheep.schemas import tool_of
from langchain_holysheep.serialization import register
from langchain_holysheep.streams import achunks_of, chunks_of

register(BoundModel)


class StoredAnswers(Requests):
    """Adds to a model what can be done with the answers of its journal."""

    def start(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        *,
        call_id: str = "",
        if_exists: IfExists = "error",
        config: RunnableConfig | None = None,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Generate an answer in the background, into the journal; return its `call_id` at once.

        Readers come and go with `follow_stream`; `stop_answer` ends it from any process. It is no
        run: callbacks, traces, `on_token` and the cache have no part in it; `on_event`, observers
        and the event log have. A `rate_limiter` is waited for before.

        Args:
            input: As for `invoke`: a string, messages, or a prompt's value.
            call_id: A unique name for the answer; generated if empty.
            if_exists: What to do if the journal has an answer of this name: "error", or "resume" if
                the same answer is meant, so that it is generated once.
            config: Its tags count, and its `metadata["holysheep_call_id"]` is the name if `call_id`
                is empty.
            stop: Sequences at which the model stops, in place of the model's own.
            **kwargs: Further fields of the request. `tools` and `tool_choice` may be what
                `bind_tools` takes. `llm.bind_tools(…).start(…)` works too.

        Raises:
            AnswerExistsError: The journal has an answer of this name.
            ConfigurationError: The request is invalid, or the model has no journal.
            JournalError: The journal does not answer, or has another request's answer.
        """
        kwargs |= {"call_id": call_id, "if_exists": if_exists}
        request = self._to_start(input, config, stop, kwargs)
        if self.rate_limiter is not None:
            self.rate_limiter.acquire(blocking=True)
        with as_langchains():
            return self._handler.start_request(request)

    async def astart(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        *,
        call_id: str = "",
        if_exists: IfExists = "error",
        config: RunnableConfig | None = None,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Like `start`, in a task of the running loop; if the loop ends, `resume_stream` it."""
        kwargs |= {"call_id": call_id, "if_exists": if_exists}
        request = self._to_start(input, config, stop, kwargs)
        if self.rate_limiter is not None:
            await self.rate_limiter.aacquire(blocking=True)
        with as_langchains():
            return await self._handler.astart_request(request)

    def _to_start(
        self,
        given: LanguageModelInput,
        config: RunnableConfig | None,
        stop: list[str] | None,
        kwargs: dict[str, Any],
    ) -> ChatRequest:
        kwargs = named(config, kwargs)
        if kwargs.get("tools") is not None:
            kwargs["tools"] = [tool_of(tool) for tool in kwargs["tools"]] or None
        messages = self._convert_input(given).to_messages()
        tags = ensure_config(config).get("tags") or ()
        return replace(self._request(messages, stop, tags, kwargs), detached=True)

    def follow_stream(self, call_id: str, *, offset: int = 0) -> Iterator[AIMessageChunk]:
        """Stream an answer of the journal while it is generated, by any process, or afterwards.

        Any number of readers may do so. Nothing is requested. The last chunk has the metadata.

        Args:
            call_id: The name of the answer, from `start`, or that of another call.
            offset: Characters of text the reader has already; they are not yielded again.

        Raises:
            AnswerStoppedError: It was stopped; what had come was yielded.
            ConfigurationError: The model has no journal.
            JournalError: The journal has no such answer, or it is incomplete and no process writes
                it: `resume_stream` it.
        """
        deltas = self._handler.follow_deltas(call_id, offset=offset)
        with closing(self._messages(deltas)) as messages:
            yield from messages

    async def afollow_stream(
        self, call_id: str, *, offset: int = 0
    ) -> AsyncGenerator[AIMessageChunk, None]:
        """Like `follow_stream`, for asyncio."""
        deltas = self._handler.afollow_deltas(call_id, offset=offset)
        async with aclosing(Owned(self._amessages(deltas))) as messages:
            async for message in messages:
                yield message

    def resume_stream(
        self, call_id: str, *, offset: int = 0, seen: str | None = None
    ) -> Iterator[AIMessageChunk]:
        """Resume an answer of the journal: yield its stored text, then the rest, whole and once.

        Args:
            call_id: The `call_id` of the first call: `llm.stream("…", call_id="story-17")`.
            offset: Characters of text the reader has already; they are not yielded again.
            seen: The text the reader has already, instead of `offset`; may be longer than the
                journal's.

        Raises:
            AnswerInUseError: Another process is writing the answer; `follow_stream` it.
            ConfigurationError: The model has no journal.
            JournalError: The journal has no such answer, or another text than `seen`.
            HolySheepError: While iterating, if the answer cannot be completed.
        """
        deltas = self._handler.stream_again(
            call_id, offset=offset, seen=seen, on_token=self.on_token
        )
        with closing(self._messages(deltas)) as messages:
            yield from messages

    async def aresume_stream(
        self, call_id: str, *, offset: int = 0, seen: str | None = None
    ) -> AsyncGenerator[AIMessageChunk, None]:
        """Like `resume_stream`, for asyncio."""
        deltas = self._handler.astream_again(
            call_id, offset=offset, seen=seen, on_token=self.on_token
        )
        async with aclosing(Owned(self._amessages(deltas))) as messages:
            async for message in messages:
                yield message

    def stop_answer(self, call_id: str) -> bool:
        """Stop an answer, whichever process generates it; what has come stays in the journal.

        Its connection is closed within a second. (`stop` of the model are its stop sequences.)

        Returns:
            False if it was complete already.

        Raises:
            ConfigurationError: The model has no journal.
            JournalError: There is no such answer, or the journal does not answer.
        """
        with as_langchains():
            return self._handler.stop(call_id)

    async def astop_answer(self, call_id: str) -> bool:
        """Like `stop_answer`, for asyncio."""
        with as_langchains():
            return await self._handler.astop(call_id)

    def answer_status(self, call_id: str) -> AnswerStatus:
        """Return who generates an answer, or how it ended.

        Raises:
            ConfigurationError: The model has no journal.
            JournalError: There is no such answer, or the journal does not answer.
        """
        with as_langchains():
            return self._handler.status(call_id)

    async def aanswer_status(self, call_id: str) -> AnswerStatus:
        """Like `answer_status`, for asyncio."""
        with as_langchains():
            return await self._handler.astatus(call_id)

    # -- inside -----------------------------------------------------------------------------

    def _messages(
        self, deltas: Generator[Delta | Completion, None, None]
    ) -> Generator[AIMessageChunk, None, None]:
        with closing(chunks_of(deltas, {}, with_usage=self.stream_usage)) as chunks:
            for chunk in chunks:
                yield self._shown(chunk.message)

    async def _amessages(
        self, deltas: AsyncGenerator[Delta | Completion, None]
    ) -> AsyncGenerator[AIMessageChunk, None]:
        async with aclosing(Owned(achunks_of(deltas, {}, with_usage=self.stream_usage))) as chunks:
            async for chunk in chunks:
                yield self._shown(chunk.message)

    def _shown(self, message: Any) -> AIMessageChunk:
        """Return a message in the model's `output_version`, as LangChain's `stream` does."""
        if self.output_version == "v1":
            version = {**message.response_metadata, "output_version": "v1"}
            blocks = {"content": message.content_blocks, "response_metadata": version}
            message = message.model_copy(update=blocks)
        return cast("AIMessageChunk", message)

    # -- bindings ---------------------------------------------------------------------------

    def bind(self, **kwargs: Any) -> BoundModel:
        """Return the model with keywords that every call gets, such as `call_id` or `stop`."""
        return BoundModel(bound=self, kwargs=kwargs, config={})

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> BoundModel:
        """Return the model with a config that every call gets."""
        merged = cast("RunnableConfig", {**(config or {}), **kwargs})
        return BoundModel(bound=self, config=merged, kwargs={})
