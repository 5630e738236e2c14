"""After a failure: where the call stands, and where it goes next.

Counts what the table of failures (`policy`) needs to know, asks it, and carries out its answer:
moves to another route, schedules the next request, or builds the final error. All limits meet
here: retries, continuations, the budget of the process, so that nothing can go on for ever,
however often a stream breaks and however little each attempt brings.
"""

from __future__ import annotations

from collections.abc import Callable

from holysheep_core import events
from holysheep_core.engine.exchange import Exchange
from holysheep_core.engine.ledger import Ledger
from holysheep_core.engine.policy import Again, Standing, decide, elsewhere, rule_for
from holysheep_core.engine.settings import Settings
from holysheep_core.errors import (
    APIError,
    BadRequestError,
    HolySheepError,
    RateLimitError,
    StreamingRetryExhausted,
    UpstreamError,
    caused,
)
from holysheep_core.resume.transcript import Transcript
from holysheep_core.routing.circuit import Note, Outcome
from holysheep_core.routing.routes import FallbackChain

SOUND_PROGRESS = 40
"""Characters an attempt must have brought for the next one to follow without a wait."""


class Recovery:
    """The course of one call over its routes.

    Attributes:
        route: Where the next request goes.
        resumes: Answers that were cut and asked for again.
        heard: Content came for the request at hand.
    """

    def __init__(
        self,
        chain: FallbackChain,
        settings: Settings,
        ledger: Ledger,
        transcript: Transcript,
        now: float,
        rng: Callable[[], float],
    ) -> None:
        self._chain = chain
        self._settings = settings
        self._ledger = ledger
        self._transcript = transcript
        self._started = now
        self._rng = rng
        self.route = chain.first(now)
        self.resumes = 0
        self._tried = [self.route]
        self._failures: list[HolySheepError] = []
        self._here = 0  # failures in a row on this route
        self._mismatches = 0
        self._retries = 0
        self._lent = 0  # requests whose cost comes back to the budget once content flows
        self._sent = now  # when the request at hand went out
        self.heard = False
        if self.route != chain.routes[0]:
            ledger.moved(chain.routes[0], self.route, "cooling down", now)

    def after(
        self, failure: HolySheepError, exchange: Exchange, now: float
    ) -> float | HolySheepError:
        """Say what follows a failed exchange.

        Args:
            failure: What broke.
            exchange: The exchange it broke in.
            now: The time.

        Returns:
            Seconds to wait before the next request (its route is `route`), or the error to raise.
        """
        settings = self._settings
        self._judge(rule_for(failure, settings.retry).outcome, now)
        if exchange.next_request.technique == "prefill" and type(failure) is BadRequestError:
            # Not the user's error: the route has taught us to ask in words.
            self._chain.route_states.learn_no_prefill(self.route)
            self._follow(Again(self.route), failure, now)
            return 0.0
        in_answer = exchange.decoder.has_content
        if in_answer and isinstance(failure, APIError):
            failure = caused(UpstreamError(f"The server broke off its answer: {failure}"), failure)
        self._failures.append(failure)
        if in_answer:
            self._ledger.tell(
                events.StreamCut,
                now,
                attempt=len(self._ledger.attempts),
                error=type(failure).__name__,
                characters=self._transcript.characters,
            )
        # Going on at once is right for a connection that was working, and hammering for one
        # that breaks after every other word.
        progressed = in_answer and (not self.resumes or len(exchange.shown) >= SOUND_PROGRESS)
        self._here = 1 if progressed else self._here + 1
        if exchange.mismatch:
            self._transcript.differed()
            self._mismatches += 1
        resume = settings.resume
        if in_answer and not (resume.enabled and self.resumes < resume.max_resumes):
            return self._give_up(failure, now)
        standing = Standing(
            chain=self._chain,
            tried=tuple(self._tried),
            here=self._mismatches if exchange.mismatch else self._here,
            retries=self._retries,
            progressed=progressed and not exchange.mismatch,
            started=self._started,
            now=now,
        )
        answer = decide(
            failure,
            standing,
            retry=settings.retry,
            fallback=settings.fallback,
            timeouts=settings.timeouts,
            rng=self._rng,
        )
        if isinstance(answer, HolySheepError):
            return self._give_up(answer, now)
        if settings.budget.take():
            # All but plain retries of an ill server are paid back by content: see `RetryBudget`.
            self._lent += not answer.counts or isinstance(failure, RateLimitError)
        else:
            other = elsewhere(
                answer, failure, standing, retry=settings.retry, fallback=settings.fallback
            )
            if other is None:
                failure.args = (f"{failure} Not tried again: the retry budget is used up.",)
                return self._give_up(failure, now)
            answer = other
        self._retries += answer.counts
        self.resumes += in_answer
        self._follow(answer, failure, now)
        return answer.wait

    def goes_on_beyond_limit(self, exchange: Exchange) -> bool:
        """Tell whether an answer that its token limit ended is to go on; if so, count it."""
        resume, decoder = self._settings.resume, exchange.decoder
        if not resume.continue_on_length or decoder.finish_reason != "length" or decoder.tools:
            return False
        if not exchange.shown or self.resumes >= resume.max_resumes:
            return False
        self.resumes += 1
        return True

    def sent(self, now: float) -> None:
        """A request went out."""
        self._sent, self.heard = now, False

    def progressed(self) -> None:
        """Content came: the route is well, and what was lent for it comes back."""
        if self.heard:
            return
        self.heard = True
        self._chain.route_states.succeeded(self.route, self._sent)
        if self._lent:
            self._settings.budget.succeeded(self._lent)
            self._lent = 0

    def succeeded(self, now: float) -> None:
        """The answer is whole: the budget has earned something."""
        self.progressed()  # of a refusal or a tool call, the end is the first that is seen
        self._judge(Outcome.SUCCESS, now)
        self._settings.budget.succeeded(0)

    def abandoned(self, now: float) -> None:
        """The reader went away in mid-answer, which says nothing about the route."""
        self._judge(None, now)

    def _judge(self, outcome: Outcome | None, now: float) -> None:
        route_states, attempts = self._chain.route_states, self._ledger.attempts
        first_token = attempts[-1].first_token if attempts and self.heard else None
        note = None if outcome is None else Note(now, outcome, first_token)
        if route_states.ended(self.route, note, probing=not self.heard):
            route_states.cool(self.route, now, now + self._settings.fallback.cooldown)

    def _follow(self, answer: Again, failure: HolySheepError, now: float) -> None:
        reason = type(failure).__name__
        if answer.route != self.route:
            self._ledger.moved(self.route, answer.route, reason, now)
            self._tried.append(answer.route)
            self.route, self._here = answer.route, 0
        if answer.asked:
            self._ledger.tell(events.RateLimitWait, now, model=self.route.model, wait=answer.wait)
        self._ledger.tell(
            events.RetryScheduled,
            now,
            attempt=len(self._ledger.attempts),
            error=reason,
            provider=self.route.provider.name,
            model=self.route.model,
            wait=answer.wait,
        )

    def _give_up(self, last: HolySheepError, now: float) -> HolySheepError:
        error, attempts = last, self._ledger.attempts
        going_on = rule_for(last, self._settings.retry).stay
        if self._transcript.characters and going_on and len(attempts) > 1:
            message = (
                f"The answer could not be completed in {len(attempts)} requests; the last one "
                f"failed with {type(last).__name__}: {last} What arrived is in .partial."
            )
            error = caused(StreamingRetryExhausted(message), last)
        error.partial = self._transcript.text
        error.attempts = attempts
        error.first_cause = self._failures[0] if self._failures[0] is not error else None
        self._ledger.tell(
            events.StreamFailed,
            now,
            error=type(error).__name__,
            characters=self._transcript.characters,
            attempts=len(attempts),
        )
        return error
