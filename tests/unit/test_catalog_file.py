"""A catalog of the user's own: what it changes, and what it refuses."""

import json

import pytest

from holysheep_core import (
    Catalog,
    ConfigurationError,
    ModelCard,
    StreamingRetryHandler,
    Usage,
    card,
    load_catalog,
)
from holysheep_core.catalog import learn
from support.calls import ASK

TOML = '["gpt-4.1"]\ninput_price = 1.5\n\n["mine"]\ncontext_window = 32_000\ntools = false\n'


@pytest.fixture
def write(tmp_path):
    def write(text, name="models.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_changes_what_it_names_and_nothing_else(write):
    catalog = load_catalog(write(TOML))
    assert catalog.card("gpt-4.1").input_price == 1.5
    assert catalog.card("gpt-4.1").output_price == card("gpt-4.1").output_price
    assert catalog.card("mine") == ModelCard(context_window=32_000, tools=False)
    assert catalog.card("claude-sonnet-4.5") == card("claude-sonnet-4.5")
    as_json = {"gpt-4.1": {"input_price": 1.5}, "mine": {"context_window": 32000, "tools": False}}
    assert load_catalog(write(json.dumps(as_json), "m.json")).models == catalog.models


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "models.toml: "),
        ('["m"]\nprice = 1.0', "'price' is no fact; there are context_window, input_price"),
        ('["m"]\ninput_price = -1', "needs a finite number from 0 up"),
        ('["m"]\ninput_price = "2"', "needs a finite number from 0 up"),
        ('["m"]\ntools = "yes"', "needs true or false"),
        ('["m"]\ncontext_window = 0', "needs a whole number from 1 up"),
        ("m = 3", "needs a table of facts"),
    ],
)
def test_nonsense_is_refused_with_file_and_model(write, text, says):
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(write(text))
    assert says in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_at_once(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"):
        StreamingRetryHandler("k", catalog=tmp_path / "gone.toml")


def test_the_environment_names_a_file(write, monkeypatch):
    monkeypatch.setenv("HOLYSHEEP_CATALOG", str(write(TOML)))
    settings = StreamingRetryHandler("k").settings
    assert settings.catalog.card("mine").context_window == 32_000
    given = StreamingRetryHandler("k", catalog=Catalog()).settings
    assert given.catalog.card("mine") == ModelCard()


def test_what_is_learned_stays_in_the_file(tmp_path):
    path = tmp_path / "learned.json"
    learn(path, "gpt-4.1", prefill=False)
    learn(path, "gpt-4.1", tools=True)
    learn(path, "new", prefill=True)
    catalog = load_catalog(path)
    assert catalog.card("new").prefill
    assert json.loads(path.read_text())["gpt-4.1"] == {"prefill": False, "tools": True}
    with pytest.raises(ConfigurationError, match=r"\.json"):
        learn(tmp_path / "learned.toml", "m", tools=True)


@pytest.mark.parametrize(
    ("known", "usage", "cost"),
    [
        (ModelCard(), Usage(0, 0), 0.0),
        (ModelCard(), Usage(1, 0), None),
        (ModelCard(input_price=2.0), Usage(1_000_000, 1), None),
        (ModelCard(input_price=2.0, output_price=8.0), Usage(1_000_000, 500_000), 6.0),
        (ModelCard(input_price=2.0, output_price=8.0), Usage(1_000_000, 0, 500_000), 2.0),
        (ModelCard(input_price=2.0, cached_price=1.0), Usage(1_000_000, 0, 500_000), 1.5),
        (ModelCard(input_price=0.0, output_price=0.0), Usage(5, 5), 0.0),
    ],
)
def test_a_cost_is_known_or_unknown_and_never_a_guess(known, usage, cost):
    assert known.cost(usage) == cost


def test_a_catalogs_window_price_and_prefill_are_what_the_engine_goes_by(play, text):
    mine = Catalog(
        {
            "small": ModelCard(context_window=3, input_price=1.0, output_price=1.0),
            "wide": ModelCard(context_window=10_000, input_price=1.0, output_price=2.0),
        }
    )
    script = play(text=text)
    handler = StreamingRetryHandler(
        "k", base_url=script.base_url, catalog=mine, fallback_models=["small", "wide"]
    )
    assert handler.complete("wide", ASK).cost_usd > 0
    routes = handler.gateway.chain
    chain = routes(_request("gpt-4.1"), handler.settings.fallback, handler.settings.catalog)
    assert [route.model for route in chain.routes] == ["gpt-4.1", "wide"]


def _request(model):
    from holysheep_core import ChatRequest

    return ChatRequest(model, ASK)
