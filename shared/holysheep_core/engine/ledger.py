"""The ledger of one call: every attempt, move and wait, recorded and sent as an event.

What is recorded here is in `Completion.attempts`, in an error's `attempts`, and in the events.
Figures that the server did not report are estimated and marked so: a cut attempt is billed, too.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from holysheep_core import events
from holysheep_core.catalog import Catalog
from holysheep_core.protocol.response import ResponseDecoder
from holysheep_core.routing.providers import Route
from holysheep_core.tokens import estimate_tokens, prompt_tokens
from holysheep_core.types import Attempt, CallRecord, ChatRequest, Usage, total_cost

Notify = Callable[[events.Event], object]
HEDGE = "hedge"
"""The technique of a second request beside one whose first token is late."""
OVERTAKEN = "overtaken"
"""The outcome of the one of two requests that was closed."""


def _completed(usage: Usage, request: ChatRequest, shown: str, pieces: int) -> Usage:
    """Return a report with estimates where it says nothing of tokens that were spent.

    A report that came before the answer was cut may count its beginning only; it is replaced
    where less than half of what came can be in it.
    """
    seen = estimate_tokens(shown)
    read, written = usage.input_tokens, usage.output_tokens
    if read and written and written >= seen / 2:
        return usage
    return msgspec.structs.replace(
        usage,
        input_tokens=read or prompt_tokens(request),
        output_tokens=written if written and written >= seen / 2 else max(pieces, seen),
        estimated=True,
    )


class Ledger:
    """The records of a call.

    Args:
        call_id: Marks the events of this call.
        started: When the call began, on the driver's clock.
        began: The same as Unix time.
        notify: Is called with every event.
        catalog: Has the prices.
    """

    def __init__(
        self, call_id: str, started: float, began: float, notify: Notify, catalog: Catalog
    ) -> None:
        self._catalog = catalog
        self.call_id = call_id
        self.started = started
        self.began = began
        self._notify = notify
        self._attempts: list[Attempt] = []
        self._asked = ""  # the model that the call was to use first, once it has moved
        self._downgrades: list[str] = []
        self._running = -1  # the place of the attempt whose answer is read
        self._hedge = -1  # that of the second request beside it, if there is one
        self.waited = 0.0

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """One record per request, in order."""
        return tuple(self._attempts)

    @property
    def number(self) -> int:
        """The number of the running attempt; 0 before the first."""
        return self._running + 1

    @property
    def running(self) -> Attempt | None:
        """The record of the running attempt, if any request went out."""
        return self._attempts[self._running] if self._attempts else None

    @property
    def asked_since(self) -> float:
        """When the first request went out, on the driver's clock."""
        return self.started + (self._attempts[0].started if self._attempts else 0.0)

    @property
    def downgrades(self) -> tuple[str, ...]:
        """Models moved to, in order."""
        return tuple(self._downgrades)

    @property
    def usage(self) -> Usage:
        """Tokens of all attempts together."""
        return sum((attempt.usage for attempt in self._attempts), Usage())

    def emit(self, kind: Callable[..., events.Event], now: float, **facts: object) -> None:
        """Make an event of this call and send it to the listeners."""
        self._notify(kind(call_id=self.call_id, at=now - self.started, **facts))

    def begin(self, route: Route, technique: str, now: float) -> None:
        """A request goes out."""
        self._add(route, technique, now)
        self._running = len(self._attempts) - 1

    def begin_hedge(self, route: Route, now: float) -> None:
        """A second request goes out beside the running one."""
        self._add(route, HEDGE, now)
        self._hedge = len(self._attempts) - 1

    def end_hedge(self, request: ChatRequest, now: float, *, won: bool) -> None:
        """Of two requests, one has content: from now on it is the running one, the other is closed.

        Its server has read the prompt, which is billed.

        Args:
            request: What was asked.
            now: The time.
            won: The second one has content.
        """
        loser = self._running if won else self._hedge
        self._running = self._hedge if won else self._running
        attempt, usage = self._attempts[loser], Usage(prompt_tokens(request), estimated=True)
        self._attempts[loser] = msgspec.structs.replace(
            attempt,
            duration=now - self.started - attempt.started,
            outcome=OVERTAKEN,
            usage=usage,
            cost_usd=self._catalog.card(attempt.model).cost(usage),
        )

    def _add(self, route: Route, technique: str, now: float) -> None:
        number = len(self._attempts) + 1
        name = route.provider.name
        self._attempts.append(Attempt(number, name, route.model, technique, now - self.started))
        self.emit(
            events.RequestSent,
            now,
            attempt=number,
            provider=name,
            model=route.model,
            technique=technique,
        )

    def first_token(self, now: float) -> None:
        """Content came; the first time in an attempt this is noted."""
        attempt = self._attempts[self._running]
        if attempt.first_token is None:
            latency = now - self.started - attempt.started
            self._attempts[self._running] = msgspec.structs.replace(attempt, first_token=latency)
            self.emit(events.FirstToken, now, attempt=attempt.number, latency=latency)

    def end(
        self, decoder: ResponseDecoder, request: ChatRequest, shown: str, outcome: str, now: float
    ) -> None:
        """The attempt is over; `shown` is the text it gave the reader."""
        attempt = self._attempts[self._running]
        usage = decoder.usage or Usage()
        if decoder.has_content:
            usage = _completed(usage, request, shown, decoder.pieces)
        self._attempts[self._running] = msgspec.structs.replace(
            attempt,
            duration=now - self.started - attempt.started,
            status_code=decoder.status,
            request_id=decoder.request_id,
            outcome=outcome,
            characters=len(shown),
            usage=usage,
            cost_usd=self._catalog.card(attempt.model).cost(usage),
        )

    def record(
        self,
        request: ChatRequest,
        outcome: str,
        now: float,
        *,
        model: str,
        provider: str,
        characters: int,
        resumes: int,
        finish_reason: str | None,
    ) -> CallRecord:
        """Return the record of the call, which is over."""
        attempts = self.attempts
        first = (each.started + each.first_token for each in attempts if each.first_token)
        went_on = self.running and self.running.technique in ("continuation", "prefill")
        return CallRecord(
            call_id=self.call_id,
            began=self.began,
            duration=now - self.started,
            requested_model=request.model,
            model=model,
            provider=provider,
            outcome=outcome,
            first_token=next(first, None),
            characters=characters,
            saved_characters=sum(each.characters for each in attempts[:-1]) if went_on else 0,
            usage=self.usage,
            cost_usd=total_cost(attempts),
            resumes=resumes,
            downgrades=self.downgrades,
            waited=self.waited,
            attempts=attempts,
            tags=request.tags,
            finish_reason=finish_reason,
        )

    def malformed(self, sizes: list[int], now: float) -> None:
        """Events that could not be read; the list is emptied."""
        for size in sizes:
            self.emit(events.MalformedEvent, now, attempt=self.number, size=size)
        sizes.clear()

    def moved(self, old: Route, new: Route, reason: str, now: float) -> None:
        """Another route takes over."""
        if new.provider != old.provider:
            self.emit(
                events.ProviderSwitched,
                now,
                from_provider=old.provider.name,
                to_provider=new.provider.name,
                reason=reason,
            )
        self._asked = self._asked or old.model
        # A return to that model, at another provider, is no fallback.
        if new.model not in (old.model, self._asked):
            self._downgrades.append(new.model)
            self.emit(
                events.ModelDowngraded,
                now,
                from_model=old.model,
                to_model=new.model,
                reason=reason,
            )
