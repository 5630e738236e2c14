"""How a route is asked: technique, limits, and what its refusals teach."""

import pytest

from holysheep_core import BadRequestError, FallbackConfig, ResumeConfig, Timeouts
from holysheep_core.engine.asking import (
    AFTER_A_STALL,
    learns_from,
    limits_with_fallback,
    request_for_rest,
)
from holysheep_core.engine.settings import Settings
from holysheep_core.families.refusals import Lesson
from holysheep_core.resume.transcript import Transcript
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.types import ChatRequest
from support.calls import ASK
from support.engine import exchange, parts

SEEN = "The shepherd counted all of his sheep on the hill and"
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 2000}}


def technique(model, *, states=None, provider=None, prefill=None, **params):
    settings = Settings(resume=ResumeConfig(prefill=prefill))
    transcript = Transcript(ChatRequest(model, ASK, params), settings.resume)
    transcript.add_text(SEEN)
    route = Route(provider or Provider("key-1234"), model)
    return request_for_rest(transcript, route, settings, states or RouteStates()).technique


def test_a_prefill_where_the_model_or_the_provider_takes_one():
    assert technique("claude-sonnet-4.5") == "prefill"
    assert technique("claude-3-5-haiku") == "prefill"
    assert technique("claude-opus-4-6") == "continuation"
    assert technique("gpt-4.1") == "continuation"
    assert technique("m", provider=Provider("key-1234", continue_final_message=True)) == "prefill"
    assert technique("m", provider=Provider("key-1234", prefix_flag=True)) == "prefill"


def test_no_prefill_while_claude_thinks_unless_the_user_demands_it():
    assert technique("claude-sonnet-4.5", **THINKING) == "continuation"
    assert technique("claude-sonnet-4.5", prefill=True, **THINKING) == "prefill"
    assert technique("claude-sonnet-4.5", prefill=False) == "continuation"


def test_no_prefill_where_one_was_refused():
    states = RouteStates()
    states.learn_no_prefill(Route(Provider("key-1234"), "claude-sonnet-4.5"))
    assert technique("claude-sonnet-4.5", states=states) == "continuation"


def limits(model="gpt-4.1", *, stalled=False, content="Hi", timeouts=None, **params):
    request = ChatRequest(model, [{"role": "user", "content": content}], params)
    settings = Settings(timeouts=timeouts or Timeouts())
    route = Route(Provider("key-1234"), model)
    return limits_with_fallback(request, route, settings, stalled=stalled)


def test_the_first_token_and_a_stall_have_ten_seconds_while_another_route_is_left():
    first_token, stall = limits()
    assert first_token == pytest.approx(10, abs=0.01)
    assert stall == 10


def test_a_long_prompt_has_more_time_for_its_first_token():
    first_token, _ = limits(content="word " * 100_000)
    assert first_token > 15


def test_models_that_think_have_the_limits_of_the_settings():
    assert limits("gpt-5") == (None, None)
    assert limits("deepseek-reasoner") == (None, None)


def test_where_tools_are_offered_a_server_may_be_silent_for_longer():
    assert limits(tools=[{}])[1] is None


def test_a_route_that_has_stalled_gets_little_time_for_the_rest():
    assert limits(stalled=True) == pytest.approx((10 * AFTER_A_STALL, 10 * AFTER_A_STALL))
    short = limits(stalled=True, timeouts=Timeouts(stall_with_fallback=1))
    assert short == pytest.approx((AFTER_A_STALL, AFTER_A_STALL))


def test_the_user_can_have_no_such_limits():
    timeouts = Timeouts(first_token_with_fallback=None, stall_with_fallback=None)
    assert limits(timeouts=timeouts) == (None, None)


def refused(words="Bad Request", *, text="", model="gpt-4.1", **settings):
    call = parts(text=text)
    settings = Settings(fallback=FallbackConfig(models=[]), **settings)
    failure = BadRequestError(words, status_code=400)
    route, states = Route(Provider("key-1234"), model), RouteStates()
    found = [
        learns_from(failure, exchange(call), call.transcript, route, settings, states)
        for _ in range(3)
    ]
    return found, states.lessons(route)


def test_a_named_field_is_learned_once():
    words = "stream_options: Extra inputs are not permitted"
    assert refused(words) == ([True, False, False], (Lesson("stream_options"),))
    assert refused(words, adapt=False)[0] == [False, False, False]


def test_a_refused_request_for_the_rest_has_one_other_form():
    assert refused(text=SEEN)[0] == [True, False, False]


def test_a_refused_request_has_none():
    assert refused()[0] == [False, False, False]
