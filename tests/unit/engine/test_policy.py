"""The table of failures, row by row, as arithmetic."""

import pytest
from tenacity import stop_after_attempt, wait_fixed

from holysheep_core import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    ConnectTimeoutError,
    ContentPolicyError,
    ContextLengthError,
    DeadlineExceededError,
    FallbackConfig,
    FirstTokenTimeoutError,
    HolySheepError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    RetryConfig,
    ServerError,
    StreamCutError,
    StreamStalledError,
    Timeouts,
    TLSError,
    UpstreamError,
)
from holysheep_core.catalog import Catalog
from holysheep_core.engine.policy import Standing, decide, without_budget
from holysheep_core.engine.rules import RULES
from holysheep_core.errors import APIError
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.routing.routes import FallbackChain

ONE = Provider("k1", "https://one.test/v1", name="one")
TWO = Provider("k2", "https://two.test/v1", name="two")
BIG, SMALL = Route(ONE, "gpt-4.1"), Route(ONE, "gemini-2.5-flash")
NARROW = Route(ONE, "claude-sonnet-4.5")
ELSEWHERE = Route(TWO, "gpt-4.1")


def after(failure, *, routes=(BIG, SMALL), tried=(BIG,), here=1, progressed=False, **settings):
    """What follows: (route, wait), or the error."""
    retries = settings.pop("retries", here - 1)
    states = settings.pop("route_states", RouteStates())
    chain = FallbackChain(routes, states, Catalog())
    timeouts = settings.pop("timeouts", Timeouts())
    fallback = settings.pop("fallback", FallbackConfig())
    answer = decide(
        failure,
        Standing(
            *(chain, tuple(tried), here, retries, progressed),
            started=0.0,
            now=100.0,
            first=settings.pop("first", None),
            resumed=settings.pop("resumed", False),
            stalls=settings.pop("stalls", 0),
            closed_early=settings.pop("closed_early", False),
            is_new=settings.pop("is_new", False),
            asked_since=settings.pop("asked_since", 0.0),
        ),
        retry=settings.pop("retry", None) or RetryConfig(jitter=0.0, **settings),
        fallback=fallback,
        timeouts=timeouts,
        rng=lambda: 0.0,
    )
    if answer.cool_until is not None:
        states.cool(tried[-1], 100.0, answer.cool_until)
    return answer.error if answer.route is None else (answer.route, answer.wait)


@pytest.mark.parametrize(
    "failure", [APIConnectionError(), *(ServerError(status_code=s) for s in (408, 500, 502, 504))]
)
def test_no_connection_or_a_server_error_is_tried_twice_more_then_the_next_route(failure):
    assert after(failure, here=1) == (BIG, 1.0)
    assert after(failure, here=2) == (BIG, 1.0)  # it need not grow: somebody else is left
    assert after(failure, here=3) == (SMALL, 0.0)
    assert after(failure, here=2, routes=(BIG,)) == (BIG, 2.0)


@pytest.mark.parametrize("status", [503, 529])
def test_overloaded_is_tried_once_more_then_the_next_route_and_cools_down(status):
    route_states = RouteStates()
    failure = OverloadedError(status_code=status)
    assert after(failure, here=1, route_states=route_states) == (BIG, 1.0)
    assert route_states.state(BIG, 109.0) == "open"
    assert after(failure, here=2) == (SMALL, 0.0)


def test_a_429_with_a_wait_within_patience_is_sat_out_twice_then_the_next_route():
    failure = RateLimitError(status_code=429, retry_after=5.0)
    assert after(failure, here=1) == (BIG, 5.0)
    assert after(failure, here=2) == (BIG, 5.0)
    assert after(failure, here=3) == (SMALL, 0.0)


def test_a_429_with_a_longer_wait_downgrades_at_once_and_cools_down_that_long():
    route_states = RouteStates()
    failure = RateLimitError(status_code=429, retry_after=30.0)
    assert after(failure, route_states=route_states) == (SMALL, 0.0)
    assert route_states.state(BIG, 129.9) == "open"
    assert route_states.state(BIG, 130.1) == "half-open"


def test_a_429_with_a_longer_wait_and_nowhere_to_go_is_waited_for_up_to_max_delay():
    failure = RateLimitError(status_code=429, retry_after=30.0)
    assert after(failure, routes=[BIG]) == (BIG, 30.0)
    assert after(failure, routes=[BIG], max_delay=20) is failure


def test_a_429_without_a_hint_is_tried_once_more_with_backoff_then_downgraded():
    failure = RateLimitError(status_code=429)
    assert after(failure, here=1) == (BIG, 1.0)
    assert after(failure, here=2) == (SMALL, 0.0)


@pytest.mark.parametrize(
    "failure",
    [
        QuotaExceededError(status_code=429),
        QuotaExceededError(status_code=402),
        AuthenticationError(status_code=401),
        PermissionDeniedError(status_code=403),
    ],
)
def test_quota_and_keys_are_never_retried_but_go_to_another_provider(failure):
    assert after(failure) is failure
    assert after(failure, routes=[BIG, SMALL, ELSEWHERE]) == (ELSEWHERE, 0.0)


def test_a_prompt_too_long_goes_to_a_larger_window_or_fails():
    failure = ContextLengthError(status_code=400)
    assert after(failure, routes=[NARROW, SMALL], tried=[NARROW]) == (SMALL, 0.0)
    assert after(failure, routes=[SMALL, NARROW], tried=[SMALL]) is failure


@pytest.mark.parametrize("failure", [BadRequestError(status_code=400), APIError(status_code=418)])
def test_any_other_refusal_is_the_error_at_once(failure):
    assert after(failure) is failure


def test_the_user_decides_which_statuses_are_retried():
    teapot = APIError(status_code=418)
    assert after(teapot, retryable_status_codes=[418]) == (BIG, 1.0)
    failure = ServerError(status_code=500)
    assert after(failure, retryable_status_codes=[502]) is failure


@pytest.mark.parametrize("status", [499, 508, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599])
def test_a_status_of_the_proxies_before_a_server_is_tried_again(status):
    assert after(ServerError(status_code=status)) == (BIG, 1.0)


@pytest.mark.parametrize("status", [501, 505])
def test_what_a_server_cannot_do_at_all_is_the_error_at_once(status):
    failure = ServerError(status_code=status)
    assert after(failure) is failure


def test_a_filter_is_not_asked_again_whatever_its_status():
    failure = ContentPolicyError(status_code=500)
    assert after(failure, retryable_status_codes=[500]) is failure


@pytest.mark.parametrize("kind", [RateLimitError, OverloadedError])
def test_a_body_that_is_more_exact_than_the_status_is_believed(kind):
    assert after(kind(status_code=400)) == (BIG, 1.0)
    assert after(kind(status_code=403), here=2) == (SMALL, 0.0)
    excluded = kind(status_code=429)
    assert after(excluded, retryable_status_codes=[500]) is excluded


def test_a_server_that_wants_no_second_try_gets_none():
    failure = ServerError(status_code=500, should_retry=False)
    assert after(failure) is failure
    limited = RateLimitError(status_code=429, should_retry=False, retry_after=1.0)
    assert after(limited) == (SMALL, 0.0)
    assert after(limited, routes=[BIG]) is limited


def test_a_server_that_wants_a_second_try_gets_one():
    assert after(BadRequestError(status_code=400, should_retry=True)) == (BIG, 1.0)
    for never in (QuotaExceededError, ContentPolicyError):
        failure = never(status_code=429, should_retry=True)
        assert after(failure) is failure


def test_a_silent_route_is_not_asked_again_where_there_is_another():
    assert after(FirstTokenTimeoutError()) == (SMALL, 0.0)
    assert after(FirstTokenTimeoutError(), routes=[BIG]) == (BIG, 1.0)


@pytest.mark.parametrize("failure", [StreamCutError(), StreamStalledError()])
def test_a_cut_after_content_goes_on_at_once_on_the_same_route(failure):
    assert after(failure, progressed=True) == (BIG, 0.0)


def test_an_error_event_after_content_goes_on_on_the_next_route():
    assert after(UpstreamError(), progressed=True) == (SMALL, 0.0)
    assert after(UpstreamError(), routes=[BIG], progressed=True) == (BIG, 1.0)


@pytest.mark.parametrize("retries", range(6))
def test_max_retries_ends_it_where_no_route_is_left(retries):
    failure = ServerError(status_code=500)
    answer = after(failure, routes=[BIG], here=retries + 1, max_retries=3)
    assert (answer is failure) == (retries >= 3)


def test_with_no_retries_another_route_is_still_used():
    failure = OverloadedError(status_code=503)
    assert after(failure, here=2, retries=0, max_retries=0) == (SMALL, 0.0)


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize(
    "failure",
    [APIConnectionError(), ServerError(status_code=500), RateLimitError(status_code=429)],
)
def test_a_move_to_the_fallback_does_not_depend_on_retries(failure, retries):
    spent = {"max_retries": retries, "retries": retries}
    assert after(failure, here=retries + 1, **spent) == (SMALL, 0.0)
    assert after(failure, here=retries + 1, routes=(BIG,), **spent) is failure


@pytest.mark.parametrize("failure", [StreamCutError(), StreamStalledError()])
def test_a_route_whose_response_to_the_request_for_the_rest_adds_nothing_is_left(failure):
    assert after(failure, resumed=False, progressed=True) == (BIG, 0.0)
    assert after(failure, resumed=True, progressed=True) == (BIG, 0.0)
    assert after(failure, resumed=True, progressed=False) == (SMALL, 0.0)


def test_a_route_that_stalls_a_second_time_is_left():
    failure = StreamStalledError()
    assert after(failure, progressed=True, stalls=1) == (BIG, 0.0)
    assert after(failure, progressed=True, stalls=2) == (SMALL, 0.0)
    assert after(failure, progressed=True, stalls=2, routes=(BIG,)) == (BIG, 1.0)


REFUSALS = [
    BadRequestError(status_code=400),
    NotFoundError(status_code=404),
    PermissionDeniedError(status_code=403),
]


@pytest.mark.parametrize("failure", REFUSALS)
def test_a_fallbacks_own_refusal_goes_on_to_the_next_or_back_to_the_model_asked_for(failure):
    first, tried = RateLimitError(status_code=429), (BIG, SMALL)
    routes = (BIG, SMALL, NARROW)
    assert after(failure, routes=routes, tried=tried, first=first) == (NARROW, 0.0)
    assert after(failure, tried=tried, first=first) == (BIG, 1.0)
    cooled = RouteStates()
    cooled.cool(BIG, 90.0, 108.0)
    assert after(failure, tried=tried, first=first, route_states=cooled) == (BIG, 1.0)
    named = RateLimitError(status_code=429, retry_after=18.0)
    assert after(failure, tried=tried, first=named, route_states=cooled) == (BIG, 8.0)
    late = RouteStates()
    late.cool(BIG, 90.0, 300.0)
    named = RateLimitError(status_code=429, retry_after=210.0)
    assert after(failure, tried=tried, first=named, route_states=late) is named
    assert after(failure, tried=tried, first=first, max_retries=0, retries=0) is first


@pytest.mark.parametrize(
    "failure",
    [
        NotFoundError("The model `gpt-4.1` does not exist.", status_code=404),
        PermissionDeniedError("No access to model gpt-4.1.", status_code=403),
        BadRequestError("gpt-4.1 is not available in your region.", status_code=400),
        NotFoundError("Not here.", status_code=404, code="model_not_found"),
        RateLimitError(
            "Request too large for gpt-4.1 on tokens per min (TPM): Limit 30000, Requested 40,000.",
            status_code=429,
        ),
    ],
)
def test_a_refusal_that_names_the_model_goes_to_the_next_route(failure):
    assert after(failure) == (SMALL, 0.0)
    assert after(failure, routes=(BIG,)) is failure


def test_a_rate_limit_that_the_request_fits_in_is_no_reason_to_leave_at_once():
    words = "Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000, Requested 4000."
    assert after(RateLimitError(words, status_code=429)) == (BIG, 1.0)


def test_a_connection_closed_before_any_byte_is_asked_again_at_once_the_first_time():
    assert after(APIConnectionError(), closed_early=True) == (BIG, 0.0)
    assert after(APIConnectionError(), closed_early=False) == (BIG, 1.0)


@pytest.mark.parametrize("failure", [NotFoundError(status_code=404), BadRequestError()])
def test_a_fallback_that_does_not_exist_is_not_asked_for_minutes(failure):
    states = RouteStates()
    after(failure, tried=(BIG, SMALL), first=ServerError(), route_states=states)
    expected = "open" if isinstance(failure, NotFoundError) else "closed"
    assert states.state(SMALL, 300.0) == expected


def test_a_prompt_too_long_goes_to_a_window_that_is_not_known():
    failure, other = ContextLengthError(status_code=400), Route(ONE, "my-model")
    assert after(failure, routes=[BIG, other], tried=[BIG]) == (other, 0.0)
    assert after(failure, routes=[other, BIG], tried=[other]) == (BIG, 0.0)


def test_a_filters_refusal_of_a_fallback_is_the_error():
    failure = ContentPolicyError(status_code=400)
    assert after(failure, tried=(BIG, SMALL)) is failure


def test_tenacitys_own_wait_and_stop_objects_decide():
    failure = ServerError(status_code=500)
    retry = RetryConfig(wait=wait_fixed(7), stop=stop_after_attempt(2))
    assert after(failure, retry=retry, here=1) == (BIG, 7.0)
    assert after(failure, retry=retry, here=2) is failure


def test_a_wait_that_would_exceed_the_total_ends_the_call_now():
    failure = ServerError(status_code=500)
    error = after(failure, timeouts=Timeouts(total=100.5))
    assert isinstance(error, HolySheepError)
    assert "100.5" in str(error)


@pytest.mark.parametrize("here", [1, 3])
@pytest.mark.parametrize("failure", [kind() for kind in RULES], ids=lambda f: type(f).__name__)
def test_to_decide_changes_nothing(failure, here):
    class Untouched(RouteStates):
        def changed(self, *args, **kwargs):
            raise AssertionError("a question has a side effect")

        take_probe = cool = open = close = succeeded = ended = changed

    states = RouteStates()
    states.cool(SMALL, 0.0, 50.0)  # half open by now
    states.__class__ = Untouched
    chain = FallbackChain([BIG, SMALL, ELSEWHERE], states, Catalog())
    standing = Standing(chain, (BIG,), here, 0, progressed=False, started=0.0, now=100.0)
    settings = {"retry": RetryConfig(), "fallback": FallbackConfig()}

    def ask():
        return decide(failure, standing, timeouts=Timeouts(), rng=lambda: 0.0, **settings)

    first = ask()
    assert ask() == first
    if first.route is not None:
        without_budget(first, failure, standing, **settings)
    assert states.state(SMALL, 100.0) == "half-open"
    assert states.is_available(SMALL, 100.0)


# -- an address that has not answered -------------------------------------------------------


@pytest.mark.parametrize("kind", [APIConnectionError, ConnectTimeoutError])
def test_an_address_that_never_answered_is_asked_for_two_seconds_and_no_other_model_there(kind):
    new = {"is_new": True, "routes": (BIG, SMALL)}
    assert after(kind(), here=1, asked_since=100.0, **new) == (BIG, 1.0)
    assert after(kind(), here=2, asked_since=100.0, **new) == (BIG, 2.0)
    refused = kind()
    assert after(refused, here=2, asked_since=99.9, **new) is refused
    assert after(kind(), routes=(BIG, SMALL, ELSEWHERE), is_new=True) == (ELSEWHERE, 0.0)


def test_a_secure_connection_that_cannot_be_made_is_no_accident():
    refused = TLSError()
    assert after(refused) is refused
    assert after(TLSError(), routes=(BIG, SMALL, ELSEWHERE)) == (ELSEWHERE, 0.0)


# -- FallbackConfig(on=…) -------------------------------------------------------------------


def on(*errors):
    return {"fallback": FallbackConfig(on=errors)}


def test_only_the_errors_that_on_names_lead_to_another_route():
    assert after(RateLimitError(retry_after=60.0), **on(RateLimitError)) == (SMALL, 0.0)
    assert after(ServerError(status_code=500), here=3, **on("RateLimitError")) == (BIG, 4.0)
    assert after(FirstTokenTimeoutError(), **on(RateLimitError)) == (BIG, 1.0)
    refused = ContextLengthError()
    assert after(refused, **on(RateLimitError)) is refused
    assert after(RateLimitError(retry_after=6.0), **on()) == (BIG, 6.0)


def test_on_may_name_errors_that_end_a_call_otherwise():
    assert after(ContentPolicyError(), **on("ContentPolicyError")) == (SMALL, 0.0)
    assert after(BadRequestError(status_code=400), **on(BadRequestError)) == (SMALL, 0.0)
    refused = ContentPolicyError()
    assert after(refused, routes=(BIG,), **on(ContentPolicyError)) is refused


def test_subclasses_are_meant_by_on_and_so_is_what_an_event_in_the_stream_reported():
    assert after(ConnectTimeoutError(), here=3, **on(APIConnectionError)) == (SMALL, 0.0)
    limited = UpstreamError()
    limited.__cause__ = RateLimitError()
    assert after(limited, **on(RateLimitError)) == (SMALL, 0.0)
    assert after(UpstreamError(), **on(RateLimitError)) == (BIG, 1.0)


def test_what_concerns_the_call_itself_never_moves():
    late = DeadlineExceededError()
    assert after(late, **on(HolySheepError)) is late


def test_a_named_wait_beyond_the_total_is_the_servers_error_which_names_it():
    limited = RateLimitError(status_code=429, retry_after=30.0)
    total = Timeouts(total=120)  # 100 s are over
    assert after(limited, routes=(BIG,), timeouts=total) is limited
    assert after(limited, routes=(BIG,), timeouts=Timeouts(total=131)) == (BIG, 30.0)
    assert after(limited, timeouts=total) == (SMALL, 0.0)
