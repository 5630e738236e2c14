"""A refusal that names a field: sent again without it, once, and remembered for this route."""

import asyncio
import logging

import pytest

import holysheep_core as core
from holysheep_core.families.adapt import _log_once
from holysheep_core.simulator import cut, refuse
from support.calls import ASK, MODEL, handler
from support.models import GO, langchain, llamaindex


@pytest.fixture(autouse=True)
def _fresh_log():
    _log_once.cache_clear()


def unsupported(name, *, times=1, status=400):
    words = f"Unsupported parameter: '{name}' is not supported with this model."
    return refuse(status, message=words, times=times, model=MODEL)


def through_handler(server, **params):
    with handler(server) as client:
        return ["".join(client.stream_with_retry(MODEL, ASK, **params)) for _ in range(2)]


def through_async_handler(server, **params):
    async def run():
        async with handler(server) as client:
            said = []
            for _ in range(2):
                tokens = client.astream_with_retry(MODEL, ASK, **params)
                said.append("".join([token async for token in tokens]))
            return said

    return asyncio.run(run())


def through_langchain(server, **params):
    model = langchain(server, **params)
    return ["".join(chunk.text for chunk in model.stream("go")) for _ in range(2)]


def through_llamaindex(server, **params):
    model = llamaindex(server, **params)
    return ["".join(each.delta for each in model.stream_chat(GO)) for _ in range(2)]


every_client = pytest.mark.parametrize(
    "ask", [through_handler, through_async_handler, through_langchain, through_llamaindex]
)


@every_client
@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_field_is_left_out_and_the_next_call_knows_it(play, text, ask, status, caplog):
    script = play(faults=[unsupported("seed", status=status)])
    with caplog.at_level(logging.WARNING, "holysheep"):
        assert ask(script.base_url, seed=7, temperature=0.5) == [text, text]
    sent = ["seed" in request.body for request in script.requests]
    assert sent == [True, False, False]
    assert all(request.body["temperature"] == 0.5 for request in script.requests)
    assert caplog.text.count("seed was refused") == 1


@every_client
def test_two_refused_fields_cost_two_requests_once(play, text, ask):
    script = play(faults=[unsupported("seed"), unsupported("top_p")])
    assert ask(script.base_url, seed=7, top_p=0.5) == [text, text]
    assert [sorted({"seed", "top_p"} & set(r.body)) for r in script.requests] == [
        ["seed", "top_p"],
        ["top_p"],
        [],
        [],
    ]


@every_client
def test_a_field_that_is_refused_though_it_was_left_out_is_an_error_at_once(play, ask):
    script = play(faults=[unsupported("seed", times=None)])
    with pytest.raises(core.HolySheepError) as caught:
        ask(script.base_url, seed=7)
    assert isinstance(caught.value, core.BadRequestError)
    assert len(script.requests) == 2


def test_a_refused_limit_is_sent_under_the_name_that_the_server_says(play, text):
    words = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    script = play(faults=[refuse(400, message=words)])
    assert through_langchain(script.base_url, max_tokens=2000) == [text, text]
    limits = [
        (each.body.get("max_tokens"), each.body.get("max_completion_tokens"))
        for each in script.requests
    ]
    assert limits == [(2000, None), (None, 2000), (None, 2000)]


def test_the_usage_option_is_left_out_where_it_is_refused(play, text):
    words = "stream_options: Extra inputs are not permitted"
    script = play(faults=[refuse(422, message=words)])
    assert through_handler(script.base_url) == [text, text]
    assert ["stream_options" in each.body for each in script.requests] == [True, False, False]


def test_with_adapt_off_a_refusal_teaches_nothing(play):
    script = play(faults=[unsupported("seed")])
    model = langchain(script.base_url, seed=7, adapt=False)
    with pytest.raises(core.BadRequestError):
        model.invoke("go")
    assert len(script.requests) == 1


def test_with_adapt_off_everything_is_sent_as_it_is(play, text):
    script = play()
    with handler(script.base_url, adapt=False) as client:
        said = client.stream_with_retry("gpt-5", ASK, max_tokens=2000, temperature=0.2)
        assert "".join(said) == text
    assert script.requests[0].body["max_tokens"] == 2000
    assert script.requests[0].body["temperature"] == 0.2


@pytest.mark.parametrize("at", [20, 40])
def test_a_continuation_that_is_refused_is_asked_again_in_the_other_form(play, text, at):
    script = play(faults=[cut(at), refuse(400, message="Bad Request")])
    with handler(script.base_url) as client:
        assert "".join(client.stream_with_retry(MODEL, ASK)) == text
    roles = [[each["role"] for each in request.body["messages"]] for request in script.requests]
    assert roles[1][-2:] == ["assistant", "user"]
    assert "assistant" not in roles[2]


def test_a_continuation_that_is_refused_in_both_forms_raises_with_the_partial(play, text):
    script = play(faults=[cut(40), refuse(400, message="Bad Request", times=None)])
    shown = []
    with handler(script.base_url) as client, pytest.raises(core.HolySheepError) as caught:
        shown.extend(client.stream_with_retry(MODEL, ASK))
    assert caught.value.partial
    assert text.startswith(caught.value.partial)
    assert len(script.requests) == 3
