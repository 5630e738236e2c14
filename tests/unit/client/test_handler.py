"""The framework-free client, as a program uses it."""

import asyncio
import copy
import pickle

import pytest

from holysheep_core import (
    APIGateway,
    CircuitConfig,
    ConfigurationError,
    Connections,
    Provider,
    QuotaExceededError,
    Resumed,
    StreamCompleted,
    StreamingRetryHandler,
)
from holysheep_core.simulator import cut, refuse
from support.calls import ASK


@pytest.fixture
def handler(play):
    def make(script, **settings):
        return StreamingRetryHandler("k", base_url=script.base_url, **settings)

    return make


def test_on_token_gets_exactly_what_is_yielded(play, handler, text):
    tokens = []
    stream = handler(play(faults=[cut(30)])).stream_with_retry(
        "gpt-4.1", ASK, on_token=tokens.append
    )
    assert list(stream) == tokens
    assert "".join(tokens) == text


async def test_on_token_may_be_a_coroutine(play, handler, text):
    tokens = []

    async def take(token):
        await asyncio.sleep(0)
        tokens.append(token)

    script = play(faults=[cut(30)])
    async with handler(script) as client:
        stream = client.astream_with_retry("gpt-4.1", ASK, on_token=take)
        assert [token async for token in stream] == tokens
        assert (await client.acomplete("gpt-4.1", ASK, on_token=take)).text == text


def test_on_event_gets_the_events(play, handler):
    everywhere, here = [], []
    client = handler(play(faults=[cut(30)]), on_event=everywhere.append)
    client.complete("gpt-4.1", ASK, on_event=here.append)
    assert everywhere == here
    kinds = [type(event) for event in here]
    assert Resumed in kinds
    assert kinds[-1] is StreamCompleted
    assert len({event.call_id for event in here}) == 1


def test_parameters_reach_the_server_as_they_are(play, handler):
    script = play()
    handler(script).complete("gpt-4.1", ASK, temperature=0.5, logit_bias={"5": 1})
    body = script.requests[0].body
    assert (body["temperature"], body["logit_bias"]) == (0.5, {"5": 1})
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_a_second_provider_takes_over_in_mid_answer_with_its_own_key_and_names(play, handler, text):
    first = play(faults=[cut(30, "fin"), refuse(429, code="insufficient_quota", times=None)])
    second = play()
    spare = Provider("k2", second.base_url, name="spare", models={"gpt-4.1": "openai/gpt-4.1"})
    completion = handler(first, providers=[spare], fallback_models=[]).complete("gpt-4.1", ASK)
    assert (completion.text, completion.provider) == (text, "spare")
    assert second.requests[0].headers["authorization"] == "Bearer k2"
    assert second.requests[0].body["model"] == "openai/gpt-4.1"


def test_without_one_the_quota_error_carries_the_partial(play, handler, text):
    script = play(faults=[cut(30, "fin"), refuse(429, code="insufficient_quota", times=None)])
    with pytest.raises(QuotaExceededError) as caught:
        handler(script).complete("gpt-4.1", ASK)
    assert caught.value.partial == text[:30]


def test_the_environment_gives_key_and_address(play, text, monkeypatch):
    script = play()
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "from-env")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", script.base_url)
    assert StreamingRetryHandler().complete("gpt-4.1", ASK).text == text
    assert script.requests[0].headers["authorization"] == "Bearer from-env"


def test_a_handler_is_shared_by_copies_and_never_pickled(play, handler):
    client = handler(play())
    assert copy.deepcopy(client) is client
    with pytest.raises(TypeError, match="make a new one"):
        pickle.dumps(client)


def test_a_client_that_replaces_another_uses_its_connections_and_gateway(play, handler):
    script = play()
    before = handler(script)
    after = handler(script, max_retries=1, replaces=before)
    assert after.gateway is before.gateway
    assert after._clients is before._clients
    assert after.settings.retry.max_retries == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"default_headers": {"x-a": "b"}},
        {"rate_limits": "free"},
        {"providers": [Provider("k", "http://127.0.0.1:9")]},
    ],
)
def test_one_with_other_providers_uses_the_states_of_its_routes(play, handler, settings):
    script = play()
    before = handler(script)
    after = handler(script, replaces=before, **settings)
    assert after.gateway is not before.gateway
    assert after.gateway.route_states is before.gateway.route_states
    assert after._clients is before._clients


def test_nothing_is_kept_that_does_not_fit(play, handler):
    script = play()
    before = handler(script)
    other = handler(script, circuit=CircuitConfig(failures=9), replaces=before)
    assert other.gateway.route_states is not before.gateway.route_states
    pooled = handler(script, connections=Connections(max_connections=3), replaces=before)
    assert pooled._clients is not before._clients
    assert pooled.gateway is before.gateway


def test_a_gateway_that_was_given_stays_its_owners(play):
    script = play()
    given = APIGateway([Provider("k", script.base_url)], health_check=None)
    before = StreamingRetryHandler(gateway=given)
    after = StreamingRetryHandler("k", base_url=script.base_url, replaces=before)
    assert after.gateway is not given
    assert StreamingRetryHandler(gateway=given, replaces=after).gateway is given


def test_every_method_sends_the_fields_of_extra_body(play):
    script = play("Baa.")
    with StreamingRetryHandler("any-key", base_url=script.base_url) as handler:
        handler.complete("gpt-4.1", ASK, extra_body={"top_k": 5})
        assert "".join(handler.stream_with_retry("gpt-4.1", ASK, extra_body={"top_k": 5})) == "Baa."

        async def both():
            await handler.acomplete("gpt-4.1", ASK, extra_body={"top_k": 5})
            return [
                t async for t in handler.astream_with_retry("gpt-4.1", ASK, extra_body={"top_k": 5})
            ]

        assert "".join(asyncio.run(both())) == "Baa."
    sent = [(body.body.get("top_k"), "extra_body" in body.body) for body in script.requests]
    assert sent == [(5, False)] * 4


@pytest.mark.parametrize("whose", ["call", "handler"])
def test_a_coroutine_function_for_events_of_a_sync_call_is_refused_at_once(play, whose):
    async def show(_):
        """Would have to be awaited."""

    of_handler, of_call = (
        ({"on_event": show}, {}) if whose == "handler" else ({}, {"on_event": show})
    )
    with StreamingRetryHandler("k", base_url=play().base_url, **of_handler) as handler:
        with pytest.raises(ConfigurationError, match="on_event is a coroutine function"):
            handler.stream_with_retry("gpt-4.1", ASK, **of_call)
        asyncio.run(handler.acomplete("gpt-4.1", ASK, **of_call))
