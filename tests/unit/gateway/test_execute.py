"""`execute_with_fallback`: a function of the user's own, run with one provider after another."""

import asyncio
import functools

import pytest

from holysheep_core import APIGateway, ConfigurationError, Provider, StreamingRetryHandler
from holysheep_core.clock import clock
from holysheep_core.routing.providers import Route
from holysheep_core.simulator import refuse
from support.calls import CALL
from support.gateways import gateway_of


class TroubleError(Exception):
    def __init__(self, status_code=None):
        self.status_code = status_code


def test_a_function_that_fails_is_run_with_the_next_provider(play):
    asked = []

    def call(provider):
        asked.append(provider.name)
        if provider.name == "holysheep":
            raise TroubleError
        return provider.base_url

    gateway = gateway_of(play(), play())
    assert gateway.execute_with_fallback(call).endswith("/v1")
    gateway.execute_with_fallback(call)
    assert asked == ["holysheep", "openai", "openai"]  # the second call knows


def test_when_all_fail_the_last_error_is_raised_and_all_were_asked(play):
    asked = []

    def call(provider):
        asked.append(provider.name)
        raise TroubleError(503)

    with pytest.raises(TroubleError):
        gateway_of(play(), play(), play()).execute_with_fallback(call)
    assert asked == ["holysheep", "openai", "third"]


@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_error_that_is_the_requests_own_is_raised_at_once(play, status):
    asked = []

    def call(provider):
        asked.append(provider.name)
        raise TroubleError(status)

    with pytest.raises(TroubleError):
        gateway_of(play(), play()).execute_with_fallback(call)
    assert asked == ["holysheep"]


def test_a_stream_that_fails_before_its_first_item_starts_again_elsewhere(play, text):
    bad, good = play(faults=[refuse(401, times=None)]), play()

    def call(provider):
        # Not a generator function, but it returns one: nothing has run when it returns.
        handler = StreamingRetryHandler("k", base_url=provider.base_url)
        return handler.stream_with_retry(*CALL)

    assert "".join(gateway_of(bad, good).execute_with_fallback(call)) == text


def test_a_stream_that_fails_later_is_not_begun_again_but_remembered(play):
    asked = []

    def call(provider):
        asked.append(provider.name)
        yield "some"
        if provider.name == "holysheep":
            raise TroubleError
        yield " text"

    gateway, got = gateway_of(play(), play()), []
    with pytest.raises(TroubleError):
        for item in gateway.execute_with_fallback(call):
            got.append(item)
    assert got == ["some"]
    assert list(gateway.execute_with_fallback(call)) == ["some", " text"]
    assert asked == ["holysheep", "openai"]


def test_closing_the_stream_closes_the_users_generator(play):
    closed = []

    def call(provider):
        try:
            yield 1
            yield 2
        finally:
            closed.append(provider.name)

    stream = gateway_of(play()).execute_with_fallback(call)
    assert next(stream) == 1
    stream.close()
    assert closed == ["holysheep"]


async def test_coroutines_and_async_streams_fall_over_too(play):
    async def call(provider):
        await asyncio.sleep(0)
        if provider.name == "holysheep":
            raise TroubleError
        return provider.name

    async def stream(provider):
        if provider.name == "holysheep":
            raise TroubleError
        yield provider.name

    def unmarked(provider):  # a plain function that returns an async stream
        return stream(provider)

    assert await gateway_of(play(), play()).execute_with_fallback(call) == "openai"
    gateway = gateway_of(play(), play())
    assert await gateway.execute_with_fallback(functools.partial(call)) == "openai"
    assert [x async for x in gateway_of(play(), play()).execute_with_fallback(stream)] == ["openai"]
    gateway = gateway_of(play(), play())
    assert [x async for x in gateway.execute_with_fallback(unmarked)] == ["openai"]


async def test_a_cancelled_call_is_not_begun_again(play):
    asked = []

    async def call(provider):
        asked.append(provider.name)
        await asyncio.sleep(60)

    task = asyncio.ensure_future(gateway_of(play(), play()).execute_with_fallback(call))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asked == ["holysheep"]


@pytest.mark.parametrize("wrong", [lambda: "ran", "ran", None])
def test_a_function_that_takes_no_provider_raises_an_error(play, wrong):
    with pytest.raises(ConfigurationError, match="takes the Provider"):
        gateway_of(play()).execute_with_fallback(wrong)


def test_it_takes_only_the_probe_of_the_provider_it_asks():
    providers = [Provider("k", "https://one.test/v1", name=name) for name in "abc"]
    gateway = APIGateway(providers, health_check=None)
    routes = [Route(provider, "*") for provider in providers]
    for route in routes:
        gateway.route_states.cool(route, 0.0, 1.0)  # half open by now
    assert gateway.execute_with_fallback(lambda provider: provider.name) == "a"
    now = clock()
    assert [gateway.route_states.is_available(route, now) for route in routes[1:]] == [True, True]
