"""One call, from the first request to the whole answer, without any I/O.

A session is told what happened and says what to do. It opens no socket, reads no clock and
draws no random number (`now`, `wall` and `rng` are handed in), so every path through it can be
tested in microseconds, and the sync and the async driver cannot differ in what they decide.

::

    driver                                    session
    next_action(now)                     ->   Admit | Send | Wait | Finish, or raises the error
      on Admit: asks admission control, tells
        receive_throttled(limit, wait, now)   (it has to wait)
        receive_admission(now)                (and asks for the next action, the Send)
        receive_refusal(error, now)
      on Send: opens a connection, tells
        hedge(now)                       ->   a second Send, if `Send.hedge` is over: `hedging`
        receive_hedge_end(won, now)           (one of the two is closed)
        receive_upload(now)                   (the request was sent to its end)
        receive_response(status, headers, now)
        receive_data(bytes, now)         ->   deltas for the reader
        wants_data(now)                  ->   False: close the connection, ask next_action
        receive_silence(now)                  (no bytes for `heartbeat` seconds)
        receive_eof(now)                 ->   deltas (the last bytes of a body may hold some)
        receive_error(error, now)        ->   (the connection failed)
        receive_discarded(reason, now)        (a connection is not used again, at any time)
      again
    close(now)                                (the end, or the reader went away)

`state` has the states and which may follow which; `_to` is the only place that changes
it. A call that the state does not allow is a bug of the driver and raises `SessionStateError`.
`recovery` decides what follows a failure; every failure passes through `_resolve`. One
chunk's way is `receive_data` alone: SSE decoder, wire, stitcher (only while a splice point is
open), transcript.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from holysheep_core import events
from holysheep_core.engine.actions import Admit, Finish, Send, Wait
from holysheep_core.engine.backoff import shortened
from holysheep_core.engine.clocks import Clocks
from holysheep_core.engine.heartbeat import Heartbeat
from holysheep_core.engine.hedging import Hedging
from holysheep_core.engine.ledger import Ledger, Notify
from holysheep_core.engine.outgoing import outgoing
from holysheep_core.engine.pace import Pace
from holysheep_core.engine.recovery import Recovery
from holysheep_core.engine.settings import Settings
from holysheep_core.engine.spend import SpendTracker
from holysheep_core.engine.state import MOVES, SessionStateError, State
from holysheep_core.engine.summary import answer_of, completion_of, record_of
from holysheep_core.errors import (
    HolySheepError,
    InvalidJSONOutputError,
    InvalidToolCallError,
    StreamSlowError,
    StreamStalledError,
)
from holysheep_core.protocol.rate_limit_headers import allowance
from holysheep_core.protocol.response import TextPiece
from holysheep_core.resume.transcript import Transcript
from holysheep_core.routing.routes import FallbackChain
from holysheep_core.types import Attempt, CallRecord, ChatRequest, Completion, Delta

_log = logging.getLogger("holysheep")
_READING = State.READING  # read for every chunk
_OPEN = (State.SENT, State.READING)


class Session:
    """The state of one call.

    Args:
        request: What to ask.
        chain: Where it may be asked.
        settings: The user's settings.
        now: The time on the driver's clock, in seconds.
        notify: Is called with every event, as it happens; must not raise.
        call_id: Marks this call's events.
        wall: Returns Unix time; only for dates in a server's refusal.
        rng: Returns a number from 0 up to 1; only for jitter.
        gated: Ask admission control before each request.
        begun: Text and reasoning that the reader has from an earlier process: resume there.
        heartbeat: Seconds after which the driver looks whether the call was stopped; None for the
            usual time.

    Attributes:
        end: When the total time of the call ends, on the driver's clock; None for never.
        heartbeat: Seconds a driver may wait for bytes before it calls `receive_silence`.
        first_connect: Seconds that a TCP connection to the current route may take; None for the
            usual limit.
    """

    def __init__(
        self,
        request: ChatRequest,
        chain: FallbackChain,
        settings: Settings,
        *,
        now: float,
        notify: Notify = lambda _event: None,
        call_id: str = "",
        wall: Callable[[], float] = time.time,
        rng: Callable[[], float] = random.random,
        gated: bool = False,
        begun: tuple[str, str] = ("", ""),
        heartbeat: float | None = None,
    ) -> None:
        self._settings = settings
        self._wall = wall
        self._gated = gated
        self._clocks = clocks = Clocks(settings.timeouts, now)
        self.end, self.heartbeat = clocks.end, heartbeat or clocks.heartbeat
        self._ledger = Ledger(call_id, now, wall(), notify, settings.catalog)
        self._transcript = Transcript(request, settings.resume, *begun)
        self._recovery = Recovery(chain, settings, self._ledger, self._transcript, now, rng)
        self._hedging = Hedging(
            settings, self._recovery, self._ledger, self._transcript, gated=gated
        )
        self.first_connect: float | None = None
        limit = settings.spend_limit
        self._beat = Heartbeat(clocks, self._ledger)
        self._spend = None if limit is None else SpendTracker(limit, settings.catalog)
        self._exchange = self._recovery.exchange()
        self._state = State.SCHEDULED
        self._outcome: Completion | HolySheepError | None = None
        self._stopped: HolySheepError | None = None

    # -- what the driver asks ---------------------------------------------------------------

    def next_action(self, now: float) -> Admit | Send | Wait | Finish:
        """Say what to do next.

        Raises:
            HolySheepError: The call has failed; the error carries partial and attempts.
        """
        if isinstance(self._outcome, HolySheepError):
            raise self._outcome
        if self._outcome is not None:
            return Finish(self._outcome)
        if self._state is State.ADMITTED:
            return self._send(now)
        self._expect(State.SCHEDULED)
        if self._stopped is None and now < self._clocks.due:
            return self._wait(now)
        over = self._stopped or (
            self._spend
            and self._spend.refusal(
                self._exchange.next_request.request,
                self._recovery.route.model,
                self._ledger,
                self._transcript.characters,
            )
        )
        if over:
            self._resolve(over, now)
            return self.next_action(now)
        if not self._gated:
            return self._send(now)
        self._to(State.ASKING)
        return Admit(self._recovery.route, self._exchange.next_request.request, self._clocks.end)

    @property
    def deadline(self) -> float | None:
        """When the answer being read is late, on the driver's clock; None for never.

        Counted from the last *content*: comments do not move it. A call that is stopped is late.
        """
        if self._stopped is not None:
            return 0.0
        decoder = self._exchange.decoder
        return self._clocks.deadline(finished=decoder.proven, has_content=decoder.has_content)

    def wants_data(self, now: float) -> bool:
        """Tell whether to read on; if so, the time limit runs from now on.

        A reader who takes long over a delta is not the server's fault: after content the
        limit starts when the driver is ready to read again.
        """
        clocks = self._clocks
        if clocks.restart:
            clocks.since = now
            clocks.restart = False
        return self._state is _READING

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """One record per request that went out so far."""
        return self._ledger.attempts

    # -- what the driver tells --------------------------------------------------------------

    def receive_throttled(self, limit: str, wait: float, now: float) -> None:
        """Admission control holds the request: because of which limit, and for how long."""
        self._expect(State.ASKING)
        name = self._recovery.route.provider.name
        self._ledger.emit(events.Throttled, now, provider=name, limit=limit, wait=wait)

    def receive_admission(self, now: float) -> None:
        """The request may go out."""
        self._expect(State.ASKING)
        self._to(State.ADMITTED)
        self._clocks.alive = now

    def receive_refusal(self, error: HolySheepError, now: float) -> None:
        """A local rate limit rejected the request; it is treated as this attempt's failure."""
        self._expect(State.ASKING)
        self._clocks.alive = now
        self._resolve(error, now)

    def receive_response(self, status: int, headers: Mapping[str, str], now: float) -> None:
        """Take the status and the headers, names in lower case."""
        self._expect(State.SENT)
        self._to(State.READING)
        self._recovery.answered()
        wall = self._wall()
        if self._gated:
            self._recovery.note_allowance(allowance(headers, now=now, wall=wall))
        try:
            self._exchange.decoder.receive_response(status, headers, wall=wall)
        except HolySheepError as error:
            self._end(error, now)

    def receive_data(self, data: bytes, now: float) -> list[Delta]:
        """Take bytes of the body and return what is new for the reader."""
        if self._state is not _READING:
            self._expect(_READING)
        decoder, clocks = self._exchange.decoder, self._clocks
        was_proven, progress, growth = decoder.proven, decoder.progress, decoder.growth
        try:
            pieces = decoder.receive_data(data)
        except HolySheepError as error:
            return self._end(error, now)
        deltas: list[Delta] = []
        slow: HolySheepError | None = None
        if pieces:
            if not self._recovery.heard:
                self._recovery.progressed()
            if self._exchange.pace is not None:
                slow = self._slowness(self._exchange.pace, pieces, now)
            deltas = self._exchange.take(pieces, now)
            clocks.shown(now)
        while decoder.second_answer:
            deltas += self._exchange.take_second_answer(now)
        if decoder.malformed:
            self._ledger.malformed(decoder.malformed, now)
        spend, shown = self._spend, self._transcript.characters
        over = self._stopped or (spend and spend.overspent(decoder.pieces, shown)) or slow
        if over or decoder.complete or self._exchange.rejected:
            return deltas + self._end(over or decoder.failure(), now)
        if pieces:
            return deltas
        came, ended = decoder.progress > progress, decoder.proven and not was_proven
        return deltas + self._without_text(came=came or ended, growth=growth, now=now)

    def _slowness(self, pace: Pace, pieces: list[TextPiece], now: float) -> HolySheepError | None:
        """Return the error for a response that is too slow, if another route is left."""
        slow = pace.add(pieces, now - self._clocks.since)
        if not slow or self._exchange.decoder.settled or self._recovery.next_route(now) is None:
            return None
        least = self._settings.timeouts.min_rate or 0.0
        return StreamSlowError(f"The text came more slowly than {least:.0%} of the usual rate.")

    def _without_text(self, *, came: bool, growth: int, now: float) -> list[Delta]:
        """Update the clocks after a read without text; return the deltas of an end, if any."""
        decoder, clocks = self._exchange.decoder, self._clocks
        if came:
            clocks.came(now)
            self._beat.receiving = "parts" if decoder.tools is None else "a tool call"
        elif decoder.growth != growth:
            clocks.grew(now, has_content=decoder.has_content)
            self._beat.receiving = "an unfinished event"
        elif (deadline := self.deadline) is not None and now >= deadline:
            # Bytes keep coming, but no content: comments must not keep a dead answer alive.
            return self._end(self._exchange.lateness(clocks, now), now)
        self._beat.receiving = self._beat.receiving or "comments"
        self.receive_silence(now)
        return []

    def receive_upload(self, now: float) -> None:
        """The request was sent to its end: its first-token limit begins now."""
        if self._state is State.SENT:
            self._clocks.sent(now)

    def hedge(self, now: float) -> Send | None:
        """Return a second request to send beside the running one; None for none."""
        self._expect(State.SENT)
        try:
            return self._hedging.begin(self._exchange, now)
        except HolySheepError as error:
            _log.warning("No second request goes out: %s", error)
            return None

    def receive_hedge_end(self, now: float, *, won: bool) -> None:
        """Of two requests, one was closed; the second one `won`: what follows is its response."""
        self._hedging.end(won=won, now=now)
        if won:
            self._exchange = self._recovery.exchange()
            self._clocks.limit(*self._recovery.limits(now))
            self._clocks.sent(now)

    def receive_silence(self, now: float) -> None:
        """Nothing came for a while; the deadline has not passed."""
        self._expect(*_OPEN)
        self._beat.beat("content", self.deadline, now)

    def receive_eof(self, now: float) -> list[Delta]:
        """The body ended, properly as far as HTTP is concerned."""
        self._expect(State.READING)
        decoder = self._exchange.decoder
        try:
            pieces = decoder.receive_eof()
        except HolySheepError as error:
            return self._end(error, now)
        deltas = self._exchange.take(pieces, now) if pieces else []
        return deltas + self._end(decoder.failure(), now)

    def receive_error(self, error: HolySheepError, now: float) -> list[Delta]:
        """The connection could not be made, broke, or was silent until the deadline."""
        self._expect(*_OPEN)
        if self._stopped is not None:
            return self._end(self._stopped, now)
        deadline = self.deadline
        late = deadline is not None and now >= deadline
        if late or isinstance(error, StreamStalledError):
            return self._end(self._exchange.lateness(self._clocks, now), now)
        return self._end(self._exchange.broken(error), now)

    def receive_discarded(self, reason: str, now: float) -> None:
        """A connection was closed because of what the server sent on it."""
        self._ledger.emit(events.ConnectionDiscarded, now, reason=reason)

    def pieces_since(self, texts: int, reasonings: int) -> tuple[list[str], list[str]]:
        """Return text and reasoning after the first `texts` and `reasonings`. Thread-safe."""
        return self._transcript.pieces_since(texts, reasonings)

    def stop(self, error: HolySheepError) -> None:
        """End the call with this error, at the next bytes or heartbeat. Thread-safe."""
        self._stopped = error

    def close(self, now: float) -> None:
        """The driver stops; before the end of the answer this means that the reader left."""
        if self._state in _OPEN:
            self._hedging.end(won=False, now=now)
            self._exchange.end("closed", now)
            self._recovery.abandoned(now)
        if State.CLOSED in MOVES[self._state]:
            self._to(State.CLOSED)

    # -- afterwards -------------------------------------------------------------------------

    @property
    def answer(self) -> str:
        """The text the reader was given."""
        if isinstance(self._outcome, Completion):
            return self._outcome.text
        return self._transcript.text

    def record(self, now: float) -> CallRecord:
        """Return the record of the call, which is over."""
        return record_of(
            self._outcome, self._exchange, self._recovery, self._ledger, self._transcript, now
        )

    # -- inside -----------------------------------------------------------------------------

    def _to(self, state: State) -> None:
        if state not in MOVES[self._state]:
            raise SessionStateError(f"From {self._state.name} a call cannot be {state.name}.")
        self._state = state

    def _expect(self, *states: State) -> None:
        if self._state not in states:
            raise SessionStateError(f"Not allowed while the call is {self._state.name}.")

    def _send(self, now: float) -> Admit | Send | Wait | Finish:
        next_request, route = self._exchange.next_request, self._recovery.route
        try:
            lessons = self._recovery.lessons
            send = outgoing(next_request.request, route, self._settings, lessons)
        except HolySheepError as error:
            self._resolve(error, now)
            return self.next_action(now)
        self._to(State.SENT)
        self.first_connect = (
            self._settings.timeouts.first_connect if self._recovery.is_new else None
        )
        self._clocks.limit(*self._recovery.limits(now))
        self._clocks.sent(now)
        self._recovery.sent(now)
        self._ledger.begin(route, next_request.technique, now)
        after = self._hedging.after(now)
        return send if after is None else replace(send, hedge=after)

    def _wait(self, now: float) -> Wait:
        due = self._clocks.due
        self._beat.beat("the next request", due, now)
        seconds = min(due - now, self.heartbeat)
        self._ledger.waited += seconds
        return Wait(seconds)

    def _end(self, failure: HolySheepError | None, now: float) -> list[Delta]:
        """End the exchange: hand over the answer, or look up what follows."""
        self._clocks.alive, self._beat.receiving = now, ""
        exchange = self._exchange
        deltas: list[Delta] = []
        failure = exchange.difference() or failure
        if failure is None and self._recovery.goes_on_beyond_limit(exchange):
            deltas = exchange.release(limited=True)
            exchange.end("length", now)
            self._schedule(now)
            return deltas
        if failure is None:
            deltas, failure = exchange.finish(self._transcript.request.params)
        exchange.end("completed" if failure is None else _name(failure), now)
        if failure is not None:
            self._resolve(failure, now)
            return deltas
        pace = exchange.pace
        self._recovery.succeeded(now, None if pace is None else pace.rate)
        self._outcome = completion_of(exchange, self._recovery, self._ledger, self._transcript, now)
        self._to(State.FINISHED)
        if exchange.tool_calls:
            deltas.append(Delta(tool_calls=exchange.tool_calls))
        return deltas

    def _resolve(self, failure: HolySheepError, now: float) -> None:
        """Every failure comes here: another request is scheduled, or the call ends with it."""
        answer = self._recovery.after(failure, self._exchange, now)
        if isinstance(answer, (InvalidToolCallError, InvalidJSONOutputError)):
            answer.completion = answer_of(
                self._exchange, self._recovery, self._ledger, self._transcript
            )
        if isinstance(answer, HolySheepError):
            self._outcome = answer
            self._to(State.FAILED)
        else:
            self._schedule(now + shortened(answer))

    def _schedule(self, due: float) -> None:
        self._to(State.SCHEDULED)
        self._clocks.due = due
        self._exchange = self._recovery.exchange()


def _name(failure: HolySheepError) -> str:
    return type(failure).__name__
