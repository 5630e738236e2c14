"""One call, from the first request to the whole answer, without any I/O.

A session is told what happened and says what to do. It opens no socket, reads no clock and
draws no random number (`now`, `wall` and `rng` are handed in), so every path through it can be
tested in microseconds, and the sync and the async driver cannot differ in what they decide.

::

    driver                                    session
    next_action(now)                     ->   Admit | Send | Wait | Finish, or raises the error
      on Admit: asks a gate for leave, tells
        receive_admission(now)                (and asks for the next action, the Send)
        receive_refusal(error, now)
      on Send: opens a connection, tells
        receive_response(status, headers, now)
        receive_data(bytes, now)         ->   deltas for the reader
        wants_data(now)                  ->   False: close the connection, ask next_action
        receive_silence(now)                  (no bytes for `heartbeat` seconds)
        receive_eof(now)                 ->   deltas (the last bytes of a body may hold some)
        receive_error(error, now)        ->   (the connection failed)
      again
    close(now)                                (the end, or the reader went away)

States, and what moves between them:

=========  ==========================  ====================================================
state      `next_action` gives         left by
=========  ==========================  ====================================================
ready      Wait until due, then Send   Send
           (Admit before, where gated)
reading    (not to be called)          end of body, an error, or enough read
finished   Finish                      -
failed     raises                      -
=========  ==========================  ====================================================

What follows a failure is `recovery`'s to say; it brings the session back to *ready*, or to
*failed*. One chunk's walk is `receive_data` alone: SSE decoder, wire,
seam (only while one is open), transcript.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

from holysheep_core import events
from holysheep_core.engine.actions import Admit, Finish, Send, Wait
from holysheep_core.engine.backoff import shortened
from holysheep_core.engine.exchange import Exchange
from holysheep_core.engine.ledger import Ledger, Notify
from holysheep_core.engine.recovery import Recovery
from holysheep_core.engine.settings import Settings
from holysheep_core.engine.spend import SpendTracker
from holysheep_core.errors import (
    APIConnectionError,
    DeadlineExceededError,
    FirstTokenTimeoutError,
    HolySheepError,
    StreamCutError,
    StreamStalledError,
    caused,
)
from holysheep_core.protocol.rate_limit_headers import allowance
from holysheep_core.protocol.response import ResponseDecoder
from holysheep_core.protocol.wire import encode_request
from holysheep_core.resume.transcript import Transcript
from holysheep_core.routing.routes import FallbackChain
from holysheep_core.tokens import prompt_tokens
from holysheep_core.types import Attempt, CallRecord, ChatRequest, Completion, Delta

LINGER = 0.5
"""Seconds to wait, once an answer is proven whole, for its usage chunk and the end of its body
(which lets the connection be used again)."""

HEARTBEAT = 2.0
"""Seconds without content after which listeners hear that the call is alive."""


class Session:
    """The state of one call.

    Args:
        request: What to ask.
        ladder: Where it may be asked.
        settings: The user's settings.
        now: The time on the driver's clock, in seconds.
        notify: Is called with every event, as it happens.
        call_id: Marks this call's events.
        wall: Returns Unix time; only for dates in a server's refusal.
        rng: Returns a number from 0 up to 1; only for jitter.
        gated: Ask for leave before each request.
        begun: Text and reasoning that the reader has from an earlier process: go on with it.
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
    ) -> None:
        self._request = request
        self._chain = chain
        self._settings = settings
        self._notify = notify
        self._call_id = call_id
        self._wall = wall

        self._started = now
        self._began = wall()
        self._ledger = Ledger(call_id, now, notify, settings.catalog)
        self._transcript = Transcript(request, settings.resume)
        text, reasoning = begun
        if text:
            self._transcript.add_text(text)
        if reasoning:
            self._transcript.add_reasoning(reasoning)
        self._recovery = Recovery(chain, settings, self._ledger, self._transcript, now, rng)
        self._due = now
        self._alive = now  # when something was last heard of this call
        self._outcome: Completion | HolySheepError | None = None

        self._exchange = self._new_exchange()
        self._prepared = True  # the exchange has not been used
        self._gated = gated
        self._admitted = not gated
        self._reading = False
        self._clock_started = now
        self._fresh = False  # content came since the driver last read
        limit = settings.spend_limit
        self._stopped: HolySheepError | None = None
        self._spend = None if limit is None else SpendTracker(limit, settings.catalog)

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
        if now < self._due:
            return self._wait(now)
        if self._spend is not None and self._is_spent(self._spend):
            self._follow(self._spend.error(), now)
            return self.next_action(now)
        if not self._admitted:
            return self._admit()
        return self._send(now)

    @property
    def deadline(self) -> float | None:
        """When the answer being read is late, on the driver's clock; None for never.

        Counted from the last *content*: comments do not move it.
        """
        timeouts, decoder = self._settings.timeouts, self._exchange.decoder
        if decoder.finished:
            limit: float | None = LINGER
        else:
            limit = timeouts.stall if decoder.has_content else timeouts.first_token
        late = None if limit is None else self._clock_started + limit
        if timeouts.total is None:
            return late
        end = self._started + timeouts.total
        return end if late is None else min(end, late)

    def wants_data(self, now: float) -> bool:
        """Tell whether to go on reading this answer; if so, its clock runs from now on.

        A reader who takes long over a delta is not the server's fault: after content the
        clock starts when the driver is ready to read again.
        """
        if self._fresh:
            self._clock_started = now
            self._fresh = False
        return self._reading

    @property
    def heartbeat(self) -> float:
        """Seconds a driver may wait for bytes before it says so with `receive_silence`."""
        return HEARTBEAT

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """One record per request that went out so far."""
        return self._ledger.attempts

    # -- what the driver tells --------------------------------------------------------------

    def receive_admission(self, now: float) -> None:
        """The request may go out."""
        self._admitted, self._alive = True, now

    def receive_refusal(self, error: HolySheepError, now: float) -> None:
        """The request must not go out, and waiting longer is not wanted."""
        self._alive = now
        self._follow(error, now)

    def receive_response(self, status: int, headers: Mapping[str, str], now: float) -> None:
        """Take the status and the headers, names in lower case."""
        if self._gated:
            left = allowance(headers, now=now, wall=self._wall())
            self._chain.route_states.hear(self._recovery.route.provider, left)
        try:
            self._exchange.decoder.receive_response(status, headers)
        except HolySheepError as error:
            self._end(error, now)

    def receive_data(self, data: bytes, now: float) -> list[Delta]:
        """Take bytes of the body and return what is new for the reader."""
        if not self._reading:
            return []
        decoder = self._exchange.decoder
        was_finished = decoder.finished
        try:
            pieces = decoder.receive_data(data)
        except HolySheepError as error:
            return self._end(error, now)
        deltas: list[Delta] = []
        if pieces:
            if not self._recovery.heard:
                self._recovery.progressed()
            deltas = self._exchange.take(pieces, now)
        if decoder.malformed:
            self._ledger.malformed(decoder.malformed, now)
        over = self._stopped or (self._spend and self._overspent(self._spend))
        if over or decoder.complete or self._exchange.mismatch:
            return deltas + self._end(over or decoder.failure(), now)
        if pieces or (decoder.finished and not was_finished):
            self._fresh = True
        elif (deadline := self.deadline) is not None and now >= deadline:
            # Bytes keep coming, but no content: comments must not keep a dead answer alive.
            return deltas + self._end(self._lateness(now), now)
        if pieces:
            self._alive = now
        else:
            self.receive_silence(now)
        return deltas

    def receive_silence(self, now: float) -> None:
        """Nothing came for a while; the deadline has not passed."""
        if self._reading and now >= self._alive + HEARTBEAT:
            self._show_life("content", self.deadline, now)

    def receive_eof(self, now: float) -> list[Delta]:
        """The body ended, properly as far as HTTP is concerned."""
        if not self._reading:
            return []
        decoder = self._exchange.decoder
        try:
            deltas = self._exchange.take(decoder.receive_eof(), now)
        except HolySheepError as error:
            return self._end(error, now)
        return deltas + self._end(decoder.failure(), now)

    def receive_error(self, error: HolySheepError, now: float) -> list[Delta]:
        """The connection could not be made, broke, or was silent until the deadline."""
        if not self._reading:
            return []
        decoder, deadline = self._exchange.decoder, self.deadline
        late = deadline is not None and now >= deadline
        if decoder.settled:
            return self._end(decoder.failure(), now)
        if late or isinstance(error, StreamStalledError):
            return self._end(self._lateness(now), now)
        if isinstance(error, StreamCutError) and not decoder.has_content:
            error = caused(
                APIConnectionError(f"No content, then the connection broke: {error}"), error
            )
        return self._end(error, now)

    def pieces_since(self, texts: int, reasonings: int) -> tuple[list[str], list[str]]:
        """Return the pieces of text and of reasoning after so many of each; from any thread."""
        return self._transcript.pieces_since(texts, reasonings)

    def stop(self, error: HolySheepError) -> None:
        """End with this error, at the next byte that comes; from any thread."""
        self._stopped = error

    @property
    def answer(self) -> str:
        """The text the reader was given."""
        return self._transcript.text

    def record(self, now: float) -> CallRecord:
        """Return the record of the call, which is over."""
        outcome, route = self._outcome, self._recovery.route
        ended = "closed" if outcome is None else "completed"
        if isinstance(outcome, HolySheepError):
            ended = type(outcome).__name__
        return self._ledger.record(
            self._request,
            ended,
            now,
            began=self._began,
            model=self._exchange.decoder.model or route.model,
            provider=route.provider.name,
            characters=self._transcript.characters,
            resumes=self._recovery.resumes,
            finish_reason=self._exchange.decoder.finish_reason,
        )

    def close(self, now: float) -> None:
        """The driver stops; if that is in mid-answer, the reader went away."""
        if self._reading:
            self._reading = False
            exchange = self._exchange
            self._ledger.end(exchange.decoder, exchange.next_request, exchange.shown, "closed", now)
            self._recovery.abandoned(now)

    # -- one exchange -----------------------------------------------------------------------

    def _is_spent(self, spend: SpendTracker) -> bool:
        """Tell whether the next request is more than the call may spend."""
        self._exchange, self._prepared = self._new_exchange(), True
        prompt = prompt_tokens(self._exchange.next_request.request)
        return not spend.opens(
            self._recovery.route.model, self._ledger, prompt, self._transcript.characters
        )

    def _overspent(self, spend: SpendTracker) -> HolySheepError | None:
        empty = spend.is_empty(self._exchange.decoder.pieces, self._transcript.characters)
        return spend.error() if empty else None

    def _admit(self) -> Admit:
        self._exchange, self._prepared = self._new_exchange(), True
        route, total = self._recovery.route, self._settings.timeouts.total
        until = None if total is None else self._started + total

        def held(limit: str, wait: float, now: float) -> None:
            name = route.provider.name
            self._ledger.tell(events.Throttled, now, provider=name, limit=limit, wait=wait)

        return Admit(route, self._exchange.next_request.request, until, held)

    def _new_exchange(self) -> Exchange:
        provider = self._recovery.route.provider
        decoder = ResponseDecoder(
            finish_signal=provider.finish_signal or self._settings.resume.finish_signal,
            secrets=provider.secrets,
            wall=self._wall(),
            coalesce=self._settings.coalesce,
        )
        route, resume = self._recovery.route, self._settings.resume
        known = self._settings.catalog.card(route.model)
        prefill = known.prefill if resume.prefill is None else resume.prefill
        next_request = self._transcript.next_request(
            prefill=prefill and not self._chain.route_states.rejects_prefill(route),
            prefix_flag=route.provider.prefix_flag,
        )
        return Exchange(next_request, decoder, self._transcript, self._ledger, resume.max_hold)

    def _send(self, now: float) -> Send:
        if not self._prepared:
            self._exchange = self._new_exchange()
        self._prepared = False
        self._admitted = not self._gated
        self._reading = True
        self._recovery.sent(now)
        self._clock_started, self._fresh, self._alive = now, False, now
        next_request, route = self._exchange.next_request, self._recovery.route
        provider, model = route.provider, route.model
        self._ledger.begin(route, next_request.technique, now)
        body = encode_request(
            next_request.request,
            model=provider.models.get(model, model),
            stream_usage=self._settings.stream_usage,
        )
        return Send(provider.url, provider.request_headers(), body)

    def _wait(self, now: float) -> Wait:
        if now >= self._alive + HEARTBEAT:
            self._show_life("the next request", self._due, now)
        seconds = min(self._due - now, HEARTBEAT)
        self._ledger.waited += seconds
        return Wait(seconds)

    def _show_life(self, what: str, until: float | None, now: float) -> None:
        self._alive = now
        wait = None if until is None else until - now
        self._ledger.tell(events.StillWaiting, now, what=what, wait=wait)

    def _lateness(self, now: float) -> HolySheepError | None:
        """Return the error for a deadline that passed, unless what came is whole."""
        timeouts, decoder = self._settings.timeouts, self._exchange.decoder
        if decoder.settled:
            return decoder.failure()
        if timeouts.total is not None and now >= self._started + timeouts.total:
            return DeadlineExceededError(f"The call took longer than its {timeouts.total:g} s.")
        if decoder.has_content:
            return StreamStalledError(f"No content for {timeouts.stall:g} s in mid-answer.")
        return FirstTokenTimeoutError(f"No content within {timeouts.first_token:g} s.")

    def _end(self, failure: HolySheepError | None, now: float) -> list[Delta]:
        """Close the exchange: hand over the answer, or look up what follows."""
        self._reading, self._alive = False, now
        exchange = self._exchange
        deltas: list[Delta] = []
        failure = exchange.difference() or failure
        if failure is None and self._recovery.goes_on_beyond_limit(exchange):
            deltas = exchange.release(limited=True)
            self._ledger.end(exchange.decoder, exchange.next_request, exchange.shown, "length", now)
            self._due = now
            return deltas
        if failure is None:
            deltas, failure = exchange.finish(self._request.params)
        outcome = "completed" if failure is None else type(failure).__name__
        self._ledger.end(exchange.decoder, exchange.next_request, exchange.shown, outcome, now)
        if failure is None:
            self._outcome = self._complete(now)
            if exchange.tool_calls:
                deltas.append(Delta(tool_calls=exchange.tool_calls))
            return deltas
        self._follow(failure, now)
        return deltas

    def _follow(self, failure: HolySheepError, now: float) -> None:
        answer = self._recovery.after(failure, self._exchange, now)
        if isinstance(answer, HolySheepError):
            self._outcome = answer
        else:
            self._due = now + shortened(answer)

    def _complete(self, now: float) -> Completion:
        decoder, calls, route = (
            self._exchange.decoder,
            self._exchange.tool_calls,
            self._recovery.route,
        )
        self._recovery.succeeded(now)
        completion = Completion(
            text=self._transcript.text,
            reasoning=self._transcript.reasoning,
            tool_calls=calls,
            refusal=decoder.refusal,
            finish_reason=decoder.finish_reason or ("tool_calls" if calls else "stop"),
            requested_model=self._request.model,
            model=decoder.model or route.model,
            provider=route.provider.name,
            usage=self._ledger.usage,
            attempts=self._ledger.attempts,
            resumes=self._recovery.resumes,
            downgrades=self._ledger.downgrades,
            waited=self._ledger.waited,
            id=decoder.id,
            system_fingerprint=decoder.system_fingerprint,
        )
        self._ledger.tell(
            events.StreamCompleted,
            now,
            model=completion.model,
            characters=self._transcript.characters,
            attempts=len(completion.attempts),
            resumes=completion.resumes,
        )
        return completion
