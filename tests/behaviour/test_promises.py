"""The promises, each by its name, in both frameworks, over real sockets.

Promise 1 has its sweep over every position in each plugin's `test_whole_once_in_order`.
"""

import asyncio
import gc
import json
import logging
import pickle
import time

import pytest
from langchain_core.exceptions import ModelError, ModelRateLimitError
from langchain_core.tools import tool
from llama_index.core.tools import FunctionTool

import holysheep_core as core
from holysheep_core import ResumeConfig, Timeouts
from holysheep_core.simulator import cut, error_event, malformed, refuse, stall
from support.models import (
    GO,
    every_model,
    every_way_of_models,
    langchain,
    langchain_invoke,
    langchain_stream,
    llamaindex,
)

LASTING = {"times": None}


# 1 ---------------------------------------------------------------------------------------------


@every_way_of_models
def test_promise_1_whole_once_in_order_through_any_number_of_cuts(play, text, ask):
    script = play(faults=[cut(at) for at in (12, 40, 60, 35, 45)])
    assert ask(script) == text


# 2 ---------------------------------------------------------------------------------------------


@every_way_of_models
def test_promise_2_no_silent_truncation(play, ask):
    script = play(faults=[cut(20, "eof", **LASTING)])
    with pytest.raises(core.StreamInterruptedError) as caught:
        ask(script, resume=False)
    assert isinstance(caught.value, core.StreamTruncatedError)


@every_way_of_models
def test_promise_2_a_damaged_event_is_a_cut_and_not_a_hole(play, text, ask):
    assert ask(play(faults=[malformed(20)])) == text


# 3 ---------------------------------------------------------------------------------------------

PAY = '{"amount": 1000}'
paid = []


@tool
def pay(amount: int) -> str:
    """Pay an amount."""
    return f"paid {amount}"


@pytest.mark.parametrize("at", range(len(PAY)))
def test_promise_3_no_half_tool_call_in_langchain(play, at):
    script = play(text="", tool_calls=[("pay", PAY)], faults=[cut(at, "eof")], piece=1)
    model = langchain(script).bind_tools([pay])
    whole = None
    for chunk in model.stream("go"):
        whole = chunk if whole is None else whole + chunk
    assert [call["args"] for call in whole.tool_calls] == [{"amount": 1000}]
    assert whole.invalid_tool_calls == []


@pytest.mark.parametrize("at", range(len(PAY)))
def test_promise_3_no_half_tool_call_in_llamaindex(play, at):
    script = play(text="", tool_calls=[("pay", PAY)], faults=[cut(at, "eof")], piece=1)
    llm = llamaindex(script)
    tools = [FunctionTool.from_defaults(fn=lambda amount: amount, name="pay")]
    for response in llm.stream_chat_with_tools(tools, "go"):
        calls = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
        assert [call.tool_kwargs for call in calls] in ([], [{"amount": 1000}])
    assert len(calls) == 1


@every_way_of_models
def test_promise_3_no_broken_json(play, ask):
    script = play(text='{"a": [1, 2', finish_reason="length")
    extra = {"response_format": {"type": "json_object"}}
    key = "extra_body" if "langchain" in ask.__name__ else "additional_kwargs"
    with pytest.raises(core.InvalidJSONOutputError) as caught:
        ask(script, **{key: extra})
    assert caught.value.partial == '{"a": [1, 2'


# 4 ---------------------------------------------------------------------------------------------


@every_way_of_models
@pytest.mark.parametrize("keepalive", [False, True])
def test_promise_4_no_hang(play, text, ask, keepalive):
    started = time.monotonic()
    script = play(faults=[stall(20, keepalive=keepalive)])
    assert ask(script, timeouts=Timeouts(read=0.4)) == text
    assert time.monotonic() - started < 10


@every_way_of_models
def test_promise_4_the_total_clock_ends_a_call_that_never_gets_anywhere(play, ask):
    script = play(faults=[stall(20, keepalive=True, **LASTING)])
    with pytest.raises(core.DeadlineExceededError):
        ask(script, timeouts=Timeouts(stall=0.2, total=0.7))


# 5 ---------------------------------------------------------------------------------------------


@every_way_of_models
def test_promise_5_no_hammering_an_overloaded_server(play, ask):
    script = play(faults=[refuse(503, **LASTING)])
    with pytest.raises(core.OverloadedError):
        ask(script, max_retries=2, fallback_models=[])
    assert len(script.requests) == 3


@every_way_of_models
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404])
def test_promise_5_what_cannot_get_better_is_not_retried(play, ask, status):
    script = play(faults=[refuse(status, **LASTING)])
    with pytest.raises(core.APIError):
        ask(script)
    assert len(script.requests) == 1


@pytest.mark.real_waits
@every_way_of_models
def test_promise_5_a_wait_the_server_names_is_kept(play, text, ask):
    script = play(faults=[refuse(429, retry_after=0.3)])
    assert ask(script) == text
    first, second = (record.at for record in script.requests)
    assert second - first >= 0.3


# 6 ---------------------------------------------------------------------------------------------


@every_way_of_models
def test_promise_6_failure_is_a_value(play, text, ask):
    script = play(faults=[cut(20, "fin"), refuse(500, **LASTING)])
    with pytest.raises(core.StreamingRetryExhausted) as caught:
        ask(script)
    error = caught.value
    assert error.partial == text[:20]
    assert [attempt.status_code for attempt in error.attempts][:2] == [200, 500]
    assert isinstance(error.first_cause, core.StreamCutError)


def test_promise_6_errors_are_langchains_own_too(play):
    script = play(faults=[refuse(429, retry_after=600, **LASTING)])
    with pytest.raises(ModelRateLimitError) as caught:
        langchain_invoke(script, fallback_models=[])
    assert isinstance(caught.value, (core.RateLimitError, ModelError))
    assert caught.value.retry_after == 600


# 7 ---------------------------------------------------------------------------------------------


def test_promise_7_nothing_hidden_in_langchain(play):
    script = play(faults=[cut(20), error_event(15)])
    log = []
    whole = None
    for chunk in langchain(script, on_event=log.append).stream("go"):
        whole = chunk if whole is None else whole + chunk
    told = whole.response_metadata["resilience"]
    assert (told["resumes"], told["downgrades"]) == (2, ["gemini-2.5-flash"])
    assert whole.response_metadata["model_name"] == "gemini-2.5-flash"
    billed = sum(attempt["usage"]["output_tokens"] for attempt in told["attempts"])
    assert whole.usage_metadata["output_tokens"] == billed
    assert {"StreamCut", "Resumed", "ModelDowngraded"} <= {type(e).__name__ for e in log}


def test_promise_7_nothing_hidden_in_llamaindex(play):
    log = []
    script = play(faults=[cut(20), error_event(15)])
    *_, last = llamaindex(script, on_event=log.append).stream_chat(GO)
    assert last.raw["resilience"]["resumes"] == 2
    assert last.raw["model"] == "gemini-2.5-flash"
    assert last.raw["usage"]["completion_tokens"] > 0
    assert {"StreamCut", "Resumed", "ModelDowngraded"} <= {type(e).__name__ for e in log}


# 8 ---------------------------------------------------------------------------------------------

KEY = "sk-marked-0123456789"


@every_model
def test_promise_8_no_secret_leaves(play, make, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    log = []
    script = play(faults=[cut(9), refuse(401, message=f"bad key {KEY}", **LASTING)])
    model = make(script, api_key=KEY, on_event=log.append)
    with pytest.raises(core.AuthenticationError) as caught:
        model.invoke("go") if make is langchain else model.complete("go")
    assert script.requests[0].headers["authorization"] == f"Bearer {KEY}"
    error = caught.value
    model.on_event = None
    left = [repr(model), str(model), str(error), error.body, repr(error.__dict__), caplog.text]
    left += [repr(log), str(model.model_dump()), repr(model._handler), repr(vars(model._handler))]
    left += [str(pickle.dumps(model)), str(pickle.dumps(error))]
    if make is langchain:
        left += [json.dumps(model._identifying_params), str(model.to_json())]
    else:
        left += [str(model.to_dict()), model.to_json()]
    assert not [text for text in left if KEY in text]


# 9 ---------------------------------------------------------------------------------------------


def closed_within(script, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until and not script.requests[0].client_gone:
        time.sleep(0.005)
    return script.requests[0].client_gone


@every_model
def test_promise_9_stop_means_stop_for_a_closed_stream(play, make):
    script = play(delay=0.02)
    model = make(script)
    stream = model.stream("go") if make is langchain else model.stream_chat(GO)
    next(stream)
    gc.disable()  # it must not take a collection
    stream.close()
    assert closed_within(script, 1)
    gc.enable()
    assert len(script.requests) == 1


@every_model
async def test_promise_9_stop_means_stop_for_a_closed_async_stream(play, make):
    script = play(delay=0.02)
    model = make(script)
    stream = model.astream("go") if make is langchain else await model.astream_chat(GO)
    await anext(stream)
    gc.disable()
    await stream.aclose()
    assert await asyncio.to_thread(closed_within, script, 1)
    gc.enable()
    assert len(script.requests) == 1


@pytest.mark.real_waits
@every_model
@pytest.mark.parametrize("where", ["streaming", "waiting"])
async def test_promise_9_cancellation_is_never_caught_and_never_retried(play, make, where):
    fault = [stall(20)] if where == "streaming" else [refuse(429, retry_after=4)]
    script = play(faults=fault)
    model = make(script, timeouts=Timeouts())
    task = asyncio.ensure_future(model.ainvoke("go") if make is langchain else model.achat(GO))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if where == "streaming":
        assert await asyncio.to_thread(closed_within, script, 1)
    assert len(script.requests) == 1


def test_promise_9_an_exception_in_a_callback_closes_the_connection(play):
    script = play(delay=0.02)

    def stop(_token):
        raise KeyError("enough")

    with pytest.raises(KeyError):
        langchain(script, on_token=stop).invoke("go")
    assert closed_within(script, 1)


def test_resume_can_ask_in_korean(play, text):
    script = play(faults=[cut(30)])
    assert langchain_stream(script, resume=ResumeConfig(prompt="ko")) == text
    assert "나머지를" in script.requests[1].body["messages"][-1]["content"]
