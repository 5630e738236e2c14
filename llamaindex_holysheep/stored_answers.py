"""Answers of a journal: started without a reader, followed, resumed, stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, ChatResponseAsyncGen, ChatResponseGen

from holysheep_core import AnswerStatus
from holysheep_core.integrations import IfExists, Owned
from llamaindex_holysheep.calls import Call, agrow, grow
from llamaindex_holysheep.closing import aclosing_all, closing_all
from llamaindex_holysheep.messages import checked
from llamaindex_holysheep.structured import StructuredPrediction


class StoredAnswers(StructuredPrediction):
    """Adds to a model what can be done with the answers of its journal."""

    model_config = StructuredPrediction.model_config

    def start_chat(
        self,
        messages: Sequence[ChatMessage],
        *,
        call_id: str = "",
        if_exists: IfExists = "error",
        **kwargs: Any,
    ) -> str:
        """Generate an answer in the background, into the journal; return its `call_id` at once.

        Readers come and go with `follow_stream_chat`; `stop_answer` ends it from any process.
        LlamaIndex's callbacks and `on_token` have no part in it; `on_event`, observers and the
        event log have. A `rate_limiter` is waited for once, before.

        Args:
            messages: The conversation.
            call_id: A unique name for the answer; generated if empty.
            if_exists: What to do if the journal has an answer of this name: "error", or "resume" if
                the same answer is meant, so that it is generated once.
            **kwargs: Further fields of the request; `tools` in the OpenAI format.

        Raises:
            AnswerExistsError: The journal has an answer of this name.
            ConfigurationError: The request is invalid, or the model has no journal.
            JournalError: The journal does not answer, or has another request's answer.
        """
        return Call(self).start_chat(
            checked(messages), call_id=call_id, if_exists=if_exists, **kwargs
        )

    async def astart_chat(
        self,
        messages: Sequence[ChatMessage],
        *,
        call_id: str = "",
        if_exists: IfExists = "error",
        **kwargs: Any,
    ) -> str:
        """Like `start_chat`, in a task of the running loop; if the loop ends, resume the answer."""
        return await Call(self).astart_chat(
            checked(messages), call_id=call_id, if_exists=if_exists, **kwargs
        )

    def follow_stream_chat(self, call_id: str, *, offset: int = 0) -> ChatResponseGen:
        """Stream an answer of the journal while it is generated, by any process, or afterwards.

        Any number of readers may do so. Nothing is requested. The last response has the metadata.

        Args:
            call_id: The name of the answer, from `start_chat`, or that of another call.
            offset: Characters of text the reader has already; neither deltas nor messages
                contain them.

        Raises:
            AnswerStoppedError: It was stopped; what had come was yielded.
            ConfigurationError: The model has no journal.
            JournalError: The journal has no such answer, or it is incomplete and no process writes
                it: `resume_stream_chat` it.
        """
        deltas = self._handler.follow_deltas(call_id, offset=offset)
        return closing_all(grow(deltas), [deltas])

    async def afollow_stream_chat(self, call_id: str, *, offset: int = 0) -> ChatResponseAsyncGen:
        """Like `follow_stream_chat`, for asyncio."""
        deltas = Owned(self._handler.afollow_deltas(call_id, offset=offset))
        return aclosing_all(agrow(deltas), [deltas])

    def resume_stream_chat(
        self, call_id: str, *, offset: int = 0, seen: str | None = None
    ) -> ChatResponseGen:
        """Resume an answer of the journal: yield its stored text, then the rest, whole and once.

        Args:
            call_id: The `call_id` of the first call: `llm.stream_chat(…, call_id="story-17")`.
            offset: Characters of text the reader has already; neither deltas nor messages
                contain them.
            seen: The text the reader has already, instead of `offset`; may be longer than the
                journal's.

        Raises:
            AnswerInUseError: Another process is writing the answer; `follow_stream_chat` it.
            ConfigurationError: The model has no journal.
            JournalError: The journal has no such answer, or another text than `seen`.
            HolySheepError: While iterating, if the answer cannot be completed.
        """
        deltas = self._handler.stream_again(
            call_id, offset=offset, seen=seen, on_token=self.on_token
        )
        return closing_all(grow(deltas), [deltas])

    async def aresume_stream_chat(
        self, call_id: str, *, offset: int = 0, seen: str | None = None
    ) -> ChatResponseAsyncGen:
        """Like `resume_stream_chat`, for asyncio."""
        deltas = Owned(
            self._handler.astream_again(call_id, offset=offset, seen=seen, on_token=self.on_token)
        )
        return aclosing_all(agrow(deltas), [deltas])

    def stop_answer(self, call_id: str) -> bool:
        """Stop an answer, whichever process generates it; what has come stays in the journal.

        Its connection is closed within a second. (`stop` of the model are its stop sequences.)

        Returns:
            False if it was complete already.

        Raises:
            ConfigurationError: The model has no journal.
            JournalError: There is no such answer, or the journal does not answer.
        """
        return self._handler.stop(call_id)

    async def astop_answer(self, call_id: str) -> bool:
        """Like `stop_answer`, for asyncio."""
        return await self._handler.astop(call_id)

    def answer_status(self, call_id: str) -> AnswerStatus:
        """Return who generates an answer, or how it ended.

        Raises:
            ConfigurationError: The model has no journal.
            JournalError: There is no such answer, or the journal does not answer.
        """
        return self._handler.status(call_id)

    async def aanswer_status(self, call_id: str) -> AnswerStatus:
        """Like `answer_status`, for asyncio."""
        return await self._handler.astatus(call_id)
