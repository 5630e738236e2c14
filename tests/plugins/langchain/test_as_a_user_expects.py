"""Behaviour that users of LangChain's other chat models expect."""

import asyncio
import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField

from holysheep_core import ConfigurationError, Observer, Provider
from holysheep_core.integrations.turns import warn_once
from holysheep_core.simulator import cut, refuse
from support.models import langchain as model

# metadata --------------------------------------------------------------------------------------


def merged(chunks):
    whole = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return whole


def v3(llm):
    return llm.stream_events("go", version="v3").output


@pytest.mark.parametrize(
    "ask", [lambda llm: merged(llm.stream("go")), lambda llm: llm.invoke("go"), v3]
)
def test_metadata_is_right_after_a_resume_and_a_downgrade(play, text, ask):
    script = play(faults=[refuse(429, retry_after=60, model="gpt-4.1"), cut(30)])
    message = ask(model(script))
    metadata = message.response_metadata
    assert message.text == text
    assert metadata["model_provider"] == "holysheep"
    assert (metadata["model_name"], metadata["finish_reason"]) == ("gemini-2.5-flash", "stop")
    history = metadata["resilience"]
    assert history["requested_model"] == "gpt-4.1"
    assert (history["resumes"], history["downgrades"]) == (1, ["gemini-2.5-flash"])
    assert len(history["attempts"]) == 3
    billed = sum(attempt["usage"]["output_tokens"] for attempt in history["attempts"])
    assert message.usage_metadata["output_tokens"] == billed > 0


def test_usage_is_billed_to_the_model_that_answered(play):
    handler = UsageMetadataCallbackHandler()
    script = play(faults=[refuse(429, retry_after=60, model="gpt-4.1")])
    answer = model(script).invoke("go", {"callbacks": [handler]})
    assert handler.usage_metadata["gemini-2.5-flash"] == answer.usage_metadata


def test_the_trace_names_the_packages_and_the_model(play):
    llm = model(play(), temperature=0.5, stop=["x"])
    assert llm.metadata["lc_versions"]["langchain-holysheep"]
    assert llm._get_ls_params(model="other")["ls_model_name"] == "other"


# copies, threads, loops ------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda llm: llm.model_copy()])
def test_a_copy_works_and_shares_connections_and_callbacks(play, text, copied):
    told = []
    with httpx.Client() as client:
        llm = copied(model(play(), http_client=client, on_token=told.append))
        assert llm.invoke("go").text == text
        assert llm.http_client is client
    assert "".join(told) == text


def test_a_pickled_model_takes_its_key_from_the_environment(play, text, monkeypatch):
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "sk-there")
    script = play()
    with pytest.raises(TypeError, match="key by environment"):
        pickle.dumps(model(script, providers=[Provider("sk-other", "https://x.example/v1")]))
    raw = pickle.dumps(model(script))
    assert pickle.loads(raw).invoke("go").text == text
    assert script.requests[0].headers["authorization"] == "Bearer sk-there"


WITHOUT_PICKLES = {
    "on_event": lambda event: None,
    "on_token": lambda token: None,
    "observers": [type("Local", (Observer,), {})()],
    "rate_limiter": InMemoryRateLimiter(requests_per_second=1000),
    "custom_get_token_ids": lambda text: [1],
}


@pytest.mark.parametrize("names", [*([name] for name in WITHOUT_PICKLES), list(WITHOUT_PICKLES)])
def test_a_pickle_leaves_out_callbacks_that_have_none_and_says_so(
    play, text, monkeypatch, caplog, names
):
    warn_once.cache_clear()
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "sk-there")
    script = play()
    llm = model(script, temperature=0.5, **{name: WITHOUT_PICKLES[name] for name in names})
    before = dict(llm.__dict__)
    raw, _ = pickle.dumps(llm), pickle.dumps(llm)
    assert llm.__dict__ == before, "the model itself keeps them"
    [said] = [record.getMessage() for record in caplog.records if record.name == "holysheep"]
    assert f"ChatHolySheep leaves out {', '.join(sorted(names))}, which cannot" in said
    again = pickle.loads(raw)
    assert (again.temperature, again.on_event, again.on_token) == (0.5, None, None)
    assert (tuple(again.observers), again.rate_limiter) == ((), None)
    assert again.invoke("go").text == text


def test_a_pickle_of_a_model_with_importable_callbacks_has_them(play, monkeypatch, caplog):
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "sk-there")
    again = pickle.loads(pickle.dumps(model(play(), on_event=print)))
    assert again.on_event is print
    assert not caplog.records


def test_one_instance_serves_many_threads(play, text):
    llm = model(play())
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda _: llm.invoke("go").text, range(64))) == [text] * 64


def test_one_instance_serves_several_event_loops(play, text):
    llm, got = model(play(faults=[cut(20, times=4)])), []

    def loop():
        got.append(asyncio.run(llm.ainvoke("go")).text)

    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loop()
    assert got == [text] * 5


@pytest.mark.parametrize("how", ["batch", "abatch"])
def test_a_batch_keeps_order_and_its_limit(play, how):
    script = play(text=None, delay=0.01)
    llm, prompts = model(script), [f"number {n}" for n in range(8)]
    config = {"max_concurrency": 2}
    if how == "batch":
        answers = llm.batch(prompts, config)
    else:
        answers = asyncio.run(llm.abatch(prompts, config))
    assert [answer.text for answer in answers] == [f"You said: {prompt}" for prompt in prompts]


# settings --------------------------------------------------------------------------------------


def test_the_rate_limiter_is_asked_once_per_call(play, text):
    limiter = InMemoryRateLimiter(requests_per_second=1000, check_every_n_seconds=0.001)
    asked = []
    acquire = limiter.acquire

    class Counting(InMemoryRateLimiter):
        def acquire(self, *, blocking=True):
            asked.append(1)
            return acquire(blocking=blocking)

    counting = Counting(requests_per_second=1000)
    assert model(play(faults=[cut(20)]), rate_limiter=counting).invoke("go").text == text
    assert len(asked) == 1


async def test_the_rate_limiter_is_asked_once_per_async_call(play, text):
    asked = []

    class Counting(InMemoryRateLimiter):
        async def aacquire(self, *, blocking=True):
            asked.append(1)
            return await super().aacquire(blocking=blocking)

    limiter = Counting(requests_per_second=1000, check_every_n_seconds=0.001)
    llm = model(play(faults=[cut(20)]), rate_limiter=limiter)
    assert (await llm.ainvoke("go")).text == text
    assert "".join([chunk.text async for chunk in llm.astream("go")]) == text
    assert len(asked) == 2


def test_a_deep_copy_shares_the_rate_limiter(play, text):
    llm = model(play(), rate_limiter=InMemoryRateLimiter(requests_per_second=1000))
    copied = copy.deepcopy(llm)
    assert copied.rate_limiter is llm.rate_limiter
    assert copied.invoke("go").text == text


def test_disable_streaming_gives_one_chunk_that_is_whole(play, text):
    chunks = list(model(play(faults=[cut(20)]), disable_streaming=True).stream("go"))
    assert [chunk.text for chunk in chunks if chunk.text] == [text]


def test_stream_usage_can_be_left_out(play):
    whole = merged(model(play(), stream_usage=False).stream("go"))
    assert whole.usage_metadata is None


def test_fields_can_be_configurable(play, text):
    script = play()
    llm = model(script).configurable_fields(
        model=ConfigurableField(id="model"), temperature=ConfigurableField(id="heat")
    )
    config = {"configurable": {"model": "claude-sonnet-4.5", "heat": 0.3}}
    assert llm.with_config(tags=["x"]).invoke("go", config).text == text
    assert script.requests[0].body["model"] == "claude-sonnet-4.5"
    assert script.requests[0].body["temperature"] == 0.3


# what is sent ----------------------------------------------------------------------------------


def pay(amount: int) -> int:
    """Pay."""
    return amount


async def drained(stream):
    return [each async for each in stream]


ASKING = {
    "invoke": lambda llm, **given: llm.invoke("go", **given),
    "stream": lambda llm, **given: list(llm.stream("go", **given)),
    "ainvoke": lambda llm, **given: asyncio.run(llm.ainvoke("go", **given)),
    "astream": lambda llm, **given: asyncio.run(drained(llm.astream("go", **given))),
}


@pytest.mark.parametrize("way", ASKING)
def test_one_stop_is_sent_as_a_list_wherever_it_is_given(play, way):
    script = play()
    ASKING[way](model(script, stop="END"))
    ASKING[way](model(script), stop="END")
    ASKING[way](model(script).bind(stop="END"))
    assert [request.body["stop"] for request in script.requests] == [["END"]] * 3


@pytest.mark.parametrize("way", ASKING)
def test_a_choice_of_a_call_is_sent_as_that_of_bind_tools(play, way):
    script = play("", tool_calls=[("pay", '{"amount": 1}')])
    llm = model(script)
    for choice in ("any", "pay", True, False):
        ASKING[way](llm.bind_tools([pay], tool_choice=choice))
        ASKING[way](llm.bind_tools([pay]), tool_choice=choice)
        of_binding, of_call = script.requests[-2:]
        assert of_binding.body == of_call.body, choice


@pytest.mark.parametrize("choice", ["nope", {"type": "function", "function": {"name": "nope"}}])
@pytest.mark.parametrize("way", ASKING)
def test_a_choice_of_a_tool_that_is_not_offered_is_refused(play, way, choice):
    script = play()
    llm = model(script)
    for bound in (
        llm.bind_tools([pay], tool_choice=choice),
        llm.with_structured_output(pay_schema(), tool_choice=choice),
    ):
        with pytest.raises(ConfigurationError, match="'nope', which is not offered; tools are"):
            ASKING[way](bound)
    assert not script.requests


def pay_schema():
    return {"title": "pay", "type": "object", "properties": {"amount": {"type": "integer"}}}
