"""After a failure: where the call stands, and where it goes next.

Counts what the table of failures (`policy`) needs to know, asks it, and carries out its
decision: cools routes, takes probes, moves to another route, schedules the next request, or
builds the final error. All limits meet here: retries, continuations, the budget of the process,
so that nothing runs for ever, however often a stream breaks and however little each attempt adds.
"""

from __future__ import annotations

from collections.abc import Callable

from holysheep_core import events
from holysheep_core.engine.advice import with_advice
from holysheep_core.engine.asking import learns_from, limits_with_fallback, request_for_rest
from holysheep_core.engine.counts import Counts
from holysheep_core.engine.exchange import Exchange
from holysheep_core.engine.ledger import Ledger
from holysheep_core.engine.pace import Pace
from holysheep_core.engine.policy import Decision, Standing, decide, without_budget
from holysheep_core.engine.rules import Move, rule_for
from holysheep_core.engine.settings import Settings
from holysheep_core.errors import (
    APIError,
    BadRequestError,
    ContentPolicyError,
    HolySheepError,
    InvalidToolCallError,
    RateLimitError,
    StreamingRetryExhausted,
    UpstreamError,
    caused,
)
from holysheep_core.families.refusals import Lesson
from holysheep_core.protocol.finish_reasons import Ending
from holysheep_core.protocol.offered_tools import ids_of, offered_tools
from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.protocol.response import ResponseDecoder
from holysheep_core.protocol.tool_calls import ToolCallAssembler
from holysheep_core.resume.transcript import Transcript
from holysheep_core.routing.circuit import Note, Outcome
from holysheep_core.routing.learned import LEARNED
from holysheep_core.routing.providers import Route
from holysheep_core.routing.route_state import RouteChange
from holysheep_core.routing.routes import FallbackChain


class Recovery:
    """The retries and moves of one call.

    Attributes:
        route: Where the next request goes.
        resumes: Answers that were cut and asked for again.
        heard: Content came for the running request.
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
        self._rng = rng
        self._counts = Counts()
        self._failures: list[HolySheepError] = []
        self._sent = now  # when the running request went out
        self._text_is_whole = False
        self.heard = False
        self.resumes = 0
        self.route = self._first(now)
        self._tried = [self.route]
        if self.route != chain.routes[0]:
            ledger.moved(chain.routes[0], self.route, "cooling down", now)

    def exchange(self) -> Exchange:
        """Prepare the next request, to `route`."""
        settings, route = self._settings, self.route
        provider, resume = route.provider, settings.resume
        decoder = ResponseDecoder(
            finish_signal=provider.finish_signal or resume.finish_signal,
            secrets=provider.secrets,
            coalesce=settings.coalesce,
            max_event_bytes=provider.max_event_bytes,
            new_tools=self._new_tools,
        )
        transcript, states = self._transcript, self._chain.states
        if transcript.is_empty:
            asked = transcript.next_request()
        else:
            asked = request_for_rest(transcript, route, settings, states)
        least = settings.timeouts.min_rate
        return Exchange(
            asked,
            decoder,
            self._transcript,
            self._ledger,
            text_is_whole=self._text_is_whole,
            pace=None if least is None else Pace(least, states.usual_rate(route)),
        )

    def _new_tools(self) -> ToolCallAssembler:
        """Return the assembler of the running answer's tool calls; called for the first one."""
        request, ledger = self._transcript.request, self._ledger
        seed = f"{ledger.call_id}/{ledger.began}/{ledger.number}"
        return ToolCallAssembler(offered_tools(request.params), ids_of(request.messages), seed)

    def after(
        self, failure: HolySheepError, exchange: Exchange, now: float
    ) -> float | HolySheepError:
        """Decide what follows a failed exchange.

        Args:
            failure: What broke.
            exchange: The exchange it broke in.
            now: The time.

        Returns:
            Seconds to wait before the next request (its route is `route`), or the error to raise.
        """
        settings = self._settings
        self._judge(rule_for(failure, settings.retry).outcome, now)
        states, transcript, route = self._chain.states, self._transcript, self.route
        if type(failure) is BadRequestError and learns_from(
            failure, exchange, transcript, route, settings, states
        ):
            self._follow(Decision(self.route), failure, now)
            return 0.0
        in_answer = exchange.decoder.has_content
        self._text_is_whole = exchange.text_is_whole
        another_key = rule_for(failure, settings.retry).move is Move.OTHER_PROVIDER
        forbidden = isinstance(failure, ContentPolicyError)  # and so would the rest be
        if in_answer and isinstance(failure, APIError) and not (another_key or forbidden):
            failure = caused(UpstreamError(f"The server broke off its answer: {failure}"), failure)
        self._failures.append(failure)
        broken_off = in_answer and not isinstance(failure, InvalidToolCallError)
        if broken_off:
            self._ledger.emit(
                events.StreamCut,
                now,
                attempt=self._ledger.number,
                error=type(failure).__name__,
                characters=self._transcript.characters,
            )
        standing = self._standing(failure, exchange, now)
        resume = settings.resume
        if in_answer and not (resume.enabled and self.resumes < resume.max_resumes):
            return self._give_up(failure, now)
        decision = self._decide(failure, standing)
        if decision.cool_until is not None:
            self._cool(decision.cool_until, now)
        if decision.route is None:
            return self._give_up(decision.error or failure, now)
        self._counts.retries += decision.counts
        self.resumes += broken_off
        self._follow(decision, failure, now)
        return decision.wait

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """What the current route refused before."""
        return self.lessons_of(self.route)

    def lessons_of(self, route: Route) -> tuple[Lesson, ...]:
        """Return what a route refused before."""
        return self._chain.states.lessons(route) if LEARNED.has_lessons else ()

    # -- a second request beside the running one: `hedging` ---------------------------------

    def next_route(self, now: float) -> Route | None:
        """Return the best route that was not asked yet, if any."""
        return self._chain.next(self._tried, now)

    def lend(self, now: float) -> Route | None:
        """Take the budget and the probe for another route; None if they cannot be had."""
        route = self.next_route(now)
        if route is None or not self._settings.budget.take(route.provider.account):
            return None
        self._counts.lent[route.provider.account] += 1
        return route if self._chain.states.take_probe(route, now) else None

    def release(self, route: Route) -> None:
        """A request without content was closed, which says nothing about its route."""
        self._chain.states.ended(route, None, probing=True)

    def overtaken(self, route: Route, sent: float, now: float) -> None:
        """Another route, asked at that time, has content first: it is the current one."""
        self._ledger.moved(self.route, route, "late first token", now)
        self._tried.append(route)
        self.route = route
        self._counts.moved()
        self.sent(sent)

    def _standing(self, failure: HolySheepError, exchange: Exchange, now: float) -> Standing:
        self._transcript.doubtful = exchange.decoder.doubtful
        if exchange.rejected:
            self._transcript.rejected(exchange.rejected)
        noted = self._counts.note(failure, exchange, resumes=self.resumes)
        return Standing(
            chain=self._chain,
            tried=tuple(self._tried),
            here=noted.here,
            retries=self._counts.retries,
            progressed=noted.progressed,
            started=self._ledger.started,
            now=now,
            first=self._failures[0],
            resumed=exchange.next_request.technique != "request",
            stalls=self._counts.stalls,
            closed_early=noted.closed_early,
            is_new=self.is_new,
            asked_since=self._ledger.asked_since,
        )

    def _decide(self, failure: HolySheepError, standing: Standing) -> Decision:
        settings, budget = self._settings, self._settings.budget

        def first_choice() -> Decision:
            return decide(
                failure,
                standing,
                retry=settings.retry,
                fallback=settings.fallback,
                timeouts=settings.timeouts,
                rng=self._rng,
            )

        decision = self._with_probe(first_choice, standing.now)
        if decision.route is None:
            return decision
        account = decision.route.provider.account
        if budget.take(account):
            # All but plain retries of a failing server are paid back by content: `RetryBudget`.
            paid_back = not decision.counts or isinstance(failure, RateLimitError)
            self._counts.lent[account] += paid_back
            return decision

        def second_choice() -> Decision:
            return without_budget(
                decision, failure, standing, retry=settings.retry, fallback=settings.fallback
            )

        if decision.route != self.route:  # its probe is taken already
            return second_choice()
        cheaper = self._with_probe(second_choice, standing.now)
        if cheaper.route is None:
            failure.args = (f"{failure} Not tried again: the retry budget is used up.",)
        return cheaper

    def _with_probe(self, choose: Callable[[], Decision], now: float) -> Decision:
        """Choose a route, again if another call took its last probe meanwhile."""
        while True:
            decision = choose()
            route = decision.route
            if route is None or route == self.route or decision.wait:
                return decision
            if self._chain.states.take_probe(route, now):
                return decision

    def _first(self, now: float) -> Route:
        chain = self._chain
        fallback = self._settings.fallback
        if fallback.on is not None and not fallback.avoids_cooling:
            return chain.routes[0]
        while (route := chain.first(now)) is not None:
            if chain.states.take_probe(route, now):
                return route
        return chain.routes[0]  # all cool down: an answer is worth a try

    def goes_on_beyond_limit(self, exchange: Exchange) -> bool:
        """Tell whether an answer that its token limit ended is resumed; if so, count it."""
        resume, decoder = self._settings.resume, exchange.decoder
        limited = decoder.ending is Ending.LIMIT
        if not resume.continue_on_length or not limited or decoder.tools:
            return False
        if not exchange.shown or self.resumes >= resume.max_resumes:
            return False
        self.resumes += 1
        return True

    def limits(self, now: float) -> tuple[float | None, float | None]:
        """Return the limits of the first token and of a stall; None for those of the settings."""
        chain, tried = self._chain, self._tried
        if len(chain.routes) == len(tried) or chain.next(tried, now) is None:
            return None, None
        stalled = bool(self._counts.stalls and self._transcript.characters)
        request = self._transcript.request
        return limits_with_fallback(request, self.route, self._settings, stalled=stalled)

    # -- what happens to the running request ------------------------------------------------

    def sent(self, now: float) -> None:
        """A request went out."""
        self._sent, self.heard = now, False

    def answered(self) -> None:
        """A response came, so this is the address of a server."""
        LEARNED.answered.add(self.route.provider.address)

    @property
    def is_new(self) -> bool:
        """Whether the current route's address has not answered in this process."""
        return self.route.provider.address not in LEARNED.answered

    def note_allowance(self, left: Allowance | None) -> None:
        """The server said what is left of its rate limits."""
        self._chain.states.note_allowance(self.route.provider, left)

    def progressed(self) -> None:
        """Content came: the route works, and the retries it was lent go back to the budget."""
        if self.heard:
            return
        self.heard = True
        self._report(self._chain.states.succeeded(self.route, self._sent))
        for account, retries in self._counts.lent.items():
            if retries:
                self._settings.budget.succeeded(retries, account)
        self._counts.lent.clear()

    def succeeded(self, now: float, rate: float | None = None) -> None:
        """The answer is whole; the retry budget grows.

        Args:
            now: The time.
            rate: Characters per second of its last response, if measured.
        """
        self.progressed()  # of a refusal or a tool call, the end is the first that is seen
        self._judge(Outcome.SUCCESS, now)
        if rate is not None:
            self._chain.states.note_rate(self.route, rate)
        self._settings.budget.succeeded(0, self.route.provider.account)

    def abandoned(self, now: float) -> None:
        """The reader left before the end, which says nothing about the route."""
        self._judge(None, now)

    def _judge(self, outcome: Outcome | None, now: float) -> None:
        running = self._ledger.running
        first_token = running.first_token if running and self.heard else None
        note = None if outcome is None else Note(now, outcome, first_token)
        if self._chain.states.ended(self.route, note, probing=not self.heard):
            self._cool(now + self._settings.fallback.cooldown, now)

    def _cool(self, until: float, now: float) -> None:
        self._report(self._chain.states.cool(self.route, now, until))

    def _report(self, change: RouteChange | None) -> None:
        if change is not None:
            self._chain.report(change)

    # -- what is done about a failure -------------------------------------------------------

    def _follow(self, decision: Decision, failure: HolySheepError, now: float) -> None:
        reason = type(failure).__name__
        if decision.route is not None and decision.route != self.route:
            self._ledger.moved(self.route, decision.route, reason, now)
            self._tried.append(decision.route)
            self.route = decision.route
            self._counts.moved()
        model, wait = self.route.model, decision.wait
        if decision.asked:
            self._ledger.emit(events.RateLimitWait, now, model=model, wait=wait)
        self._ledger.emit(
            events.RetryScheduled,
            now,
            attempt=self._ledger.number,
            error=reason,
            provider=self.route.provider.name,
            model=model,
            wait=wait,
        )

    def _give_up(self, last: HolySheepError, now: float) -> HolySheepError:
        error, attempts = last, self._ledger.attempts
        resuming = rule_for(last, self._settings.retry).stay
        if self._transcript.characters and resuming and len(attempts) > 1:
            message = (
                f"The answer could not be completed in {len(attempts)} requests; the last one "
                f"failed with {type(last).__name__}: {last} What arrived is in .partial."
            )
            error = caused(StreamingRetryExhausted(message), last)
        if not self._transcript.characters:
            with_advice(error, attempts, now - self._ledger.started)
        error.partial = self._transcript.text
        error.attempts = attempts
        error.first_cause = self._failures[0] if self._failures[0] is not error else None
        self._ledger.emit(
            events.StreamFailed,
            now,
            error=type(error).__name__,
            characters=self._transcript.characters,
            attempts=len(attempts),
        )
        return error
