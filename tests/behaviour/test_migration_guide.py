"""Each call of HolySheep's public migration guide works, or says in one line what to write."""

import asyncio

import pytest

from holysheep_core import (
    APIGateway,
    ConfigurationError,
    Provider,
    RateLimitError,
    RetryConfig,
    RetryStrategy,
    StreamingRetryHandler,
    StreamInterruptedError,
    create_resilient_session,
    resume_streaming_with_context,
    smart_model_selector,
)
from holysheep_core.simulator import MANNERS, cut, refuse
from support.calls import ASK, MODEL, handler


@pytest.mark.parametrize(
    ("error", "model"),
    [
        ("429 Too Many Requests", "gemini-2.5-flash"),
        ("Rate limit reached for gpt-4.1", "gemini-2.5-flash"),
        ("503 Service Unavailable", "gemini-2.5-flash"),
        (RateLimitError("HTTP 429: slow down", status_code=429), "gemini-2.5-flash"),
        ("401 invalid api key", "gpt-4.1"),
        ("insufficient_quota", "gpt-4.1"),
        ("took 429.5 ms", "gpt-4.1"),
    ],
)
def test_smart_model_selector_takes_an_error_and_the_model(error, model):
    assert smart_model_selector(str(error), "gpt-4.1") == model
    assert smart_model_selector(error, "gpt-4.1") == model


@pytest.mark.parametrize("short", ["exponential", "linear", "fixed"])
def test_strategies_have_short_names(short):
    assert RetryConfig(strategy=short).strategy is RetryStrategy(f"{short}_{WORDS[short]}")


WORDS = {"exponential": "backoff", "linear": "backoff", "fixed": "interval"}


@pytest.mark.parametrize(
    ("strategy", "delays"),
    [
        ("exponential", [1, 2, 4, 8, 16, 30]),
        ("linear", [1, 2, 3, 4, 5, 6]),
        ("fixed", [1] * 6),
    ],
)
def test_calculate_delay_is_the_wait_before_a_retry(strategy, delays):
    config = RetryConfig(strategy=strategy, base_delay=1.0, max_delay=30.0)
    assert [config.calculate_delay(attempt) for attempt in range(6)] == delays
    assert RetryConfig().calculate_delay(10**6) == 60.0
    with pytest.raises(ConfigurationError, match="attempt=-1"):
        config.calculate_delay(-1)


def test_switch_to_says_whether_it_changed_anything():
    gateway = APIGateway([Provider("k1"), Provider("k2", name="openai")], health_check=None)
    assert gateway.switch_to("openai") is True
    assert gateway.switch_to("openai") is False
    with pytest.raises(ConfigurationError, match="nobody"):
        gateway.switch_to("nobody")


def test_execute_with_fallback_says_what_to_write_for_a_lambda_without_a_provider(play):
    gateway = APIGateway([Provider("k1", play().base_url)], health_check=None)
    client = handler(play())
    with pytest.raises(ConfigurationError, match="lambda provider: …"):
        gateway.execute_with_fallback(lambda: client.stream_with_retry(MODEL, ASK))


def test_execute_with_fallback_streams(play, text):
    bad, good = play(faults=[refuse(500, times=None)]), play()
    providers = [Provider("k1", bad.base_url), Provider("k2", good.base_url, name="openai")]
    gateway = APIGateway(providers, health_check=None)

    def stream(provider):
        client = StreamingRetryHandler(
            "k", base_url=provider.base_url, max_retries=0, fallback_models=[]
        )
        return client.stream_with_retry(MODEL, ASK)

    assert "".join(gateway.execute_with_fallback(stream)) == text


@pytest.mark.parametrize("manner", [each for each in MANNERS if each not in ("different", "exact")])
def test_resume_streaming_with_context_yields_only_the_rest(play, text, manner):
    for at in range(8, len(text), 5):
        script = play(manner=manner, faults=[cut(3)])
        client = handler(script)
        rest = "".join(resume_streaming_with_context(client, "Go on.", text[:at], MODEL))
        assert text[:at] + rest == text
        assert script.requests[0].body["messages"][0] == {"role": "user", "content": "Go on."}


def test_resume_streaming_with_context_never_guesses_where_a_rest_goes_on(play, text):
    client = handler(play(manner="exact"))  # a model that does not repeat the last words
    with pytest.raises(StreamInterruptedError):
        list(resume_streaming_with_context(client, "Go on.", text[:20], MODEL))


def test_resume_streaming_with_context_takes_messages_and_checks_at_once(play):
    client = handler(play())
    with pytest.raises(ConfigurationError):
        resume_streaming_with_context(client, [], "so far", MODEL)


def test_a_session_is_a_client_that_does_not_throttle_streams(play, text):
    with create_resilient_session(timeout=(30, 60)) as session:
        url = f"{play().base_url}/chat/completions"
        answer = session.post(url, json={"model": MODEL, "messages": ASK})
    assert answer.status_code == 200


def test_the_guides_own_loop(play, text):
    script, shown = play(faults=[cut(9), refuse(429, retry_after=0.01)]), []
    client = handler(script, retry=RetryConfig(max_retries=5, strategy="exponential"))
    for token in client.stream_with_retry(MODEL, ASK, on_token=shown.append):
        assert shown[-1] == token
    assert "".join(shown) == text
    assert asyncio.run(_async(handler(script))) == text


async def _async(client):
    return "".join([token async for token in client.astream_with_retry(MODEL, ASK)])
