"""After a failure: where the call stands, and where it goes next.

Counts what the table of failures (`policy`) needs to know, asks it, and carries out its
decision: cools routes, takes probes, moves to another route, schedules the next request, or
builds the final error. All limits meet here: retries, continuations, the budget of the process,
so that nothing runs for ever, however often a stream breaks and however little each attempt adds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from holysheep_core import events
from holysheep_core.engine.exchange import Exchange
from holysheep_core.engine.ledger import Ledger
from holysheep_core.engine.outgoing import for_route, sent_fields
from holysheep_core.engine.policy import Decision, Standing, decide, without_budget
from holysheep_core.engine.rules import Move, rule_for
from holysheep_core.engine.settings import Settings
from holysheep_core.errors import (
    APIConnectionError,
    APIError,
    BadRequestError,
    HolySheepError,
    InvalidToolCallError,
    RateLimitError,
    StreamCutError,
    StreamingRetryExhausted,
    StreamStalledError,
    UpstreamError,
    caused,
)
from holysheep_core.families.adapt import log_lesson
from holysheep_core.families.parameters import is_thinking
from holysheep_core.families.refusals import Lesson, lesson_of
from holysheep_core.families.table import family_of, takes_prefill
from holysheep_core.protocol.finish_reasons import Ending
from holysheep_core.protocol.offered_tools import ids_of, offered_tools
from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.protocol.response import ResponseDecoder
from holysheep_core.protocol.tool_calls import ToolCallAssembler
from holysheep_core.resume.transcript import Transcript
from holysheep_core.routing.circuit import Note, Outcome
from holysheep_core.routing.providers import Route
from holysheep_core.routing.route_state import RouteChange
from holysheep_core.routing.routes import FallbackChain
from holysheep_core.tokens import prompt_tokens

_AFTER_A_STALL = 3.0
"""Seconds for each limit of a request for the rest, on a route that has stalled."""
_TOKENS_READ = 10_000
"""Tokens of a prompt that a slow model reads in a second."""
SOUND_PROGRESS = 40
"""Characters an attempt must have added for the next one to follow without a wait."""


@dataclass
class Counts:
    """The counters of a call.

    Attributes:
        here: Failures in a row on the current route.
        rejected: Responses to a request for the rest that could not be joined.
        closed_early: Connections that were closed before a byte of the response.
        misspelt: Responses whose tool calls the model ended with something that is no JSON.
        stalls: Stalls on the current route.
        retries: Requests spent by `RetryConfig.max_retries`.
        lent: Requests, by account, whose cost comes back to the budget once content flows.
    """

    here: int = 0
    rejected: int = 0
    misspelt: int = 0
    closed_early: int = 0
    stalls: int = 0
    retries: int = 0
    lent: Counter[str] = field(default_factory=Counter)


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
        prefill = resume.prefill
        params = self._transcript.request.params
        thinks = is_thinking(params, route.model)
        if prefill is None:
            known = settings.catalog.card(route.model).prefill or takes_prefill(route.model)
            prefill = provider.prefix_flag or provider.continue_final_message or known
            prefill = prefill and not (thinks and family_of(route.model).name == "claude")
        next_request = self._transcript.next_request(
            prefill=prefill and not self._chain.states.rejects_prefill(route),
            prefix_flag=provider.prefix_flag,
            continue_flag=provider.continue_final_message,
            thinks=thinks,
        )
        return Exchange(
            next_request, decoder, self._transcript, self._ledger, text_is_whole=self._text_is_whole
        )

    def _new_tools(self) -> ToolCallAssembler:
        """Return the assembler of the running answer's tool calls; called for the first one."""
        request, ledger = self._transcript.request, self._ledger
        seed = f"{ledger.call_id}/{ledger.began}/{len(ledger.attempts)}"
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
        if type(failure) is BadRequestError and self._learns_from(failure, exchange):
            self._follow(Decision(self.route), failure, now)
            return 0.0
        in_answer = exchange.decoder.has_content
        self._text_is_whole = exchange.text_is_whole
        another_key = rule_for(failure, settings.retry).move is Move.OTHER_PROVIDER
        if in_answer and isinstance(failure, APIError) and not another_key:
            failure = caused(UpstreamError(f"The server broke off its answer: {failure}"), failure)
        self._failures.append(failure)
        broken_off = in_answer and not isinstance(failure, InvalidToolCallError)
        if broken_off:
            self._ledger.emit(
                events.StreamCut,
                now,
                attempt=len(self._ledger.attempts),
                error=type(failure).__name__,
                characters=self._transcript.characters,
            )
        standing = self._standing(failure, exchange, in_answer=in_answer, now=now)
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
        return self._chain.states.lessons(self.route)

    def _learns_from(self, failure: BadRequestError, exchange: Exchange) -> bool:
        """Tell whether a refusal shows how to ask this route in another way."""
        states, route, settings = self._chain.states, self.route, self._settings
        next_request = exchange.next_request
        if settings.adapt and not exchange.decoder.has_content:
            request = for_route(next_request.request, route, settings, self.lessons)
            fields = sent_fields(request, settings)
            raw = failure.body or ""
            lesson = lesson_of(str(failure), failure.param, fields, request, raw)
            if lesson is not None and states.learn(route, lesson):
                log_lesson(route.model, lesson)
                return True
        if next_request.technique == "prefill":
            # Not the user's error: this route takes no prefill, so ask in words.
            states.learn_no_prefill(route)
            return True
        return next_request.technique == "continuation" and self._transcript.refused()

    def _standing(
        self, failure: HolySheepError, exchange: Exchange, *, in_answer: bool, now: float
    ) -> Standing:
        # To resume at once is right for a connection that was working, and hammering for one
        # that breaks after every other word.
        counts = self._counts
        progressed = in_answer and (not self.resumes or len(exchange.shown) >= SOUND_PROGRESS)
        counts.here = 1 if progressed else counts.here + 1
        self._transcript.doubtful = exchange.decoder.doubtful
        if exchange.rejected:
            self._transcript.rejected(exchange.rejected)
            counts.rejected += 1
        cut = isinstance(failure, APIConnectionError) and isinstance(
            failure.__cause__, StreamCutError
        )
        closed = cut and exchange.decoder.status is None
        counts.closed_early += closed
        counts.stalls += isinstance(failure, StreamStalledError)
        here = counts.rejected if exchange.rejected else counts.here
        sound = progressed and not exchange.rejected
        if isinstance(failure, InvalidToolCallError):
            counts.misspelt += 1
            here, sound = counts.misspelt, counts.misspelt == 1  # the server works: no wait
        return Standing(
            chain=self._chain,
            tried=tuple(self._tried),
            here=here,
            retries=counts.retries,
            progressed=sound,
            started=self._ledger.started,
            now=now,
            first=self._failures[0],
            resumed=exchange.next_request.technique != "request",
            stalls=counts.stalls,
            closed_early=closed and counts.closed_early == 1,
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
        """Return the limits of the first token and of a stall while another route is left."""
        timeouts, request = self._settings.timeouts, self._transcript.request
        if self._chain.next(self._tried, now) is None:
            return None, None
        first_token, stall = timeouts.first_token_with_fallback, timeouts.stall_with_fallback
        if is_thinking(request.params, self.route.model):
            return None, None
        if self._counts.stalls and self._transcript.characters:
            return _AFTER_A_STALL, _AFTER_A_STALL
        if first_token is not None:
            first_token += prompt_tokens(request) / _TOKENS_READ
        return first_token, None if request.params.get("tools") else stall

    # -- what happens to the running request ------------------------------------------------

    def sent(self, now: float) -> None:
        """A request went out."""
        self._sent, self.heard = now, False

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

    def succeeded(self, now: float) -> None:
        """The answer is whole; the retry budget grows."""
        self.progressed()  # of a refusal or a tool call, the end is the first that is seen
        self._judge(Outcome.SUCCESS, now)
        self._settings.budget.succeeded(0, self.route.provider.account)

    def abandoned(self, now: float) -> None:
        """The reader left before the end, which says nothing about the route."""
        self._judge(None, now)

    def _judge(self, outcome: Outcome | None, now: float) -> None:
        attempts = self._ledger.attempts
        first_token = attempts[-1].first_token if attempts and self.heard else None
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
            self.route, self._counts.here, self._counts.stalls = decision.route, 0, 0
        model, wait = self.route.model, decision.wait
        if decision.asked:
            self._ledger.emit(events.RateLimitWait, now, model=model, wait=wait)
        self._ledger.emit(
            events.RetryScheduled,
            now,
            attempt=len(self._ledger.attempts),
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
