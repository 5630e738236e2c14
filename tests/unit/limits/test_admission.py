"""Admission: entered before each request of a call, settled at the call's end."""

import itertools

import pytest

from holysheep_core import LocalRateLimitError, Provider, RateLimits
from holysheep_core.clock import clock
from holysheep_core.limits.admission import Admission
from holysheep_core.limits.limiter import limiter_of
from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.routing.providers import Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.types import Attempt, ChatRequest, Usage

numbers = itertools.count()


def provider(**limits):
    made = RateLimits(**{"max_wait": 0, **limits}) if limits else None
    return Provider(f"key-{next(numbers)}", rate_limits=made)


def request(to):
    asked = ChatRequest("m", [{"role": "user", "content": "hi"}], {"max_tokens": 10})
    return Route(to, "m"), asked, None, lambda *_: None


def attempt(tokens):
    usage = Usage(0, tokens)
    return Attempt(1, "p", "m", "request", 0.0, 1.0, 0.1, 200, None, "", 0, usage, None)


def test_it_is_needed_where_a_provider_has_limits_or_the_user_a_limiter():
    def is_needed(providers, pace=None):
        return Admission(providers, RouteStates(), None, pace).is_needed

    assert not is_needed([provider(), provider()])
    assert is_needed([provider(), provider(requests_per_minute=5)])
    assert is_needed([provider()], pace=lambda: None)


def test_each_request_takes_from_the_limits_of_its_own_provider():
    one, two = provider(requests_per_minute=1), provider(requests_per_minute=1)
    admission = Admission([one, two], RouteStates(), None, None)
    admission.enter(*request(one))
    admission.enter(*request(two))
    with pytest.raises(LocalRateLimitError):
        admission.enter(*request(one))


async def test_a_limiter_of_the_users_own_is_asked_first_and_may_be_a_coroutine():
    asked, to = [], provider(requests_per_minute=1)

    async def pace():
        asked.append("async")

    await Admission([to], RouteStates(), None, pace).aenter(*request(to))
    admission = Admission([to], RouteStates(), None, lambda: asked.append("sync"))
    with pytest.raises(LocalRateLimitError):
        admission.enter(*request(to))
    with pytest.raises(LocalRateLimitError):
        await admission.aenter(*request(to))
    assert asked == ["async", "sync", "sync"]


def test_what_was_reserved_is_corrected_request_by_request_and_given_back_where_none_went():
    to = provider(tokens_per_minute=1000)
    admission = Admission([to], RouteStates(), None, None)
    for _ in range(3):
        admission.enter(*request(to))
    admission.settle([attempt(100), attempt(7)])  # the third was never sent
    limiter = limiter_of(to, None)
    [item] = limiter._counters._tokens
    assert limiter._counters._memory.get(item.key_for(limiter._counters._account)) == 107


def test_what_the_server_said_is_left_holds_a_request_back():
    to, states = provider(requests_per_minute=60), RouteStates()
    left = Allowance(requests=0, tokens=None, until=clock() + 1000)
    states.note_allowance(to, left)
    with pytest.raises(LocalRateLimitError, match="as the server counts them"):
        Admission([to], states, None, None).enter(*request(to))
