"""Answers that are generated without a reader, and what can be asked and done about any answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from functools import partial
from typing import Any

from holysheep_core.client.calls import Stream
from holysheep_core.client.request_check import check_request
from holysheep_core.client.requests import Requests, named
from holysheep_core.errors import AnswerInUseError, HolySheepError
from holysheep_core.journal import opening as journals
from holysheep_core.journal.opening import Opening
from holysheep_core.journal.status import AnswerStatus
from holysheep_core.journal.writer import AnswerWriter
from holysheep_core.process import Workers
from holysheep_core.types import ChatRequest, Completion, Delta

_log = logging.getLogger("holysheep")
_AT_ONCE = 16
"""Answers that are generated at a time by the threads, or the tasks of a loop, of one client."""


class Detached(Requests):
    """Answers in a journal that need no reader."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._threads = Workers("holysheep-answers", _AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing: set[AnswerWriter] = set()  # those of the threads

    def start_request(self, request: ChatRequest) -> str:
        """Generate an answer in a thread; return its `call_id` at once."""
        check_request(request)
        request, journal = named(request), journals.required(self._journal)
        try:
            opening = journals.begin(journal, request)
        except AnswerInUseError:  # it is generated already, which is what was asked for
            return request.call_id
        self._generate(opening)
        return request.call_id

    async def astart_request(self, request: ChatRequest) -> str:
        """Like `start_request`, in a task of the running loop."""
        check_request(request)
        request, journal = named(request), journals.required(self._journal)
        try:
            opening = await journals.abegin(journal, request)
        except AnswerInUseError:
            return request.call_id
        self._generate_soon(opening)
        return request.call_id

    def take_up(self, call_id: str) -> bool:
        """Generate the rest of an orphaned answer in a thread.

        Returns:
            False if another process writes it, it is complete, or a user stopped it.

        Raises:
            ConfigurationError: The handler has no journal.
            JournalError: There is no such answer, or the journal does not answer.
        """
        opening = journals.take_up(journals.required(self._journal), call_id)
        if opening is not None:
            self._generate(opening)
        return opening is not None

    async def atake_up(self, call_id: str) -> bool:
        """Like `take_up`, in a task of the running loop."""
        opening = await journals.atake_up(journals.required(self._journal), call_id)
        if opening is not None:
            self._generate_soon(opening)
        return opening is not None

    def _generate_soon(self, opening: Opening) -> None:
        task = asyncio.create_task(self._agenerate(opening), name="holysheep-answer")
        self._tasks.add(task)  # the loop holds tasks weakly
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Close all connections that the running loop can close, and stop background threads.

        Answers that tasks of this loop generate are left to the next process.
        """
        # Before the connections: a call that loses its client would end as a failure.
        loop = asyncio.get_running_loop()
        tasks = [task for task in self._tasks if task.get_loop() is loop]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().aclose()

    def close(self) -> None:
        """Close the connections of sync calls, and stop background threads.

        Answers that threads generate are left to the next process.
        """
        # Before the connections: a call that loses its client would end as a failure.
        for entry in tuple(self._writing):
            entry.leave_to_others()
        super().close()

    def _generate(self, opening: Opening) -> None:
        if opening.whole:
            return
        run, entry = self._calls.run(lambda: opening, None, None, None), opening.entry

        def exhaust() -> None:
            try:
                _exhaust(run, opening.request.call_id)
            finally:
                if entry is not None:
                    self._writing.discard(entry)

        if entry is not None:
            self._writing.add(entry)
        self._threads.submit(exhaust)

    async def _agenerate(self, opening: Opening) -> None:
        async def begin() -> Opening:
            return opening

        call_id = opening.request.call_id
        async with aclosing(self._calls.arun(begin, None, None, None)) as deltas:
            try:
                async for _ in deltas:
                    pass
            except HolySheepError as error:
                _log.warning(_ENDED, call_id, error)

    # -- what can be asked and done about any answer ----------------------------------------

    def stop(self, call_id: str) -> bool:
        """Stop an answer, whichever process generates it; what has come stays in the journal.

        Its connection is closed within a second.

        Returns:
            False if it was complete already.

        Raises:
            ConfigurationError: The handler has no journal.
            JournalError: There is no such answer, or the journal does not answer.
        """
        return journals.required(self._journal).stop(call_id)

    async def astop(self, call_id: str) -> bool:
        """Like `stop`, for asyncio."""
        journal = journals.required(self._journal)
        return await journal.workers.run(partial(journal.stop, call_id))

    def status(self, call_id: str) -> AnswerStatus:
        """Return who generates an answer, or how it ended.

        Raises:
            ConfigurationError: The handler has no journal.
            JournalError: There is no such answer, or the journal does not answer.
        """
        return journals.required(self._journal).status(call_id)

    async def astatus(self, call_id: str) -> AnswerStatus:
        """Like `status`, for asyncio."""
        journal = journals.required(self._journal)
        return await journal.workers.run(partial(journal.status, call_id))

    def unfinished(self) -> list[str]:
        """Return the `call_id`s of incomplete answers that no process is writing.

        Raises:
            ConfigurationError: The handler has no journal.
        """
        return journals.required(self._journal).unfinished()

    def follow_deltas(
        self, call_id: str, *, offset: int = 0, idle: float | None = None
    ) -> Generator[Delta | Completion, None, None]:
        """Like `StreamingRetryHandler.follow`, as deltas followed by the completion.

        Args:
            call_id: The `call_id` of the call.
            offset: Characters of text the reader has already; they are not yielded again.
            idle: Seconds in which nothing came, after which an empty `Delta` is yielded.
        """
        return journals.follow(journals.required(self._journal), call_id, offset, idle)

    def afollow_deltas(
        self, call_id: str, *, offset: int = 0, idle: float | None = None
    ) -> AsyncGenerator[Delta | Completion, None]:
        """Like `follow_deltas`, for asyncio."""
        return journals.afollow(journals.required(self._journal), call_id, offset, idle)


_ENDED = "The answer %r ended with an error: %s"


def _exhaust(stream: Stream, call_id: str) -> None:
    with closing(stream) as deltas:
        try:
            for _ in deltas:
                pass
        except HolySheepError as error:  # it is in the journal, for whoever asks
            _log.warning(_ENDED, call_id, error)
