"""What users of LangChain's other chat models expect of this one."""

import asyncio
import copy
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.globals import set_llm_cache
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from holysheep_core import ConfigurationError, InvalidJSONOutputError, Provider
from holysheep_core.simulator import cut, refuse
from langchain_holysheep import ChatHolySheep
from langchain_holysheep.keyword_hints import HINTS
from langchain_holysheep.settings import known_keywords
from support.models import langchain as model


def ainvoke(llm, *args, **kwargs):
    return asyncio.run(llm.ainvoke(*args, **kwargs))


def invoke(llm, *args, **kwargs):
    return llm.invoke(*args, **kwargs)


either = pytest.mark.parametrize("ask", [invoke, ainvoke])

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
    params = llm._get_ls_params(model="other", stop="y")
    assert params["ls_provider"] == "holysheep"
    assert (params["ls_model_name"], params["ls_temperature"]) == ("other", 0.5)
    assert params["ls_stop"] == ["y"]


def test_the_profile_says_what_the_catalog_knows(play):
    assert model(play()).profile["max_input_tokens"] == 1_047_576
    assert ChatHolySheep(model="new-model", api_key="k").profile is None
    assert ChatHolySheep(model="deepseek-v3.2", api_key="k").profile["image_inputs"] is False


# caching ---------------------------------------------------------------------------------------


@pytest.fixture
def _global_cache():
    set_llm_cache(InMemoryCache())
    yield
    set_llm_cache(None)


@either
def test_an_answer_is_cached(play, text, ask):
    script = play()
    llm = model(script, cache=InMemoryCache())
    assert [ask(llm, "go").text for _ in range(2)] == [text] * 2
    assert len(script.requests) == 1


@either
def test_a_downgraded_answer_is_not_stored_under_the_model_asked_for(play, ask):
    script = play(faults=[refuse(429, retry_after=60, model="gpt-4.1")])
    cache = InMemoryCache()
    # Each with a memory of its own, or the first one's cooldown would keep the others away.
    answers = [ask(model(script, cache=cache), "go") for _ in range(3)]
    assert [answer.response_metadata["model_name"] for answer in answers] == [
        "gemini-2.5-flash",
        "gpt-4.1",
        "gpt-4.1",
    ]
    assert len(script.requests) == 3  # two for the first, one for the second


@pytest.mark.usefixtures("_global_cache")
@either
def test_a_downgraded_answer_is_not_stored_in_the_global_cache_either(play, ask):
    script = play(faults=[refuse(429, retry_after=60, model="gpt-4.1")])
    answers = [ask(model(script), "go") for _ in range(3)]
    assert answers[0].response_metadata["model_name"] == "gemini-2.5-flash"
    assert {a.response_metadata["model_name"] for a in answers[1:]} == {"gpt-4.1"}
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.1},
        {"max_tokens": 5},
        {"top_p": 0.2},
        {"seed": 3},
        {"stop": ["x"]},
        {"frequency_penalty": 0.1},
        {"presence_penalty": 0.1},
        {"reasoning_effort": "low"},
        {"extra_body": {"top_k": 3}},
        {"model": "claude-sonnet-4.5"},
        {"base_url": "https://other.example/v1"},
    ],
)
def test_the_cache_key_holds_every_parameter_and_no_secret(change):
    base = {"model": "gpt-4.1", "api_key": "sk-secret-1"}
    one = ChatHolySheep(**base)
    other = ChatHolySheep(**{**base, **change}, default_headers={"x": "sk-secret-2"})
    assert one._get_llm_string() != other._get_llm_string()
    assert "sk-secret" not in other._get_llm_string() + one._get_llm_string()


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


def test_tokens_are_counted_without_a_download():
    llm = ChatHolySheep(model="gpt-4.1", api_key="k")
    plain = llm.get_num_tokens_from_messages([("user", "Count the sheep.")])
    tool = {"name": "count", "description": "Counts sheep in a field.", "parameters": {}}
    with_tools = llm.get_num_tokens_from_messages([("user", "Count the sheep.")], tools=[tool])
    assert 0 < plain < with_tools


# migration -------------------------------------------------------------------------------------


def test_every_keyword_of_chatopenai_is_taken_or_refused_with_a_hint():
    fields = ChatOpenAI.model_fields
    theirs = {*fields, *(field.alias for field in fields.values() if field.alias)}
    ours = known_keywords(ChatHolySheep)
    assert theirs - ours <= set(HINTS)
    assert not set(HINTS) & ours


@pytest.mark.parametrize("name", sorted(HINTS))
def test_a_keyword_of_chatopenai_is_refused_with_what_to_write_instead(name):
    with pytest.raises(ConfigurationError, match=name) as caught:
        ChatHolySheep(model="gpt-4.1", api_key="k", **{name: "sk-secret"})
    assert HINTS[name] in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_a_misspelt_keyword_is_refused_with_the_right_one():
    with pytest.raises(ConfigurationError, match="Did you mean temperature"):
        ChatHolySheep(model="gpt-4.1", api_key="k", temprature=1)


# structured output -----------------------------------------------------------------------------


class Sheep(BaseModel):
    name: str


@either
@pytest.mark.parametrize("method", ["json_mode", "json_schema"])
def test_include_raw_shows_json_that_does_not_parse(play, ask, method):
    llm = model(play(text='{"name": "Dol', finish_reason="stop"))
    got = ask(llm.with_structured_output(Sheep, method=method, include_raw=True), "go")
    assert got["raw"].text == '{"name": "Dol'
    assert got["parsed"] is None
    assert isinstance(got["parsing_error"], Exception)
    with pytest.raises(InvalidJSONOutputError):
        ask(llm.with_structured_output(Sheep, method=method), "go")


@either
def test_include_raw_shows_json_that_does_parse(play, ask):
    llm = model(play(text=json.dumps({"name": "Dolly"})))
    got = ask(llm.with_structured_output(Sheep, method="json_mode", include_raw=True), "go")
    assert (got["parsed"], got["parsing_error"]) == (Sheep(name="Dolly"), None)


def test_openais_flag_of_the_same_name_as_our_store_is_explained():
    with pytest.raises(ConfigurationError, match=r"extra_body=\{…\}"):
        ChatHolySheep(model="gpt-4.1", api_key="k", store=True)
