"""Cases that a fresh pair of eyes broke; each is small, and none may come back."""

import asyncio
import copy
import pickle
import socket
import threading
import time
import traceback

import httpx
import pytest
from langchain_core.tools import tool

import holysheep_core as core
from holysheep_core import (
    ConfigurationError,
    Provider,
    RetryBudget,
    RetryConfig,
    StreamingRetryHandler,
    Timeouts,
)
from holysheep_core.engine.actions import Send
from holysheep_core.resume.normalize import has_words
from holysheep_core.resume.seen import choose_anchor
from holysheep_core.resume.stitcher import Stitcher
from holysheep_core.simulator import cut, malformed, refuse, reply
from support.calls import ASK, handler
from support.models import GO, every_model, langchain, llamaindex
from support.sse import event, said

KEY = "sk-marked-0123456789"
EVENTS = {"content-type": "text/event-stream"}


@tool
def pay(amount: int) -> str:
    """Pay an amount."""
    return f"paid {amount}"


def test_a_call_cut_by_the_token_limit_is_never_handed_to_langchain(play):
    settings = {"text": "", "tool_calls": [("pay", '{"amount": 1')], "finish_reason": "length"}
    with pytest.raises(core.TokenLimitError):
        list(langchain(play(**settings)).bind_tools([pay]).stream("go"))
    with pytest.raises(core.TokenLimitError):
        langchain(play(**settings)).bind_tools([pay]).invoke("go")


def test_a_call_cut_by_the_token_limit_is_never_handed_to_llamaindex(play):
    script = play(text="", tool_calls=[("pay", '{"amount": 1')], finish_reason="length")
    with pytest.raises(core.TokenLimitError):
        list(llamaindex(script).stream_chat(GO))


REPETITIVE = {
    "equal items": "[" + ", ".join(['{"sheep": "white", "legs": 4}'] * 20) + "]",
    "equal lines": "def f():\n" + "    x = g(x)\n" * 30 + "    return x\n",
    "a refrain": "La la la, the sheep sing.\n" * 8 + "And then they slept.",
    "a table": "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 20,
}


@pytest.mark.parametrize("text", REPETITIVE.values(), ids=REPETITIVE)
def test_a_model_that_repeats_the_words_it_was_asked_to_loses_nothing_of_a_repetitive_text(text):
    for at in range(6, len(text)):
        if not has_words(text[at:]):
            continue  # marks alone are a whole rest only where they end one
        anchor = choose_anchor(text[:at], 32)
        stitcher = Stitcher(text[:at], anchor=anchor, last=True)
        response = anchor + text[at:]
        resumed = (
            "".join(stitcher.feed(response[i : i + 5]) for i in range(0, len(response), 5))
            + stitcher.close()
        )
        assert text[:at] + resumed == text, at


AFTER_THE_END = {
    "half a usage chunk": b'data: {"id":"x","choices":[],"usa\n\n',
    "an error event": event(error={"message": "late"}),
    "a usage of another shape": event(choices=[], usage="many"),
    "usage in words": event(choices=[], usage={"prompt_tokens": "a few"}),
}


@pytest.mark.parametrize("late", AFTER_THE_END.values(), ids=AFTER_THE_END)
def test_what_comes_after_a_finished_answer_cannot_undo_it(play, late):
    body = said("All is well.") + said("", finish_reason="stop") + late
    script = play(faults=[reply(200, body, EVENTS)])
    completion = handler(script).complete("gpt-4.1", ASK)
    assert (completion.text, len(script.requests)) == ("All is well.", 1)


def test_a_response_that_ends_inside_the_repetition_is_no_end(play):
    text = "The quick brown fox jumps over the lazy dog and then goes home."
    script = play(text, faults=[cut(57, "eof")], manner=lambda *a: a[2][:6], finish_reason="length")
    with pytest.raises(core.StreamInterruptedError) as caught:
        handler(script).complete("gpt-4.1", ASK, max_tokens=16)
    assert caught.value.partial == text[:57]
    assert len(script.requests) == 3


def test_a_restart_that_stops_halfway_is_not_appended(play):
    text = "The quick brown fox jumps over the lazy dog and then goes home."
    script = play(text, faults=[cut(57, "eof")], manner=lambda *_: text[:36])
    with pytest.raises(core.StreamInterruptedError) as caught:
        handler(script).complete("gpt-4.1", ASK)
    assert caught.value.partial == text[:57]


@pytest.mark.parametrize("use_async", [False, True])
def test_the_total_clock_bounds_connecting_too(use_async):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"https://127.0.0.1:{mute.getsockname()[1]}/v1"  # accepts, but never talks TLS
        client = StreamingRetryHandler("k", base_url=url, timeouts=Timeouts(connect=30, total=0.5))
        started = time.monotonic()
        with pytest.raises(core.DeadlineExceededError):
            if use_async:
                asyncio.run(client.acomplete("gpt-4.1", ASK))
            else:
                client.complete("gpt-4.1", ASK)
        assert time.monotonic() - started < 5
        client.close()


def test_a_second_key_is_used_though_both_providers_have_the_same_name(play, text):
    first, second = play(faults=[refuse(402, times=None)]), play()
    client = handler(first, providers=[Provider("k2", second.base_url)])
    assert client.complete("gpt-4.1", ASK).text == text


def test_the_key_is_in_no_traceback_with_locals_and_in_no_cause(play):
    def on_token(token):
        raise KeyError("stop")

    client = StreamingRetryHandler(KEY, base_url=play().base_url)
    with pytest.raises(KeyError) as caught:
        client.complete("gpt-4.1", ASK, on_token=on_token)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert KEY not in "".join(shown.format())
    assert KEY not in repr(Send("u", {"authorization": f"Bearer {KEY}"}, KEY.encode()))
    client = StreamingRetryHandler(KEY, base_url="http://127.0.0.1:9/v1", max_retries=0)
    with pytest.raises(core.APIConnectionError) as failed:
        client.complete("gpt-4.1", ASK)
    assert KEY not in str(failed.value.__cause__.request.headers.raw)


@every_model
def test_a_changed_setting_is_used(play, make):
    old, new = play("old answer"), play("new answer")
    address = "base_url" if make is langchain else "api_base"

    def ask(model):
        return model.invoke("go").text if make is langchain else model.complete("go").text

    assert ask(make(old).model_copy(update={address: new.base_url})) == "new answer"
    model = make(old)
    setattr(model, address, new.base_url)
    assert ask(model) == "new answer"
    assert ask(copy.deepcopy(model)) == "new answer"


@pytest.mark.real_waits
def test_a_retry_after_of_zero_is_no_leave_to_hammer(play):
    script = play(faults=[refuse(429, retry_after=0, times=None)])
    with pytest.raises(core.RateLimitError):
        handler(script, config=RetryConfig(base_delay=0.05, jitter=0)).complete("gpt-4.1", ASK)
    first, second = (record.at for record in script.requests[:2])
    assert second - first >= 0.05


def test_an_event_that_lost_its_head_is_a_cut_and_not_a_hole(play, text):
    script = play(faults=[malformed(20, b'ces":[{"index":0,"delta":{"content":"xx"}}]}')])
    completion = handler(script).complete("gpt-4.1", ASK)
    assert (completion.text, completion.resumes) == (text, 1)


@pytest.mark.parametrize("use_async", [False, True])
def test_a_mock_transport_works(use_async):
    body = said("Hello there.") + said("", finish_reason="stop")
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body, headers=EVENTS))
    sync, other = httpx.Client(transport=transport), httpx.AsyncClient(transport=transport)
    client = StreamingRetryHandler("k", http_client=sync, http_async_client=other)
    if use_async:
        assert asyncio.run(client.acomplete("gpt-4.1", ASK)).text == "Hello there."
    else:
        assert client.complete("gpt-4.1", ASK).text == "Hello there."


def test_a_closed_client_a_class_for_a_format_and_a_strange_header_are_configuration_errors(play):
    closed = httpx.Client()
    closed.close()
    with pytest.raises(ConfigurationError, match="closed"):
        handler(play(), http_client=closed).complete("gpt-4.1", ASK)
    with pytest.raises(ConfigurationError, match="response_format"):
        handler(play()).complete("gpt-4.1", ASK, response_format=int)
    with pytest.raises(ConfigurationError, match="x-name"):
        handler(play(), default_headers={"x-name": "양"})
    with pytest.raises(ConfigurationError, match="base_url"):
        StreamingRetryHandler("k", base_url=f"https://{'a' * 64}.test/v1")


@pytest.mark.parametrize(
    ("given", "short"),
    [
        ({"retry": RetryConfig()}, {"max_retries": 1}),
        ({"timeouts": Timeouts()}, {"timeout": 5}),
        ({"fallback": core.FallbackConfig()}, {"fallback_models": []}),
    ],
)
@every_model
def test_a_setting_and_its_shorthand_together_are_refused(play, make, given, short):
    with pytest.raises(ConfigurationError, match="one of them"):
        make(play(), **given, **short)


LOOSE = {
    "id a number": {"id": 7},
    "usage as text": {"usage": {"prompt_tokens": "5", "completion_tokens": 2.0}},
    "index as text": {},
}


@pytest.mark.parametrize("name", LOOSE)
def test_fields_that_do_not_matter_cannot_kill_an_answer(play, name):
    delta = {"content": "Hello there.", "reasoning": {"x": 1}, "refusal": False}
    body = event(choices=[{"index": "0", "delta": delta, "finish_reason": "stop"}], **LOOSE[name])
    script = play(faults=[reply(200, body, EVENTS)])
    assert handler(script).complete("gpt-4.1", ASK).text == "Hello there."
    assert len(script.requests) == 1


def test_a_character_cut_in_two_between_events_is_put_together(play):
    halves = [b'data: {"choices":[{"delta":{"content":"hi \\ud83d"}}]}\n\n']
    halves += [b'data: {"choices":[{"delta":{"content":"\\udc4b!"},"finish_reason":"stop"}]}\n\n']
    script = play(faults=[reply(200, b"".join(halves), EVENTS)])
    assert handler(script).complete("gpt-4.1", ASK).text == "hi 👋!"
    assert len(script.requests) == 1


def test_langchains_own_keywords_do_not_reach_the_server(play):
    script = play()
    langchain(script).bind_tools([]).invoke("go", stream_usage=False)
    assert not {"stream_usage", "tools"} & script.requests[0].body.keys()


@every_model
async def test_on_token_may_be_a_coroutine_in_async_streams_of_both_plugins(play, text, make):
    tokens = []

    async def take(token):
        tokens.append(token)

    model = make(play(), on_token=take)
    if make is langchain:
        assert [chunk async for chunk in model.astream("go")]
    else:
        assert [chunk async for chunk in await model.astream_complete("go")]
    assert "".join(tokens) == text


def test_a_resumed_answer_that_the_reader_leaves_costs_the_budget_nothing(play):
    budget = RetryBudget(capacity=20, cost=10)
    for _ in range(5):
        stream = handler(play(faults=[cut(20)]), budget=budget).stream_with_retry("gpt-4.1", ASK)
        for token in stream:
            if len(token) and budget.tokens == 20:
                continue
        stream.close()
    assert budget.tokens == 20


@every_model
def test_headers_are_treated_as_secrets(play, make):
    model = make(play(), default_headers={"x-token": KEY})
    assert KEY not in repr(model) + str(model.model_dump()) + str(pickle.dumps(model))


def test_one_instance_serves_many_threads(play, text):
    model, answers = langchain(play(faults=[cut(20, times=8)])), []
    threads = [
        threading.Thread(target=lambda: answers.append(model.invoke("go").text)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [text] * 16
