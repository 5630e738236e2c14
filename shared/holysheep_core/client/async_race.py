"""Sends a request, and a second one if the first has no content in time. Its twin is `race`.

Each of the two is a task until its first content, or its failure. The reader's task waits for both;
whichever has content first continues there, with what was read of it, as if it had been alone.
The other one's task is cancelled, which closes its connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

from holysheep_core.client.first_content import POLL, FirstContent, Racer
from holysheep_core.clock import clock
from holysheep_core.engine.actions import Send
from holysheep_core.engine.session import Session
from holysheep_core.transport.body import Response, abody_of, aclosing_response, headers_of

Post = Callable[[Send, Racer], Awaitable[Response]]
Opened = tuple[Response, AsyncIterator[bytes]]


class Runner:
    """One of the two requests, as a task.

    Args:
        post: Sends it.
        action: What to send.
        racer: Its time limits.
    """

    def __init__(self, post: Post, action: Send, racer: Racer) -> None:
        self.racer = racer
        self.has_content = False
        self._post, self._action = post, action
        self._response: Response | None = None
        self._read: list[bytes] = []
        self._body: AsyncIterator[bytes] | None = None
        self._error: Exception | None = None
        self.task = asyncio.create_task(self._run(), name="holysheep-hedge")

    async def _run(self) -> None:
        try:
            response = self._response = await self._post(self._action, self.racer)
            self._body = abody_of(response)
            first = FirstContent(response.status_code, headers_of(response))
            async for data in self._body:
                self._read.append(data)
                if first.is_in(data):
                    self.has_content = True
                    break
        except Exception as error:  # noqa: BLE001 - raised where the answer is read
            self._error = error

    async def lose(self) -> None:
        """Stop the request, and close its response."""
        self.racer.lost = True
        self.task.cancel()
        await asyncio.wait([self.task])
        if self._response is not None:
            async with aclosing_response(self._response):
                pass

    def opened(self) -> Opened:
        """Return the response and its body from the beginning.

        Raises:
            Exception: The request failed before there was a response.
        """
        self.racer.won = True
        if self._response is None:
            raise self._error or RuntimeError("no response")
        return self._response, self._whole()

    async def _whole(self) -> AsyncIterator[bytes]:
        for data in self._read:
            yield data
        if self._error is not None:
            raise self._error
        if self._body is not None:
            async for data in self._body:
                yield data


async def race(session: Session, post: Post, action: Send, seconds: float) -> Opened:
    """Return the response that has content first, or the first one's failure if neither has.

    Args:
        session: The call.
        post: Sends a request within the limits of a `Racer`.
        action: The first request.
        seconds: After which a second one goes out.

    Raises:
        Exception: The first request failed before there was a response.
    """
    hedge_at = clock() + seconds
    async with AsyncExitStack() as undo:
        first = Runner(post, action, Racer(session))
        undo.push_async_callback(first.lose)
        second: Runner | None = None
        running = [first]
        while True:
            runner = await _next(running, hedge_at if second is None else None)
            now = clock()
            if runner is None and second is None and now >= hedge_at:
                other, hedge_at = session.hedge(now), float("inf")
                if other is not None:
                    second = Runner(post, other, Racer(session, later=seconds))
                    undo.push_async_callback(second.lose)
                    running.append(second)
            elif runner is None:
                session.receive_silence(now)
            elif runner.has_content or len(running) == 1:
                break
            else:
                running.remove(runner)
                if runner is second:
                    session.receive_hedge_end(now, won=False)
        winner = runner if runner.has_content else first
        if second is not None:
            session.receive_hedge_end(clock(), won=winner is second)
        undo.pop_all()
        loser = first if winner is second else second
        if loser is not None:
            await loser.lose()
        return winner.opened()


async def _next(running: list[Runner], until: float | None) -> Runner | None:
    wait = POLL if until is None else min(POLL, max(0.0, until - clock()))
    await asyncio.wait(
        [each.task for each in running], timeout=wait, return_when=asyncio.FIRST_COMPLETED
    )
    return next((each for each in running if each.task.done()), None)
