"""Fallback models given to one call, in place of the client's."""

import asyncio

import pytest

import holysheep_core as core
from holysheep_core.simulator import refuse
from support.calls import ASK, MODEL, handler
from support.models import GO, langchain, llamaindex


def of_handler(server, models):
    with handler(server) as client:
        said = client.stream_with_retry(MODEL, ASK, fallback_models=models)
        return "".join(said)


def of_handler_complete(server, models):
    with handler(server) as client:
        return client.complete(MODEL, ASK, fallback_models=models).text


def of_async_handler(server, models):
    async def run():
        async with handler(server) as client:
            said = client.astream_with_retry(MODEL, ASK, fallback_models=models)
            return "".join([token async for token in said])

    return asyncio.run(run())


def of_async_handler_complete(server, models):
    async def run():
        async with handler(server) as client:
            return (await client.acomplete(MODEL, ASK, fallback_models=models)).text

    return asyncio.run(run())


def of_langchain(server, models):
    return langchain(server).invoke("go", fallback_models=models).text


def of_bound_langchain(server, models):
    bound = langchain(server).bind(fallback_models=models)
    return "".join(chunk.text for chunk in bound.stream("go"))


def of_llamaindex(server, models):
    return llamaindex(server).chat(GO, fallback_models=models).message.content


every_call = pytest.mark.parametrize(
    "ask",
    [
        of_handler,
        of_handler_complete,
        of_async_handler,
        of_async_handler_complete,
        of_langchain,
        of_bound_langchain,
        of_llamaindex,
    ],
)


@every_call
def test_a_call_has_fallback_models_of_its_own(play, text, ask):
    script = play(faults=[refuse(429, retry_after=600, times=None, model=MODEL)])
    assert ask(script.base_url, ["deepseek-v3.2"]) == text
    assert [request.body["model"] for request in script.requests] == [MODEL, "deepseek-v3.2"]
    assert all("fallback_models" not in request.body for request in script.requests)


@every_call
def test_an_empty_list_forbids_them(play, ask):
    script = play(faults=[refuse(429, retry_after=600, times=None, model=MODEL)])
    with pytest.raises(core.HolySheepError) as caught:
        ask(script.base_url, [])
    assert isinstance(caught.value, core.RateLimitError)
    assert len(script.requests) == 1


@every_call
@pytest.mark.parametrize("wrong", ["gpt-5", [""], [3]])
def test_wrong_ones_are_refused_at_once(play, ask, wrong):
    script = play()
    with pytest.raises(core.ConfigurationError, match="fallback models="):
        ask(script.base_url, wrong)
    assert not script.requests
