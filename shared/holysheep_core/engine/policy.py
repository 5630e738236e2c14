"""The table of failures: what follows when something breaks.

Consulted between requests, never per chunk. A failure is an error object; its class finds the rule
(`rules`, which docs/failures.md prints as a table), and the rule and the call's standing give the
decision. What the rules do not say, and is decided here:

- A wait that the server names is waited exactly, on the same route, twice at most, if it is no
  longer than `RetryConfig.patience`; a longer one moves the call, and the route cools down so long.
- An answer that broke off is resumed on the same route at once, since it was working; on the next
  one if it stalls again, or adds nothing when resumed.
- A fallback's own 400, 403 or 404 never ends the call: the next route, else the model asked for,
  else the first error.
- A connection that is closed before any byte of a response is made again at once, once.
- An address that has not answered in this process is asked again for 2 s at most.

Where there is no next route, the same one is asked until `RetryConfig` says stop. Where the retry
budget is used up, the next route is asked at once and the one that failed cools down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.config.retry import RetryConfig, Timeouts
from holysheep_core.engine.backoff import Failures, backoff, exhausted
from holysheep_core.engine.rules import CUT, OWN_TO_A_FALLBACK, Move, Rule, rule_at
from holysheep_core.errors import (
    APIError,
    BadRequestError,
    DeadlineExceededError,
    HolySheepError,
    StreamStalledError,
)
from holysheep_core.routing.providers import Route
from holysheep_core.routing.routes import FallbackChain


@dataclass(frozen=True)
class Standing:
    """Where a call stands when something breaks.

    Attributes:
        chain: The call's routes.
        tried: Routes asked so far, in order of first use; the last one is the one that failed.
        here: Failures in a row on this route, this one included.
        retries: Requests already spent on asking a route again.
        progressed: The request that failed had added new text.
        started: When the call began.
        now: The time.
        first: The call's first failure.
        resumed: The request that failed asked for the rest of an answer.
        stalls: How often this route has stalled in this call.
        closed_early: The connection was closed before a byte of the response, for the first time
            in this call, as happens to one that was kept open for too long.
        is_new: The route's address has not answered anything in this process.
        asked_since: When the call's first request went out.
    """

    chain: FallbackChain
    tried: tuple[Route, ...]
    here: int
    retries: int
    progressed: bool
    started: float
    now: float
    first: HolySheepError | None = None
    resumed: bool = False
    stalls: int = 0
    closed_early: bool = False
    is_new: bool = False
    asked_since: float = 0.0

    def rule(self, failure: HolySheepError, retry: RetryConfig, fallback: FallbackConfig) -> Rule:
        """Return the rule of a failure here."""
        return rule_at(self.tried[-1], failure, retry, fallback, is_new=self.is_new)

    @property
    def is_fallback(self) -> bool:
        """Tell whether the route that failed is one of another model than the user asked for."""
        return self.tried[-1].model != self.chain.routes[0].model


@dataclass(frozen=True)
class Decision:
    """What follows a failure: another request, or the end of the call.

    Attributes:
        route: Where the next request goes; None: the call ends with `error`.
        error: The error to raise; None: there is another request.
        wait: Seconds to wait before the next request.
        asked: The server named that wait.
        counts: It is a retry by `RetryConfig.max_retries` (moves and continuations are not).
        cool_until: Until when the route that failed cools down, for other calls too.
    """

    route: Route | None = None
    error: HolySheepError | None = None
    wait: float = 0.0
    asked: bool = False
    counts: bool = True
    cool_until: float | None = None


def decide(
    failure: HolySheepError,
    standing: Standing,
    *,
    retry: RetryConfig,
    fallback: FallbackConfig,
    timeouts: Timeouts,
    rng: Callable[[], float],
) -> Decision:
    """Say what follows a failure. Changes nothing.

    Args:
        failure: What broke.
        standing: Where the call stands.
        retry: The user's retry settings.
        fallback: The user's fallback settings.
        timeouts: The user's time limits.
        rng: Returns a number from 0 up to 1.
    """
    route, now = standing.tried[-1], standing.now
    rule = standing.rule(failure, retry, fallback)
    if standing.is_fallback and type(failure) in OWN_TO_A_FALLBACK:
        return _without_fallback(failure, standing, retry=retry, rng=rng)
    if rule.move is Move.NOWHERE and not rule.again and not rule.stay:
        return Decision(error=failure)
    failures = Failures(standing.retries + 1, failure, standing.started, now)
    # A hint of 0 is none: taken at its word it would be hammering.
    said = failure.retry_after if rule.stay and isinstance(failure, APIError) else None
    hint = said or None
    patient = hint is not None and hint <= retry.patience
    again = _tries(rule, failure, standing)
    if hint is not None:
        again = 2 if patient else 0
    cool_until = None
    if rule.cools and not patient:
        cool_until = now + (fallback.cooldown if hint is None else hint)

    decision = Decision(route, counts=False)
    if not (standing.progressed and again):
        spent = exhausted(retry, failures)
        # A move is no retry; but whoever gives a `stop` of tenacity means the whole call.
        leaves = standing.here > again or (spent and retry.stop is None)
        other = _other_route(rule.move, standing) if leaves else None
        if other is not None:
            decision = Decision(other, counts=False)
        elif (standing.here > again and not rule.stay) or spent:
            return Decision(error=failure, cool_until=cool_until)
        else:
            wait = hint
            if wait is None:
                # Where somebody else is left to ask, the wait need not grow.
                left = retry.wait is None and _other_route(rule.move, standing) is not None
                wait = backoff(retry, failures._replace(number=1) if left else failures, rng)
            decision = Decision(
                route, wait=0.0 if standing.closed_early else wait, asked=hint is not None
            )
    late = _too_late(decision, failure, standing, rule, retry=retry, timeouts=timeouts)
    if late is not None:
        return Decision(error=late, cool_until=cool_until)
    return replace(decision, cool_until=cool_until)


def _too_late(
    decision: Decision,
    failure: HolySheepError,
    standing: Standing,
    rule: Rule,
    *,
    retry: RetryConfig,
    timeouts: Timeouts,
) -> HolySheepError | None:
    """Return the error of a call whose next request would come too late, if it would."""
    at, total = standing.now + decision.wait, timeouts.total
    beyond = total is not None and at >= standing.started + total
    if decision.asked and (beyond or decision.wait > retry.max_delay):
        return failure  # it says how long the server wants the caller to wait
    stays = decision.route == standing.tried[-1]
    if rule.move is Move.OTHER_ADDRESS and stays and at > standing.asked_since + _NEW_SECONDS:
        return failure
    if beyond:
        return DeadlineExceededError(
            f"The next request would go out after the call's total of {total:g} s; last: {failure}"
        )
    return None


def _tries(rule: Rule, failure: HolySheepError, standing: Standing) -> int:
    """Return how often the same route is asked again before another one is.

    Not at all after a cut if it stalled before, or if its response to the request for the rest
    broke off with nothing new.
    """
    stalled = isinstance(failure, StreamStalledError) and standing.stalls > 1
    lost = stalled or (standing.resumed and not standing.progressed)
    return 0 if rule is CUT and lost else rule.again


def _without_fallback(
    failure: HolySheepError,
    standing: Standing,
    *,
    retry: RetryConfig,
    rng: Callable[[], float],
) -> Decision:
    """Say what follows when a fallback model refuses the request: it never ends the call.

    The next route is asked, else the model asked for once more, when it is due; else the call ends
    with its *first* failure.
    """
    asked, now = standing.chain.routes[0], standing.now
    absent = None if type(failure) is BadRequestError else now + ABSENT
    other = _other_route(Move.NEXT, standing)
    if other is not None:
        return Decision(other, counts=False, cool_until=absent)
    failures = Failures(standing.retries + 1, failure, standing.started, now)
    # A wait that its server named is kept; a cooldown of our own is not: nobody else is left.
    named = isinstance(standing.first, APIError) and standing.first.retry_after
    due = standing.chain.states.available_at(asked, now) - now if named else 0.0
    wait = max(due, backoff(retry, failures, rng), _SHORTEST)
    if exhausted(retry, failures) or wait > retry.max_delay:
        return Decision(error=standing.first or failure, cool_until=absent)
    return Decision(asked, wait=wait, cool_until=absent)


_NEW_SECONDS = 2.0
"""Seconds for which an address that has not answered in this process is asked again."""
ABSENT = 300.0
"""Seconds for which a fallback model that does not exist, or is forbidden, is not asked again."""
_SHORTEST = 0.001
"""A wait of none would need the route's probe at once."""


def without_budget(
    decision: Decision,
    failure: HolySheepError,
    standing: Standing,
    *,
    retry: RetryConfig,
    fallback: FallbackConfig,
) -> Decision:
    """Say where a call goes whose next request the retry budget cannot pay. Changes nothing.

    Refusing a move with the retries would lose calls that a healthy route could serve. A move
    is not hammering, as a call goes to each route once; and since the route that fails cools
    down, the calls after this one begin elsewhere, so that in an outage of all routes nobody
    moves any more.

    Args:
        decision: What `decide` said: another request.
        failure: What broke.
        standing: Where the call stands.
        retry: The user's retry settings.
        fallback: The user's fallback settings.
    """
    rule = standing.rule(failure, retry, fallback)
    route, cool_until = standing.tried[-1], decision.cool_until
    if rule.stay and not standing.progressed:
        cool_until = max(cool_until or 0.0, standing.now + fallback.cooldown)
    if decision.route != route:
        return replace(decision, cool_until=cool_until)
    other = _other_route(rule.move, standing)
    if other is not None:
        return Decision(other, counts=False, cool_until=cool_until)
    return Decision(error=failure, cool_until=cool_until)


def _other_route(move: Move, standing: Standing) -> Route | None:
    if move is Move.NOWHERE:
        return None
    return standing.chain.next(
        standing.tried,
        standing.now,
        other_provider=move is Move.OTHER_PROVIDER,
        other_address=move is Move.OTHER_ADDRESS,
        wider=move is Move.LARGER_WINDOW,
    )
