"""The rules of failures: what each class of error leads to, whoever the call asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.config.retry import RETRYABLE_STATUS_CODES, RetryConfig
from holysheep_core.errors import (
    AnswerExistsError,
    AnswerInUseError,
    AnswerStoppedError,
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    ConfigurationError,
    ConnectTimeoutError,
    ContentPolicyError,
    ContextLengthError,
    DeadlineExceededError,
    EmptyAnswerError,
    FirstTokenTimeoutError,
    HolySheepError,
    IncompleteToolCallError,
    InvalidJSONOutputError,
    InvalidResponseError,
    InvalidToolCallError,
    JournalError,
    LocalRateLimitError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamCutError,
    StreamingRetryExhausted,
    StreamInterruptedError,
    StreamSlowError,
    StreamStalledError,
    StreamTruncatedError,
    TLSError,
    TokenLimitError,
    UpstreamError,
)
from holysheep_core.routing.circuit import Outcome
from holysheep_core.routing.providers import Route


class Move(Enum):
    """Which other routes may take over."""

    NOWHERE = auto()
    NEXT = auto()
    OTHER_PROVIDER = auto()
    OTHER_ADDRESS = auto()
    LARGER_WINDOW = auto()


@dataclass(frozen=True)
class Rule:
    """What a class of failures leads to.

    Attributes:
        again: How often the same route is asked again before another one is.
        move: Where to go then.
        stay: Where no other route is left, ask the same one again. Only then is a wait that
            the server names of use.
        cools: The route cools down, for other calls too.
        outcome: What it says about the route; None for nothing, since the request is to blame.
    """

    again: int = 0
    move: Move = Move.NOWHERE
    stay: bool = False
    cools: bool = False
    outcome: Outcome | None = None


NEVER = Rule()
_OTHER_KEY = Rule(move=Move.OTHER_PROVIDER, outcome=Outcome.DISTURBED)
_TRANSIENT = Rule(again=2, move=Move.NEXT, stay=True, outcome=Outcome.FAILURE)
CUT = Rule(again=2, move=Move.NEXT, stay=True, outcome=Outcome.DISTURBED)

RULES: Mapping[type[HolySheepError], Rule] = {
    ConfigurationError: NEVER,
    APIError: NEVER,
    BadRequestError: NEVER,
    ContentPolicyError: NEVER,
    NotFoundError: NEVER,
    InvalidResponseError: Rule(outcome=Outcome.DISTURBED),
    EmptyAnswerError: Rule(again=1, move=Move.NEXT, outcome=Outcome.DISTURBED),
    DeadlineExceededError: NEVER,
    BudgetExceededError: NEVER,
    JournalError: NEVER,
    AnswerExistsError: NEVER,
    AnswerInUseError: NEVER,
    AnswerStoppedError: NEVER,
    InvalidJSONOutputError: NEVER,
    TokenLimitError: NEVER,
    StreamingRetryExhausted: NEVER,
    ContextLengthError: Rule(move=Move.LARGER_WINDOW),
    AuthenticationError: _OTHER_KEY,
    PermissionDeniedError: _OTHER_KEY,
    QuotaExceededError: _OTHER_KEY,
    LocalRateLimitError: Rule(move=Move.OTHER_PROVIDER),
    RateLimitError: Rule(again=1, move=Move.NEXT, stay=True, cools=True, outcome=Outcome.DISTURBED),
    OverloadedError: Rule(again=1, move=Move.NEXT, stay=True, cools=True, outcome=Outcome.FAILURE),
    ServerError: _TRANSIENT,
    APIConnectionError: _TRANSIENT,
    ConnectTimeoutError: _TRANSIENT,
    TLSError: Rule(move=Move.OTHER_ADDRESS, outcome=Outcome.FAILURE),
    FirstTokenTimeoutError: Rule(again=0, move=Move.NEXT, stay=True, outcome=Outcome.FAILURE),
    # An answer that broke off: may be the network on this side.
    StreamCutError: CUT,
    StreamTruncatedError: CUT,
    StreamStalledError: CUT,
    StreamSlowError: Rule(move=Move.NEXT, stay=True, outcome=Outcome.DISTURBED),
    UpstreamError: Rule(again=0, move=Move.NEXT, stay=True, outcome=Outcome.FAILURE),
    IncompleteToolCallError: CUT,
    # The model ended the call itself, so nothing was cut: ask it once more.
    InvalidToolCallError: Rule(again=1),
    # Raised for a different answer when resumed: ask the model once more.
    StreamInterruptedError: Rule(again=1, outcome=Outcome.DISTURBED),
}
"""A rule for every class of error; a test compares it with the tree in `errors`."""


def rule_for(failure: HolySheepError, retry: RetryConfig) -> Rule:
    """Return the rule of a failure's class, or of the nearest class above it."""
    for cls in type(failure).__mro__:
        if cls in RULES:
            rule = RULES[cls]
            break
    else:
        return NEVER
    if not isinstance(failure, APIError) or isinstance(failure, ContentPolicyError):
        return rule
    moves = rule.move in (Move.OTHER_PROVIDER, Move.LARGER_WINDOW)
    return rule if moves else _rule_of_refusal(rule, failure, retry)


def _rule_of_refusal(rule: Rule, failure: APIError, retry: RetryConfig) -> Rule:
    """Return the rule of a refusal, as its status and the user's settings change it."""
    if failure.should_retry is not None:
        return _as_the_server_says(rule, again=failure.should_retry)
    status = failure.status_code
    if status is None:
        return rule
    if status in retry.retryable_status_codes:
        return _TRANSIENT if rule is NEVER else rule
    if rule.cools and status not in RETRYABLE_STATUS_CODES:
        return rule  # the body is more exact than the status: a rate limit sent as a 400
    return replace(NEVER, outcome=rule.outcome)


def _as_the_server_says(rule: Rule, *, again: bool) -> Rule:
    """Return the rule for a failure whose response has `x-should-retry`.

    "false" ends it on this route. A rate limit or an overload says nothing of the next one, which
    is asked; where there is none, it is the error.
    """
    if again:
        return _TRANSIENT if rule is NEVER else rule
    if rule.cools:
        return replace(rule, again=0, stay=False)
    return replace(NEVER, outcome=rule.outcome)


OWN_TO_A_FALLBACK = (BadRequestError, NotFoundError, PermissionDeniedError)
"""Refusals of a fallback model that say nothing of the model the user asked for."""


NOT_THIS_MODEL = Rule(move=Move.NEXT, outcome=Outcome.DISTURBED)
"""A refusal that names the model, or a request larger than all that its limit allows in a minute:
another model may take it."""
NEW_ADDRESS = Rule(move=Move.OTHER_ADDRESS, stay=True, outcome=Outcome.FAILURE)
"""No connection to an address that has not answered in this process: probably a mistake."""


def rule_at(
    route: Route,
    failure: HolySheepError,
    retry: RetryConfig,
    fallback: FallbackConfig,
    *,
    is_new: bool = False,
) -> Rule:
    """Return the rule of a failure on a route, as the user's settings change it.

    Args:
        route: Who was asked.
        failure: What broke.
        retry: The user's retry settings.
        fallback: The user's fallback settings; their `on` says after which errors to move.
        is_new: The route's address has not answered in this process.
    """
    rule = _rule_at(route, failure, retry, is_new=is_new)
    if fallback.on is None:
        return rule
    if not fallback.moves_after(failure):
        return replace(rule, move=Move.NOWHERE)
    return replace(rule, move=Move.NEXT) if rule.move is Move.NOWHERE else rule


def _rule_at(route: Route, failure: HolySheepError, retry: RetryConfig, *, is_new: bool) -> Rule:
    if is_new and type(failure) in (APIConnectionError, ConnectTimeoutError):
        return NEW_ADDRESS
    if type(failure) in OWN_TO_A_FALLBACK:
        names = {route.model, route.provider.models.get(route.model, route.model)}
        coded = isinstance(failure, APIError) and "model" in (failure.code or "").lower()
        if coded or any(name in str(failure) for name in names):
            return NOT_THIS_MODEL
    if type(failure) is RateLimitError and _is_too_large(failure):
        return NOT_THIS_MODEL
    return rule_for(failure, retry)


_LIMIT_AND_REQUESTED = re.compile(
    r"limit:?\s*([\d,]+)\D{1,20}requested:?\s*([\d,]+)", re.IGNORECASE
)


def _is_too_large(failure: APIError) -> bool:
    """Tell whether a request is larger than all that a limit allows in its time."""
    found = _LIMIT_AND_REQUESTED.search(str(failure))
    if found is None:
        return False
    limit, requested = (int(each.replace(",", "") or 0) for each in found.groups())
    return requested > limit
