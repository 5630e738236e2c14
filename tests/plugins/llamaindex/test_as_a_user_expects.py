"""Behaviour that LlamaIndex users expect: events, counts, copies, limits, hints."""

import copy
import logging
import pickle

import httpx
import pytest
from llama_index.core import PromptTemplate
from llama_index.core.indices.prompt_helper import PromptHelper
from llama_index.core.llms import TextBlock

from holysheep_core import (
    Catalog,
    ChatRequest,
    ConfigurationError,
    Journal,
    ModelCard,
    Provider,
    Timeouts,
    card,
)
from holysheep_core.integrations import prompt_tokens
from holysheep_core.integrations.turns import warn_once
from holysheep_core.simulator import cut, refuse
from llamaindex_holysheep import HolySheep
from support.llamaindex_ways import WAYS, every_way, text_of
from support.models import GO
from support.models import llamaindex as model


@pytest.mark.parametrize("way", ["stream_chat", "astream_chat"])
async def test_every_response_is_cumulative_in_one_text_block_of_its_own(play, text, way):
    responses = await WAYS[way](model(play(faults=[cut(20), cut(9)])))
    seen = ""
    for response in responses:
        seen += response.delta
        [block] = response.message.blocks
        assert isinstance(block, TextBlock)
        assert block.text == seen
    assert seen == text
    assert len({id(response.message.blocks) for response in responses}) == len(responses)


# settings -------------------------------------------------------------------------------------


def test_a_dict_of_it_holds_no_secret_and_makes_the_same_model(play, text, monkeypatch):
    script = play()
    llm = model(
        script,
        retry=None,
        temperature=0.3,
        timeouts=Timeouts(stall=7),
        fallback_models=["gemini-2.5-flash"],
        default_headers={"x-secret": "s3cret"},
    )
    data = llm.to_dict()
    assert data["class_name"] == HolySheep.class_name() == "HolySheep"
    assert "api_key" not in data
    assert "s3cret" not in str(data)
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "from-environment")
    again = HolySheep.from_dict(data)
    assert (again.temperature, again.fallback_models) == (0.3, ["gemini-2.5-flash"])
    assert again._handler.settings.timeouts.stall == 7
    assert again.complete("go").text == text
    assert script.requests[0].headers["authorization"] == "Bearer from-environment"


def test_a_pickle_of_it_holds_no_key_and_makes_the_same_model(play, text, monkeypatch):
    script = play()
    llm = HolySheep(model="gpt-4.1", api_key="sk-hidden", api_base=script.base_url)
    raw = pickle.dumps(llm)
    assert b"sk-hidden" not in raw
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "from-environment")
    assert pickle.loads(raw).complete("go").text == text
    assert script.requests[0].headers["authorization"] == "Bearer from-environment"


@pytest.fixture(params=["journal", "lambdas", "http_client", "prompts", "all"])
def without_pickles(request, tmp_path):
    """Settings that cannot be pickled, and what they are told."""
    told = []
    with httpx.Client() as client:
        settings = {
            "journal": {"journal": Journal(f"sqlite:///{tmp_path}/answers.db")},
            "lambdas": {
                "on_token": lambda token: told.append(token),  # noqa: PLW0108 - has no pickle
                "on_event": lambda event: told.append(str(event)),
            },
            "http_client": {"http_client": client},
            "prompts": {"messages_to_prompt": lambda messages: str(messages)},  # noqa: PLW0108
        }
        settings["all"] = {k: v for each in settings.values() for k, v in each.items()}
        yield settings[request.param], told


def test_a_pickled_model_works_like_the_original(play, text, without_pickles, caplog):
    warn_once.cache_clear()
    settings, told = without_pickles
    caplog.set_level(logging.WARNING)
    llm = model(play(faults=[cut(20)]), default_headers={"x-token": "hdr-01234567"}, **settings)
    before = dict(llm.__dict__)
    raw = pickle.dumps(llm)
    assert b"hdr-01234567" not in raw
    assert llm.__dict__ == before
    lost = [name for name in ("messages_to_prompt", "on_event", "on_token") if name in settings]
    said = [record.getMessage() for record in caplog.records]
    assert [f"leaves out {', '.join(lost)}, which" in each for each in said] == [True] * bool(lost)
    assert llm.complete("go").text == text
    assert ("".join(told) != "") is ("on_token" in settings)


def test_a_pickle_of_a_model_with_callbacks_makes_one_that_answers(
    play, text, without_pickles, monkeypatch
):
    settings, told = without_pickles
    raw = pickle.dumps(model(play(), temperature=0.5, **settings))
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "from-environment")
    again = pickle.loads(raw)
    assert (again.temperature, again.on_token, again.http_client) == (0.5, None, None)
    assert again.complete("go").text == text
    assert told == []


async def test_a_model_unpickled_without_a_key_says_so_when_it_is_called(play, text, monkeypatch):
    raw = pickle.dumps(model(play()))
    again = pickle.loads(raw)
    assert again.api_key is None
    with pytest.raises(ConfigurationError, match="HOLYSHEEP_API_KEY"):
        again.complete("go")
    with pytest.raises(ConfigurationError, match="HOLYSHEEP_API_KEY"):
        await again.achat(GO)
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "from-environment")
    assert again.complete("go").text == text


def test_a_model_with_keys_of_providers_refuses_to_be_pickled(play, text):
    llm = model(play(), providers=[Provider("sk-other", "https://x.example/v1")])
    with pytest.raises(TypeError, match="key by environment"):
        pickle.dumps(llm)
    assert len(llm.providers) == 1
    assert llm.complete("go").text == text


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda llm: llm.model_copy(deep=True)]
)
def test_a_copy_works_and_shares_connections_and_callbacks(play, text, without_pickles, copied):
    settings, told = without_pickles
    llm = copied(model(play(), **settings))
    for name, value in settings.items():
        assert getattr(llm, name) is value
    assert llm.complete("go").text == text
    assert (text in "".join(told)) is ("on_token" in settings)


def test_a_deep_copy_draws_on_the_same_rate_limiter(play, text, bucket):
    llm = model(play(), rate_limiter=bucket(requests_per_minute=6000))
    copied = copy.deepcopy(llm)
    assert copied.rate_limiter is llm.rate_limiter
    assert copied.complete("go").text == text


def test_prompt_helpers_see_the_smallest_window_of_the_fallback_chain():
    chain = ["gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash"]
    llm = HolySheep(model=chain[0], api_key="k", fallback_models=chain[1:])
    windows = [card(name).context_window for name in chain]
    assert llm.metadata.context_window == min(window for window in windows if window)
    assert llm.metadata.is_chat_model
    assert llm.metadata.is_function_calling_model


UNKNOWN_MODEL = "qwen2.5:7b"


@pytest.mark.parametrize(
    ("settings", "window"),
    [
        ({"model": UNKNOWN_MODEL}, 3_900),
        ({"model": UNKNOWN_MODEL, "fallback_models": []}, 3_900),
        ({"model": UNKNOWN_MODEL, "fallback_models": ["gpt-4.1"]}, 3_900),
        ({"fallback_models": ["claude-sonnet-4.5", UNKNOWN_MODEL]}, 3_900),
        ({"model": UNKNOWN_MODEL, "max_tokens": 4_096}, 8_192),
        ({"model": UNKNOWN_MODEL, "max_tokens": 100}, 3_900),
        ({"model": UNKNOWN_MODEL, "catalog": Catalog({UNKNOWN_MODEL: ModelCard(9)})}, 9),
        ({"model": UNKNOWN_MODEL, "context_window": 9}, 9),
        ({"fallback_models": [UNKNOWN_MODEL], "context_window": 9}, 9),
        ({"model": "openai/gpt-4.1-2025-04-14", "fallback_models": []}, 1_047_576),
    ],
)
def test_a_model_that_is_not_known_has_a_small_window_and_not_its_fallbacks(
    settings, window, caplog
):
    warn_once.cache_clear()
    llm = HolySheep(**{"model": "gpt-4.1", "api_key": "k", **settings})
    assert llm.metadata.context_window == llm.metadata.context_window == window
    known = [record.getMessage() for record in caplog.records if record.name == "holysheep"]
    if window in (3_900, 8_192):
        [said] = known
        for words in (f"'{UNKNOWN_MODEL}'", f"{window:,} tokens", "context_window=…", "catalog=…"):
            assert words in said
    else:
        assert not known


@pytest.mark.parametrize("max_tokens", [None, 4_096])
def test_documents_are_split_for_a_model_that_is_not_known(play, max_tokens):
    script = play()
    llm = model(script, model=UNKNOWN_MODEL, max_tokens=max_tokens)
    helper = PromptHelper.from_llm_metadata(llm.metadata)
    prompt = PromptTemplate("Say what this is about: {context_str}")
    parts = helper.repack(prompt, ["sheep " * 20_000], llm=llm)
    for part in parts:
        llm.predict(prompt, context_str=part)
    longest = max(len(str(request.body["messages"])) for request in script.requests)
    assert len(parts) > 1
    assert longest < 4 * 8_192


@pytest.fixture
def bucket():
    """Return LlamaIndex's own limiter, which notes what it is asked for."""
    limits = pytest.importorskip(
        "llama_index.core.rate_limiter", reason="this llama-index-core has no rate limiters"
    )

    class Noting(limits.TokenBucketRateLimiter):
        def acquire(self, num_tokens=0):
            self.__dict__.setdefault("seen", []).append(num_tokens)
            super().acquire(num_tokens)

        async def async_acquire(self, num_tokens=0):
            self.__dict__.setdefault("seen", []).append(num_tokens)
            await super().async_acquire(num_tokens)

    return Noting


@every_way
async def test_the_rate_limiter_is_asked_before_every_request_with_its_tokens(
    play, text, way, bucket
):
    limiter = bucket(requests_per_minute=6000, tokens_per_minute=60000)
    script = play(faults=[cut(20), refuse(500)])
    *_, last = await way(model(script, rate_limiter=limiter))
    assert text_of(last) == text
    assert len(limiter.seen) == len(script.requests) == 3
    assert all(tokens > 0 for tokens in limiter.seen)


def test_the_rate_limiter_is_asked_for_the_tokens_of_tools_too(play, bucket):
    limiter = bucket(tokens_per_minute=60000)
    tool = {"type": "function", "function": {"name": "f", "description": "word " * 100}}
    model(play(), rate_limiter=limiter).complete("go", tools=[tool])
    message = {"role": "user", "content": "go"}
    assert limiter.seen == [prompt_tokens(ChatRequest("gpt-4.1", [message], {"tools": [tool]}))]
    assert limiter.seen[0] > 100


async def test_an_answer_without_a_reader_waits_for_the_rate_limiter_once(play, bucket, tmp_path):
    limiter = bucket(requests_per_minute=6000, tokens_per_minute=60000)
    url, script = f"sqlite:///{tmp_path}/answers.db", play(faults=[cut(20)])
    llm = model(script, rate_limiter=limiter, journal=url)
    names = [llm.start_chat(GO), await llm.astart_chat(GO)]
    for name in names:
        [response async for response in await llm.afollow_stream_chat(name)]
    assert len(limiter.seen) == 2
    assert all(tokens > 0 for tokens in limiter.seen)


def test_a_request_larger_than_the_bucket_does_not_wait_for_ever(play, text, bucket):
    limiter = bucket(tokens_per_minute=5)
    assert model(play(), rate_limiter=limiter).complete("word " * 400).text == text
