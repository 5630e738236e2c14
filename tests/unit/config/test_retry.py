"""An invalid setting raises an error at once, with its name and a valid value."""

import dataclasses
import math
import pickle

import pytest
import tenacity

from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.config.resume import ResumeConfig
from holysheep_core.config.retry import RETRYABLE_STATUS_CODES, RetryConfig, RetryStrategy, Timeouts
from holysheep_core.errors import ConfigurationError

NO_NUMBERS = [-1, -0.001, math.nan, math.inf, -math.inf, True, "1", "", [1]]
NO_COUNTS = [-1, 1.0, math.nan, True, "1", None]
TIMEOUTS = (
    *("connect", "read", "first_token", "stall", "total", "write"),
    *("first_connect", "first_token_with_fallback", "stall_with_fallback"),
)
ALL = [RetryConfig, Timeouts, ResumeConfig, FallbackConfig]

BAD = [
    *((RetryConfig, "max_retries", bad) for bad in NO_COUNTS),
    *(
        (RetryConfig, name, bad)
        for name in ("base_delay", "max_delay", "patience")
        for bad in (*NO_NUMBERS, None)
    ),
    *((RetryConfig, "jitter", bad) for bad in (*NO_NUMBERS, None, 1.001, 50)),
    *(
        (RetryConfig, "strategy", bad)
        for bad in ("fibonacci", "EXPONENTIAL_BACKOFF", "", 1, None, [])
    ),
    *(
        (RetryConfig, "retryable_status_codes", bad)
        for bad in ([399], [200, 500], ["500"], [True], "500", 429, None)
    ),
    *((RetryConfig, name, bad) for name in ("wait", "stop") for bad in (3, "3", tenacity)),
    *((Timeouts, name, bad) for name in TIMEOUTS for bad in (*NO_NUMBERS, 0, 0.0, 0.0001)),
    *((Timeouts, "min_rate", bad) for bad in (*NO_NUMBERS, 0, 1.1)),
    *((ResumeConfig, "enabled", bad) for bad in ("no", "false")),
    *((ResumeConfig, "max_resumes", bad) for bad in NO_COUNTS),
    *((ResumeConfig, "anchor_characters", bad) for bad in (*NO_COUNTS, 0, 7)),
    *(
        (ResumeConfig, "prompt", bad)
        for bad in ("", "fr", "EN", "Go on.", "Go on: {}", "{ tail }", None, 5)
    ),
    *((ResumeConfig, "second_prompt", bad) for bad in (5, True, ["a"], "no place")),
    *((ResumeConfig, "prefill", bad) for bad in ("no", 1, 0)),
    *((ResumeConfig, "continue_on_length", bad) for bad in ("yes", None, 1)),
    *((ResumeConfig, "unproven", bad) for bad in ("", "drop", None, True)),
    *((ResumeConfig, "finish_signal", bad) for bad in ("both", "", "[DONE]", None, 1)),
    *((FallbackConfig, "cooldown", bad) for bad in (*NO_NUMBERS, None)),
    *((FallbackConfig, "params", bad) for bad in ([], "x", {"gpt-5": 3}, {3: {}}, 5)),
    *((FallbackConfig, "hedge", bad) for bad in (*NO_NUMBERS, 0)),
    *(
        (FallbackConfig, "on", bad)
        for bad in ("nothing", ["NoError"], [ValueError], 5, [ConfigurationError], [3])
    ),
    *((FallbackConfig, "models", bad) for bad in ("gpt-4.1", "", [""], ["a", " "], [None], [1], 5)),
]


@pytest.mark.parametrize(("cls", "name", "bad"), BAD)
def test_a_wrong_value_is_refused_by_name_with_what_would_be_right(cls, name, bad):
    with pytest.raises(ConfigurationError) as refused:
        cls(**{name: bad})
    assert f"{name}=" in str(refused.value)
    assert "needs" in str(refused.value)


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (RetryConfig, {"max_retries": 0, "base_delay": 0, "max_delay": 0, "patience": 0}),
        (RetryConfig, {"jitter": 0}),
        (RetryConfig, {"jitter": 1}),
        (RetryConfig, {"retryable_status_codes": ()}),
        (RetryConfig, {"retryable_status_codes": [418]}),
        (RetryConfig, {"wait": tenacity.wait_fixed(3), "stop": tenacity.stop_never}),
        (RetryConfig, {"wait": lambda _state: 3.0}),
        (
            Timeouts,
            dict.fromkeys(("connect", "read", "first_token", "stall", "total", "write"), 0.001),
        ),
        (Timeouts, dict.fromkeys(TIMEOUTS)),
        (ResumeConfig, {"max_resumes": 0, "anchor_characters": 8, "enabled": False}),
        (ResumeConfig, {"prompt": "Weiter nach {tail}!"}),
        *((ResumeConfig, {"finish_signal": good}) for good in ("either", "finish_reason", "done")),
        (FallbackConfig, {"models": [], "cooldown": 0}),
        (FallbackConfig, {"models": ("a", "b")}),
    ],
)
def test_a_good_value_is_kept_as_it_is(cls, settings):
    made = cls(**settings)
    assert {name: getattr(made, name) for name in settings} == settings


def test_the_defaults_are_the_published_ones():
    retry, timeouts, resume = RetryConfig(), Timeouts(), ResumeConfig()
    assert (retry.max_retries, retry.base_delay, retry.max_delay) == (5, 1.0, 60.0)
    assert (retry.strategy, retry.patience) == (RetryStrategy.EXPONENTIAL_BACKOFF, 5.0)
    assert (timeouts.connect, timeouts.read, timeouts.total) == (30.0, 60.0, None)
    assert (resume.enabled, resume.max_resumes, resume.finish_signal) == (True, 10, "either")
    assert FallbackConfig().models is None
    assert {408, 429, 500, 502, 503, 504} <= RETRYABLE_STATUS_CODES


@pytest.mark.parametrize("strategy", RetryStrategy)
def test_a_strategy_may_be_given_by_its_value(strategy):
    assert RetryConfig(strategy=strategy.value).strategy is strategy


@pytest.mark.parametrize(
    ("settings", "clocks"),
    [
        ({}, (60.0, 60.0)),
        ({"read": 5}, (5, 5)),
        ({"read": 5, "stall": 9}, (5, 9)),
        ({"read": None, "first_token": 9}, (9, None)),
    ],
)
def test_read_is_the_default_of_first_token_and_stall(settings, clocks):
    timeouts = Timeouts(**settings)
    assert (timeouts.first_token, timeouts.stall) == clocks


@pytest.mark.parametrize(
    ("settings", "with_fallback"),
    [
        ({}, (10.0, 10.0)),
        ({"stall": 20}, (10.0, 20)),
        ({"first_token": 30}, (30, 10.0)),
        ({"read": 15}, (15, 15)),
        ({"read": 60.0}, (60.0, 60.0)),
        ({"read": None}, (None, None)),
        ({"read": 15, "stall": 40}, (15, 40)),
        ({"stall": 20, "stall_with_fallback": 5}, (10.0, 5)),
        ({"stall": 20, "stall_with_fallback": 10.0}, (10.0, 10.0)),
        ({"stall_with_fallback": None}, (10.0, None)),
    ],
)
def test_the_limits_with_a_fallback_follow_what_the_user_gave(settings, with_fallback):
    timeouts = Timeouts(**settings)
    found = (timeouts.first_token_with_fallback, timeouts.stall_with_fallback)
    assert found == with_fallback
    assert {type(each) for each in vars(timeouts).values()} <= {int, float, type(None)}
    assert pickle.loads(pickle.dumps(timeouts)) == timeouts == eval(repr(timeouts))


def test_the_timeout_shorthand_is_the_limit_with_a_fallback_too():
    timeouts = Timeouts.coerce(15)
    assert (timeouts.first_token_with_fallback, timeouts.stall_with_fallback) == (15, 15)


def test_a_wrong_shorthand_is_named():
    with pytest.raises(ConfigurationError, match=r"^timeout=-1: "):
        Timeouts.coerce(-1)


@pytest.mark.parametrize(
    ("shorthand", "timeouts"),
    [
        (None, Timeouts()),
        (Timeouts(read=7, total=9), Timeouts(read=7, total=9)),
        (120, Timeouts(connect=30, read=120)),
        (5.5, Timeouts(connect=5.5, read=5.5)),
        ((3, 7), Timeouts(connect=3, read=7)),
        ([3, None], Timeouts(connect=3, read=None)),
    ],
)
def test_the_timeout_shorthand_is_read(shorthand, timeouts):
    assert Timeouts.coerce(shorthand) == timeouts


@pytest.mark.parametrize(
    "bad",
    [
        "60",
        b"60",
        "",
        {},
        {1: 2, 3: 4},
        (1,),
        (1, 2, 3),
        ("1", "2"),
        0,
        -1,
        True,
        math.nan,
        math.inf,
        object(),
    ],
)
def test_a_timeout_shorthand_of_no_sense_is_refused(bad):
    with pytest.raises(ConfigurationError, match="needs"):
        Timeouts.coerce(bad)


@pytest.mark.parametrize("cls", ALL)
def test_settings_are_frozen_values_that_compare_and_travel(cls):
    made = cls()
    for field in dataclasses.fields(made):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, field.name, None)
    assert made == cls() == pickle.loads(pickle.dumps(made))


@pytest.mark.parametrize("cls", ALL)
def test_every_setting_has_a_wrong_value_in_these_tests(cls):
    tested = {name for tried, name, _ in BAD if tried is cls}
    assert tested == {field.name for field in dataclasses.fields(cls)}
