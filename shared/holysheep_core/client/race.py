"""Sends a request, and a second one if the first has no content in time. Its twin is `async_race`.

Each of the two has a thread until its first content, or its failure. The reader's thread waits for
both; whichever has content first continues there, with what was read of it, as if it had been the
only one. The other one's thread sees within `_POLL` seconds that it lost, and closes its response.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from queue import Empty, SimpleQueue

from holysheep_core.client.first_content import POLL, FirstContent, Racer
from holysheep_core.clock import clock
from holysheep_core.engine.actions import Send
from holysheep_core.engine.session import Session
from holysheep_core.transport.body import Response, body_of, closing_response, headers_of

Post = Callable[[Send, Racer], Response]
Opened = tuple[Response, Iterator[bytes]]


class Runner:
    """One of the two requests, in a thread.

    Args:
        post: Sends it.
        action: What to send.
        racer: Its time limits.
        done: Is given the runner, once there is content or a failure.
    """

    def __init__(self, post: Post, action: Send, racer: Racer, done: SimpleQueue[Runner]) -> None:
        self.racer = racer
        self.has_content = False
        self._post, self._action, self._done = post, action, done
        self._lock = threading.Lock()
        self._response: Response | None = None
        self._read: list[bytes] = []
        self._body: Iterator[bytes] = iter(())
        self._error: Exception | None = None
        self._is_done = False
        threading.Thread(target=self._run, name="holysheep-hedge", daemon=True).start()

    def _run(self) -> None:
        try:
            response = self._response = self._post(self._action, self.racer)
            self._body = body_of(response)
            first = FirstContent(response.status_code, headers_of(response))
            for data in self._body:
                self._read.append(data)
                if first.is_in(data):
                    self.has_content = True
                    break
        except Exception as error:  # noqa: BLE001 - raised where the answer is read
            self._error = error
        with self._lock:
            self._is_done = True
            lost = self.racer.lost
        if lost:
            self._close()
        else:
            self._done.put(self)

    def lose(self) -> None:
        """Close the response, now or as soon as the thread sees it."""
        with self._lock:
            self.racer.lost = True
            done = self._is_done
        if done:
            self._close()

    def _close(self) -> None:
        if self._response is not None:
            with closing_response(self._response):
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

    def _whole(self) -> Iterator[bytes]:
        yield from self._read
        if self._error is not None:
            raise self._error
        yield from self._body


def race(session: Session, post: Post, action: Send, seconds: float) -> Opened:
    """Return the response that has content first, or the first one's failure if neither has.

    Args:
        session: The call.
        post: Sends a request within the limits of a `Racer`.
        action: The first request.
        seconds: After which a second one goes out.

    Raises:
        Exception: The first request failed before there was a response.
    """
    done: SimpleQueue[Runner] = SimpleQueue()
    hedge_at = clock() + seconds
    with ExitStack() as undo:
        first = Runner(post, action, Racer(session), done)
        undo.callback(first.lose)
        second: Runner | None = None
        running = [first]
        while True:
            runner = _next(done, hedge_at if second is None else None)
            now = clock()
            if runner is None and second is None and now >= hedge_at:
                other, hedge_at = session.hedge(now), float("inf")
                if other is not None:
                    second = Runner(post, other, Racer(session, later=seconds), done)
                    undo.callback(second.lose)
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
            loser.lose()
        return winner.opened()


def _next(done: SimpleQueue[Runner], until: float | None) -> Runner | None:
    wait = POLL if until is None else min(POLL, max(0.0, until - clock()))
    try:
        return done.get(timeout=wait)
    except Empty:
        return None
