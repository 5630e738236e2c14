"""An answer is cached under the model that gave it, and no secret is in the key."""

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.load import dumps, loads

from holysheep_core.simulator import refuse
from langchain_holysheep import ChatHolySheep
from support.models import either
from support.models import langchain as model


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
@pytest.mark.parametrize("serialized", [False, True], ids=["objects", "serialized"])
def test_an_answer_of_the_cache_costs_nothing_and_says_so(play, ask, serialized):
    llm = model(play(), cache=Serializing() if serialized else InMemoryCache())
    first, second, third = (ask(llm, "go").response_metadata["resilience"] for _ in range(3))
    assert first["cost_usd"] > 0
    assert "from_cache" not in first
    assert second == third == {**first, "cost_usd": 0.0, "from_cache": True}
    assert llm.totals.all.cost_usd == first["cost_usd"], "nothing was spent again"


@either
def test_an_answer_of_the_cache_in_a_chain_keeps_its_message(play, text, ask):
    llm = model(play(), cache=InMemoryCache())
    first, second = (ask(llm, "go") for _ in range(2))
    changed = {"response_metadata", "usage_metadata"}
    kept = first.model_dump().keys() - changed - {"id"}
    assert {k: v for k, v in second.model_dump().items() if k in kept} == {
        k: v for k, v in first.model_dump().items() if k in kept
    }
    assert second.text == text


class Serializing(InMemoryCache):
    """Stores text, as caches in files and databases do."""

    def lookup(self, prompt, llm_string):
        found = super().lookup(prompt, llm_string)
        return found and loads(found, allowed_objects="all")

    def update(self, prompt, llm_string, return_val):
        super().update(prompt, llm_string, dumps(return_val))

    async def alookup(self, prompt, llm_string):
        return self.lookup(prompt, llm_string)

    async def aupdate(self, prompt, llm_string, return_val):
        self.update(prompt, llm_string, return_val)


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
