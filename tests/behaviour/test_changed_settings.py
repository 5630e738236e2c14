"""One door for settings: what the constructor refuses, an assignment and a copy refuse too.

What changes keeps its connections, and what it knows of its routes, where they still fit.
"""

import asyncio
import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from llama_index.core import MockEmbedding, Settings, VectorStoreIndex
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import TextNode
from pydantic import SecretStr, ValidationError

from holysheep_core import (
    CircuitConfig,
    ConfigurationError,
    Connections,
    FallbackConfig,
    Provider,
    RetryConfig,
    Timeouts,
)
from holysheep_core.simulator import Scenario, Simulator, refuse
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.models import every_model, langchain, llamaindex


def ask(llm):
    return llm.invoke("go").text if isinstance(llm, ChatHolySheep) else llm.complete("go").text


async def aask(llm):
    if isinstance(llm, ChatHolySheep):
        return (await llm.ainvoke("go")).text
    return (await llm.acomplete("go")).text


def assign(llm, name, value):
    setattr(llm, name, value)
    return llm


def copied(llm, name, value):
    return llm.model_copy(update={name: value})


def copied_deeply(llm, name, value):
    return llm.model_copy(update={name: value}, deep=True)


DOORS = (assign, copied, copied_deeply)
every_door = pytest.mark.parametrize("change", DOORS)


@pytest.fixture
def connected(monkeypatch):
    """Connections that were made to the simulator."""
    from holysheep_core.simulator import server

    made, connection = [], server.Connection

    def counted(*args):
        made.append(1)
        return connection(*args)

    monkeypatch.setattr(server, "Connection", counted)
    return made


# -- the same checks as in the constructor ----------------------------------------------------


@every_model
@every_door
@pytest.mark.parametrize("secret", ["sk-given-later", SecretStr("sk-given-later")])
def test_the_given_key_is_the_one_that_is_sent(play, text, make, change, secret, monkeypatch):
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "sk-of-environment")
    script = play()
    llm = change(make(script), "api_key", secret)
    assert ask(llm) == text
    assert script.requests[-1].headers["authorization"] == "Bearer sk-given-later"
    shown = f"{llm!r} {llm.model_dump()} {llm.model_dump_json()} {vars(llm)}"
    assert "sk-given-later" not in shown


@every_model
@every_door
async def test_the_given_key_is_sent_in_async_calls(play, text, make, change):
    script = play()
    assert await aask(change(make(script), "api_key", "sk-given-later")) == text
    assert script.requests[-1].headers["authorization"] == "Bearer sk-given-later"


@every_model
@every_door
@pytest.mark.parametrize(
    ("name", "near"), [("temprature", "temperature"), ("max_retrys", "max_retries"), ("n", "")]
)
def test_an_unknown_name_is_refused_with_the_words_of_the_constructor(
    play, make, change, name, near
):
    script = play()
    llm = make(script)
    with pytest.raises(ConfigurationError) as by_constructor:
        make(script, **{name: 1})
    with pytest.raises(ConfigurationError) as by_change:
        change(llm, name, 1)
    assert str(by_change.value) == str(by_constructor.value)
    assert near in str(by_change.value)
    assert name not in llm.model_dump()


WRONG = {
    "temperature": "hot",
    "max_tokens": "many",
    "max_retries": -1,
    "timeout": -2.0,
    "timeouts": 5,
    "fallback_models": "gpt-4.1",
    "api_key": "two words",
    "retry": "often",
    "circuit": 3,
    "http_client": object(),
    "rate_limits": "platinum",
    "gateway": "x",
    "model": None,
}


@every_model
@every_door
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_refused_and_changes_nothing(play, text, make, change, name):
    script = play()
    llm = make(script)
    before, handler = dict(vars(llm)), llm._handler
    with pytest.raises((ConfigurationError, ValidationError)) as by_constructor:
        make(script, **{name: WRONG[name]})
    with pytest.raises(type(by_constructor.value)) as by_change:
        change(llm, name, WRONG[name])
    assert "two words" not in str(by_change.value)
    assert (dict(vars(llm)), llm._handler) == (before, handler)
    assert ask(llm) == text


@every_model
@every_door
def test_values_are_coerced_as_by_the_constructor(play, make, change):
    llm = change(make(play()), "max_tokens", "200")
    assert llm.max_tokens == 200
    assert change(llm, "temperature", 1).temperature == 1.0


@every_door
@pytest.mark.parametrize(
    ("make", "alias", "field"),
    [
        (llamaindex, "base_url", "api_base"),
        (llamaindex, "api_base", "api_base"),
        (langchain, "model_name", "model"),
        (langchain, "base_url", "base_url"),
        (langchain, "stop_sequences", "stop"),
    ],
)
def test_aliases_are_understood(play, text, make, alias, field, change):
    script, other = play(), play("other")
    value = {"api_base": other.base_url, "base_url": other.base_url, "model": "m", "stop": ["x"]}
    llm = change(make(script), alias, value[field])
    assert getattr(llm, field) == value[field]
    assert ask(llm) == ("other" if "base" in field else text)


@every_model
def test_a_setting_and_its_shorthand_are_refused_together_and_taken_in_turn(play, make):
    llm = make(play(), timeout=5.0)
    with pytest.raises(ConfigurationError, match="timeout"):
        llm.timeouts = Timeouts(stall=3)
    with pytest.raises(ConfigurationError, match="timeout"):
        llm.model_copy(update={"timeouts": Timeouts(stall=3)})
    other = llm.model_copy(update={"timeouts": Timeouts(stall=3), "timeout": None})
    assert other._handler.settings.timeouts.stall == 3
    llm.timeout = None
    llm.timeouts = Timeouts(stall=3)
    assert llm._handler.settings.timeouts.stall == 3


@every_model
@pytest.mark.parametrize("name", ["api_key", "timeout", "max_retries", "fallback"])
def test_the_copy_that_an_error_advises_works(play, text, make, name):
    script = play()
    llm = make(script)
    values = {
        "api_key": "sk-of-the-copy",
        "timeout": 7.0,
        "max_retries": 1,
        "fallback": FallbackConfig(models=[]),
    }
    with pytest.raises(ConfigurationError, match=r"model\.model_copy\(update=") as refused:
        llm.invoke("go", **{name: values[name]}) if make is langchain else llm.complete(
            "go", **{name: values[name]}
        )
    assert repr(name) in str(refused.value)
    assert ask(llm.model_copy(update={name: values[name]})) == text


# -- what is kept -------------------------------------------------------------------------------


def test_ten_queries_with_settings_make_one_connection(play, connected):
    llm = llamaindex(play("yes"))
    index = VectorStoreIndex([TextNode(text="x")], embed_model=MockEmbedding(embed_dim=2))
    Settings.llm, Settings.callback_manager = llm, CallbackManager()
    try:
        for _ in range(10):
            assert str(index.as_query_engine().query("go")) == "yes"
            assert str(index.as_query_engine(llm=llm).query("go")) == "yes"
            llm.callback_manager = CallbackManager()
    finally:
        Settings._llm = Settings._callback_manager = None
    assert len(connected) == 1


@every_model
@every_door
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_retries", 3),
        ("timeouts", Timeouts(stall=9)),
        ("temperature", 0.5),
        ("fallback_models", []),
        ("stream_usage", False),
        ("on_event", print),
        ("api_key", "sk-another"),
        ("default_headers", {"x-a": "b"}),
        ("connections", Connections()),
    ],
)
def test_a_change_keeps_the_connections(play, text, make, change, name, value, connected):
    llm = make(play())
    assert ask(llm) == text
    for _ in range(3):
        llm = change(llm, name, value)
        assert ask(llm) == text
    assert len(connected) == 1


@every_model
def test_a_change_of_the_connections_makes_new_ones(play, text, make, connected):
    llm = make(play())
    assert ask(llm) == text
    llm.connections = Connections(max_connections=7)
    assert ask(llm) == text
    assert len(connected) == 2


@every_model
@every_door
async def test_a_change_keeps_the_connections_of_a_loop(play, text, make, change, connected):
    llm = make(play())
    for times in range(4):
        llm = change(llm, "max_retries", times)
        assert await aask(llm) == text
    assert len(connected) == 1


@every_model
@every_door
@pytest.mark.parametrize(
    ("name", "value"),
    [("max_retries", 1), ("timeout", 20.0), ("providers", [Provider("k", "http://127.0.0.1:9")])],
)
def test_a_change_keeps_the_cooldowns(play, text, make, change, name, value):
    script = play(faults=[refuse(429, retry_after=300)])
    llm = make(script, fallback_models=["gemini-2.5-flash"], model="gpt-4.1")
    assert ask(llm) == text
    llm = change(llm, name, value)
    assert ask(llm) == text
    models = [request.body["model"] for request in script.requests]
    assert models == ["gpt-4.1", "gemini-2.5-flash", "gemini-2.5-flash"]


@every_model
@every_door
@pytest.mark.parametrize(
    ("name", "value"),
    [("api_key", "sk-of-another-account"), ("circuit", CircuitConfig(failures=9))],
)
def test_another_account_does_not_inherit_cooldowns(play, text, make, change, name, value):
    script = play(faults=[refuse(429, retry_after=300)])
    llm = make(script, fallback_models=["gemini-2.5-flash"], model="gpt-4.1")
    assert ask(llm) == text
    assert ask(change(llm, name, value)) == text
    models = [request.body["model"] for request in script.requests]
    assert models == ["gpt-4.1", "gemini-2.5-flash", "gpt-4.1"]


@every_model
def test_a_copy_that_differs_in_fields_of_requests_shares_the_engines_client(play, make):
    llm = make(play())
    assert llm.model_copy(update={"temperature": 0.5, "seed": 1})._handler is llm._handler
    assert llm.model_copy(update={"temperature": 0.5}).temperature == 0.5
    assert llm.temperature is None


@every_model
def test_threads_that_change_a_model_and_threads_that_use_it_never_meet_none(play, text, make):
    llm, start = make(play()), threading.Barrier(6)

    def changing():
        start.wait()
        for times in range(20):
            llm.max_retries = times
            llm.timeout = 30.0 + times
        return text

    def asking():
        start.wait()
        return {ask(llm) for _ in range(8)}

    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(each) for each in (changing, asking, asking) * 2]
    assert [each.result() for each in waiting] == [text, {text}, {text}] * 2
    assert llm._handler.settings.retry.max_retries == llm.max_retries == 19
    assert llm._handler.settings.timeouts.read == llm.timeout == 49.0


@every_model
def test_no_change_of_many_threads_is_lost(play, make):
    names = ["max_retries", "timeout", "coalesce", "stream_usage", "adapt", "allow_http"]
    for _ in range(10):
        llm, start = make(play()), threading.Barrier(len(names))
        values = dict(zip(names, [2, 9.0, True, False, False, True], strict=True))

        def change(name, llm=llm, start=start, values=values):
            start.wait()
            setattr(llm, name, values[name])

        threads = [threading.Thread(target=change, args=[name]) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        settings = llm._handler.settings
        assert {name: getattr(llm, name) for name in names} == values
        assert (settings.retry.max_retries, settings.timeouts.read) == (2, 9.0)
        assert (settings.coalesce, settings.stream_usage, settings.adapt) == (True, False, False)


# -- what frameworks do with models ---------------------------------------------------------------


def test_llamaindex_sets_its_own_fields(play, text):
    llm, manager = llamaindex(play()), CallbackManager()
    llm.callback_manager = manager
    assert llm.callback_manager is manager
    llm.callback_manager = None
    assert isinstance(llm.callback_manager, CallbackManager)
    llm.system_prompt = "Be brief."
    if "rate_limiter" in HolySheep.model_fields:  # older ones of core have none
        llm.rate_limiter = None
    assert llm.complete("go").text == text


def test_langchain_sets_its_own_fields_and_its_identity_follows(play, text):
    from langchain_core.caches import InMemoryCache
    from langchain_core.rate_limiters import InMemoryRateLimiter

    llm = langchain(play())
    limiter, cache = InMemoryRateLimiter(requests_per_second=1000), InMemoryCache()
    llm.rate_limiter, llm.cache, llm.tags, llm.verbose = limiter, cache, ["a"], True
    assert (llm.rate_limiter, llm.cache, llm.tags) == (limiter, cache, ["a"])
    assert llm.invoke("go").text == text
    before = llm._get_llm_string()
    llm.temperature = 0.5
    assert llm._get_llm_string() != before
    assert ChatHolySheep._serialized.func(llm) == llm._serialized


def test_langchains_configurable_fields_and_configured_models_answer(play, text):
    from langchain_core.runnables import ConfigurableField

    script = play()
    llm = langchain(script)
    chosen = llm.configurable_fields(
        temperature=ConfigurableField(id="t"), max_retries=ConfigurableField(id="r")
    )
    answer = chosen.invoke("go", config={"configurable": {"t": 0.25, "r": 1}})
    assert answer.text == text
    assert script.requests[-1].body["temperature"] == 0.25
    assert llm.with_config(tags=["x"]).invoke("go").text == text
    with_key = llm.configurable_fields(api_key=ConfigurableField(id="k"))
    with_key.invoke("go", config={"configurable": {"k": "sk-configured"}})
    assert script.requests[-1].headers["authorization"] == "Bearer sk-configured"


@every_model
def test_copies_and_pickles_of_changed_models_have_the_changes(play, text, make, monkeypatch):
    script = play()
    llm = make(script)
    llm.temperature, llm.max_retries, llm.api_key = 0.75, 1, "sk-changed"
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "sk-of-environment")
    for again in (copy.copy(llm), copy.deepcopy(llm), llm.model_copy(), llm.model_copy(deep=True)):
        assert ask(again) == text
        assert script.requests[-1].headers["authorization"] == "Bearer sk-changed"
        assert script.requests[-1].body["temperature"] == 0.75
    raw = pickle.dumps(llm)
    assert b"sk-changed" not in raw
    again = pickle.loads(raw)
    assert ask(again) == text
    assert (again.max_retries, again._handler.settings.retry.max_retries) == (1, 1)
    assert script.requests[-1].headers["authorization"] == "Bearer sk-of-environment"
    again.api_key = "sk-after-pickle"
    assert ask(again) == text
    assert script.requests[-1].headers["authorization"] == "Bearer sk-after-pickle"


@every_model
def test_a_model_unpickled_without_a_key_takes_settings_and_then_a_key(play, text, make):
    script = play()
    again = pickle.loads(pickle.dumps(make(script)))
    again.max_retries = 2
    again.temperature = 0.5
    with pytest.raises(ConfigurationError, match="temperature"):
        again.temprature = 0.5
    with pytest.raises(ConfigurationError, match="HOLYSHEEP_API_KEY"):
        ask(again)
    again.api_key = "sk-at-last"
    assert ask(again) == text
    assert script.requests[-1].headers["authorization"] == "Bearer sk-at-last"


@pytest.mark.parametrize("cls", [ChatHolySheep, HolySheep])
def test_fields_of_a_users_own_class_are_fields_too(play, text, cls):
    class Mine(cls):
        team: str = "a"

    script = play()
    llm = Mine(model="m", api_key="k", base_url=script.base_url, team="b")
    llm.team = "c"
    assert llm.model_copy(update={"team": "d"}).team == "d"
    with pytest.raises(ConfigurationError, match="team"):
        llm.model_copy(update={"taem": "d"})
    assert (llm.team, ask(llm)) == ("c", text)


def test_each_loop_still_has_connections_of_its_own(text):
    with Simulator() as simulator:
        llm = llamaindex(simulator.add(Scenario(text=text)))
        for times in range(3):
            llm.retry = RetryConfig(max_retries=times)
            assert asyncio.run(aask(llm)) == text
