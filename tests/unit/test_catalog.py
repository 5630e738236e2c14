"""The catalog of models; unknown abilities do not exclude a model."""

import dataclasses
import json

import pytest

from holysheep_core import (
    Catalog,
    ConfigurationError,
    ModelCard,
    SpendLimit,
    StreamingRetryHandler,
    Usage,
    card,
    load_catalog,
)
from holysheep_core.catalog import (
    DEFAULT_FALLBACK,
    MODELS,
    UNKNOWN,
    default_fallbacks,
    learn,
)
from support.calls import ASK


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-4.1", 8.00),
        ("claude-sonnet-4.5", 15.00),
        ("gemini-2.5-flash", 2.50),
        ("deepseek-v3.2", 0.42),
    ],
)
def test_prices_are_the_published_ones(model, price):
    assert card(model).output_price == price


@pytest.mark.parametrize("model", ["", "gpt-99", "provider/gpt-99", "gpt-99-2025-04-14"])
def test_an_unknown_model_is_assumed_able_to_do_everything(model):
    assert card(model) is UNKNOWN
    assert (UNKNOWN.tools, UNKNOWN.images, UNKNOWN.json_schema) == (True, True, True)
    assert not UNKNOWN.prefill, "a prefill is only tried where it is known to work"


VARIANTS = [
    ("gpt-4.1", "GPT-4.1"),
    ("gpt-4.1", "gpt-4-1"),
    ("gpt-4.1", "gpt-4.1-2025-04-14"),
    ("gpt-4.1", "gpt-4.1-latest"),
    ("gpt-4.1", "openai/gpt-4.1"),
    ("gpt-4.1", "openrouter/openai/gpt-4.1-2025-04-14"),
    ("gpt-4.1-mini", "openai/GPT-4.1-mini-2025-04-14"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-5-chat", "gpt-5-chat-2025-08-07"),
    ("o3", "openai/o3-2025-04-16"),
    ("claude-sonnet-4.5", "openrouter/anthropic/claude-sonnet-4.5"),
    ("claude-sonnet-4.5", "anthropic/claude-sonnet-4-5-20250929"),
    ("claude-sonnet-4.5", "claude-sonnet-4-5@20250929"),
    ("claude-sonnet-4.5", "Claude-Sonnet-4-5-latest"),
    ("gemini-2.5-flash", "models/gemini-2.5-flash"),
    ("gemini-2.5-pro", "google/gemini-2-5-pro"),
    ("deepseek-v3.2", "deepseek-ai/DeepSeek-V3.2"),
    ("MiniMax-M2.7", "minimax/minimax-m2.7"),
]


@pytest.mark.parametrize(("model", "name"), VARIANTS)
def test_a_model_is_known_by_the_variants_of_its_name(model, name):
    assert card(name) == card(model) != UNKNOWN
    assert Catalog().card(name) == card(model)
    mine = Catalog({model: ModelCard(context_window=7)})
    assert mine.card(name).context_window == 7, "also where the table has the variant itself"


@pytest.mark.parametrize(
    "name",
    [
        *("gpt-4o-audio-preview", "gpt-4o-audio-preview-2024-12-17", "chatgpt-4o-latest"),
        *("gpt-4.1-turbo", "gpt-4", "o1-preview", "o3-deep-research-2025-06-26"),
        *("ft:gpt-4.1:acme::1", "ft:gpt-4.1-2025-04-14", "openai/ft:gpt-4.1:acme::1"),
        *("deepseek-v3.2-exp", "deepseek/deepseek-r1:free", "deepseek-r1-distill-llama-70b"),
        *("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash-image", "claude-3-5-sonnet-latest"),
    ],
)
def test_no_model_is_taken_for_another(name):
    assert card(name) is UNKNOWN
    assert Catalog({"mine": ModelCard()}).card(name) is UNKNOWN


def test_a_snapshot_that_differs_is_itself():
    assert card("openai/gpt-4o-2024-05-13").max_output_tokens == 4_096
    mine = Catalog({"gpt-4o": ModelCard(max_output_tokens=7)})
    assert mine.card("gpt-4o-2024-05-13").max_output_tokens == 4_096


def test_a_users_entry_with_just_this_name_wins():
    exact, bare, other = (ModelCard(context_window=size) for size in (1, 2, 3))
    mine = Catalog({"gpt-4.1": bare, "azure/gpt-4.1": exact, "GPT-4.1-Mini": other})
    assert mine.card("azure/gpt-4.1") is exact
    assert mine.card("azure/gpt-4.1-2025-04-14") is exact
    assert mine.card("openai/gpt-4.1") is bare
    assert mine.card("gpt-4.1") is bare
    assert mine.card("gpt-4.1-mini") is other
    only = Catalog({"azure/gpt-4.1": exact})
    assert only.card("gpt-4.1") == card("gpt-4.1"), "a provider's price is its own"


def test_a_users_entry_holds_for_the_other_ids_of_its_model():
    one, two = ModelCard(context_window=1), ModelCard(context_window=2)
    mine = Catalog({"claude-sonnet-4-5-20250929": one, "claude-sonnet-4.5": two})
    assert mine.card("claude-sonnet-4-5-20250929") is one
    assert mine.card("claude-sonnet-4-5") is two
    assert Catalog({"gemini-3-pro-preview": one}).card("gemini-3-pro") is one


def test_prices_of_a_file_for_another_provider_are_not_mixed_with_the_makers(write):
    text = '["azure/gpt-4.1"]\ninput_price = 2.2\n\n["acme/gpt-4.1"]\ntools = false\n'
    catalog = load_catalog(write(text))
    azure = catalog.card("azure/gpt-4.1")
    assert (azure.input_price, azure.cached_price, azure.output_price) == (2.2, None, None)
    assert azure.context_window == card("gpt-4.1").context_window
    assert catalog.card("acme/gpt-4.1") == dataclasses.replace(card("gpt-4.1"), tools=False)


def test_a_call_of_a_variant_has_a_cost_and_can_have_a_limit_in_dollars(play):
    script = play()
    with StreamingRetryHandler(
        "k", base_url=script.base_url, spend_limit=SpendLimit(usd=1.0)
    ) as handler:
        assert handler.complete("openai/GPT-4.1-2025-04-14", ASK).cost_usd > 0
    assert script.requests[0].body["model"] == "openai/GPT-4.1-2025-04-14", "sent as given"


def test_the_default_fallback_is_no_fallback_of_itself():
    for name in ("Gemini-2.5-Flash", "google/gemini-2.5-flash", "gemini-2.5-flash-latest"):
        assert default_fallbacks(name) == ()


@pytest.mark.parametrize("model", [*MODELS, "unheard-of"])
def test_every_model_but_the_last_resort_falls_back_to_it(model):
    expected = () if model == DEFAULT_FALLBACK else (DEFAULT_FALLBACK,)
    assert default_fallbacks(model) == expected


def test_the_last_resort_can_do_everything_and_has_the_widest_window():
    last = card(DEFAULT_FALLBACK)
    assert last.tools
    assert last.images
    assert last.json_schema
    assert last.context_window > 1_000_000


def test_a_card_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelCard().tools = False


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


WRITES = ModelCard(input_price=2.0, cached_price=1.0, cache_write_price=2.5)


PRICED = [model for model in MODELS if card(model).output_price]


@pytest.mark.parametrize("model", PRICED)
def test_input_that_a_cache_gave_costs_less_for_every_known_model(model):
    assert 0 < card(model).cached_price < card(model).input_price


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
        (WRITES, Usage(1_000_000, 0, 500_000, cache_write_tokens=250_000), 0.5 + 0.5 + 0.625),
        (WRITES, Usage(1_000_000, cache_write_tokens=1_000_000), 2.5),
        (ModelCard(input_price=2.0), Usage(1_000_000, cache_write_tokens=1_000_000), 2.0),
        # What a server reports need not add up.
        (WRITES, Usage(1_000_000, 0, 9_000_000, cache_write_tokens=9_000_000), 1.0),
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


LITELLM = {
    "sample_spec": {"input_cost_per_token": 0.0, "max_input_tokens": "text", "mode": "one of: …"},
    "claude-sonnet-4-5": {
        "litellm_provider": "anthropic",
        "mode": "chat",
        "input_cost_per_token": 3e-06,
        "cache_read_input_token_cost": 3e-07,
        "cache_creation_input_token_cost": 3.75e-06,
        "output_cost_per_token": 1.5e-05,
        "max_input_tokens": 1,
        "supports_assistant_prefill": True,
    },
    "gpt-5": {
        "input_cost_per_token": 1.25e-06,
        "output_cost_per_token": 1e-05,
        "mode": "responses",
    },
    "deepseek/deepseek-chat": {
        "input_cost_per_token": 2.8e-07,
        "cache_creation_input_token_cost": 0.0,
        "output_cost_per_token": 4.2e-07,
    },
    "azure/gpt-4.1": {"input_cost_per_token": 9e-06, "output_cost_per_token": 9e-06},
    "acme/acme-1": {
        "max_input_tokens": 32000,
        "max_output_tokens": 4096,
        "output_cost_per_token": "free",
        "supports_vision": False,
        "supports_reasoning": True,
    },
    "text-embedding-3-small": {"mode": "embedding", "input_cost_per_token": 2e-08},
}


@pytest.fixture
def litellm(write):
    return load_catalog(write(json.dumps(LITELLM), "model_prices_and_context_window.json"))


def test_litellms_prices_are_told_by_their_shape_and_are_per_million_here(litellm):
    sonnet = litellm.card("claude-sonnet-4-5")
    assert (sonnet.input_price, sonnet.output_price) == (3.0, 15.0)
    assert (sonnet.cached_price, sonnet.cache_write_price) == (0.3, 3.75)
    assert litellm.card("gpt-5").cost(Usage(1_000_000, 1_000_000)) == 11.25
    assert litellm.card("acme/acme-1") == ModelCard(
        context_window=32_000, max_output_tokens=4_096, images=False, reasoning=True
    )


def test_litellms_prices_hold_for_the_other_ids_of_a_model(litellm):
    for name in ("claude-sonnet-4.5", "claude-sonnet-4-5-20250929"):
        assert litellm.card(name).input_price == 3.0
    assert litellm.card("deepseek-chat").output_price == 0.42
    assert litellm.card("deepseek-chat").cache_write_price is None
    assert litellm.card("acme-1").reasoning
    assert litellm.card("gpt-4.1") == card("gpt-4.1"), "Azure's price is not OpenAI's"


def test_what_the_table_knows_of_windows_and_prefills_stays(litellm):
    assert litellm.card("claude-sonnet-4-5").context_window == 200_000
    assert litellm.card("claude-sonnet-4-5").prefill
    assert litellm.card("gpt-5").context_window == 400_000
    assert not litellm.card("deepseek-chat").prefill


def test_what_is_no_chat_model_is_left_out(litellm):
    assert "text-embedding-3-small" not in litellm.models
    assert "sample_spec" not in litellm.models
