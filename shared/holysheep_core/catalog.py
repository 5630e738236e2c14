"""What is known of models: windows, prices, abilities, and their default fallback models.

Only defaults. Model ids are never checked against this table: a gateway adds models faster
than a package is released, and an unknown model is assumed able to do everything. Output prices
are those HolySheep publishes. What it says of input prices contradicts itself, so these, also of
input that a cache gave or took, are the model makers' own, like the windows; a `Catalog` from a
file puts your contract's in their place.

A catalog file is TOML or JSON::

    ["gpt-4.1"]
    input_price = 1.60          # US$ per million tokens
    output_price = 6.40

    ["my-model"]
    context_window = 32_000
    tools = false

Fields are those of `ModelCard`; what a model's table leaves out stays as it is. LiteLLM's price
list, `model_prices_and_context_window.json`, is read too.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from holysheep_core.catalog_models import MODELS, ROWS, UNKNOWN, ModelCard
from holysheep_core.catalog_names import lookup_key, lookup_keys
from holysheep_core.config.checks import check_count, check_number
from holysheep_core.errors import ConfigurationError

__all__ = [
    "DEFAULT_FALLBACK",
    "MODELS",
    "UNKNOWN",
    "VARIABLE",
    "Catalog",
    "ModelCard",
    "card",
    "check_learnable",
    "coerce",
    "default_fallbacks",
    "learn",
    "load_catalog",
]


DEFAULT_FALLBACK = "gemini-2.5-flash"
"""Where every other model goes when it is rate limited: the cheapest wide window of the four."""


class Catalog:
    """The built-in table of models, with your own cards in place of some of its own.

    >>> from holysheep_core import Catalog, ModelCard, Usage, card
    >>> catalog = Catalog({"gpt-5.5": ModelCard(input_price=5.0, output_price=37.5)})
    >>> catalog.card("gpt-5.5").cost(Usage(input_tokens=1_000, output_tokens=1_000))
    0.0425
    >>> catalog.card("gpt-4.1") == card("gpt-4.1")
    True

    A model is found under the variants of its name too: in upper case, with hyphens for dots, with
    the names of providers before it ("openrouter/anthropic/claude-sonnet-4.5"), with a date or
    "-latest" after it. An entry with just the name that is asked for comes first.

    >>> catalog.card("openai/gpt-4.1-2025-04-14") == card("gpt-4.1")
    True
    >>> catalog.card("ft:gpt-4.1:acme::1").context_window is None  # has prices of its own
    True

    Args:
        models: Cards that take the place of those in the table. One holds for all ids of its model,
            but for those that have their own.
    """

    def __init__(self, models: Mapping[str, ModelCard] | None = None) -> None:
        own = _under_all_ids(models or {})
        self.models: Mapping[str, ModelCard] = {**MODELS, **own}
        self._by_key = {**_BY_KEY, **_by_key(own)} if own else _BY_KEY

    def card(self, model: str) -> ModelCard:
        """Return what is known of a model; for an unknown one, a card that rules nothing out."""
        return self.models.get(model) or _found(model, self._by_key)


def card(model: str) -> ModelCard:
    """Return what the built-in table says of a model."""
    return MODELS.get(model) or _found(model, _BY_KEY)


def default_fallbacks(model: str) -> tuple[str, ...]:
    """Return the models to try after `model`, best first."""
    return () if lookup_key(DEFAULT_FALLBACK) in lookup_keys(model) else (DEFAULT_FALLBACK,)


def _by_key(models: Mapping[str, ModelCard]) -> dict[str, ModelCard]:
    return {lookup_key(name): known for name, known in models.items()}


_BY_KEY = _by_key(MODELS)


def _found(model: str, by_key: Mapping[str, ModelCard]) -> ModelCard:
    return next((by_key[key] for key in lookup_keys(model) if key in by_key), UNKNOWN)


def _under_all_ids(own: Mapping[str, ModelCard]) -> dict[str, ModelCard]:
    """Return a user's cards under the other ids of their models too."""
    known = _by_key(own)
    made = dict(own)
    for ids, _ in ROWS if own else ():
        first = next((known[key] for key in map(lookup_key, ids) if key in known), None)
        if first is not None:
            made.update(
                {name: known.get(lookup_key(name), first) for name in ids if name not in own}
            )
    return made


VARIABLE = "HOLYSHEEP_CATALOG"
"""Environment variable that names the file where no `catalog` is given."""

_FIELDS = {field.name: field.type for field in dataclasses.fields(ModelCard)}


def load_catalog(path: str | os.PathLike[str]) -> Catalog:
    """Read a catalog.

    Args:
        path: A file that ends in .toml or .json; LiteLLM's price list is recognised by its shape.

    Raises:
        ConfigurationError: It cannot be read, or says something that has no meaning.
    """
    models = _read(Path(path))
    if any(isinstance(facts, Mapping) and _OF_LITELLM & facts.keys() for facts in models.values()):
        models = _from_litellm(models)
    return Catalog({name: _card(Path(path), name, facts) for name, facts in models.items()})


_OF_LITELLM = {"litellm_provider", "input_cost_per_token", "output_cost_per_token"}
_CHATS = ("chat", "responses", "completion")
_PRICES = {
    "input_cost_per_token": "input_price",
    "cache_read_input_token_cost": "cached_price",
    "cache_creation_input_token_cost": "cache_write_price",
    "output_cost_per_token": "output_price",
}
_NO_PRICES: dict[str, Any] = dict.fromkeys(_PRICES.values())
_TOKENS = {"max_input_tokens": "context_window", "max_output_tokens": "max_output_tokens"}
_ABILITIES = {
    "supports_function_calling": "tools",
    "supports_vision": "images",
    "supports_response_schema": "json_schema",
    "supports_reasoning": "reasoning",
}


def _from_litellm(models: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the facts of LiteLLM's price list: US$ per token there, per million tokens here.

    It names many models with their maker, "deepseek/deepseek-chat"; such names hold without it too.
    What has no meaning in it is left out and no error: its user did not write it.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, facts in models.items():
        if isinstance(facts, Mapping) and facts.get("mode", "chat") in _CHATS:
            found[name] = _facts(name, facts)
    for name in list(found):
        maker, _, bare = name.partition("/")
        if bare and "/" not in bare and bare.lower().startswith(maker.lower()):
            found.setdefault(bare, found[name])
    return found


def _facts(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for theirs, ours in _PRICES.items():
        price = facts.get(theirs)
        if isinstance(price, (int, float)) and not isinstance(price, bool) and price >= 0:
            found[ours] = round(price * 1e6, 9)
    if not found.get("cache_write_price"):
        found.pop("cache_write_price", None)  # 0 where writing costs no more than input
    for theirs, ours in _TOKENS.items():
        tokens = facts.get(theirs)
        # Theirs is the prompt's limit, ours the window's; but another provider may have less.
        known = getattr(_BY_KEY.get(lookup_key(name), UNKNOWN), ours)
        if known is None and isinstance(tokens, int) and tokens > 0:
            found[ours] = tokens
    abilities = {ours: facts.get(theirs) for theirs, ours in _ABILITIES.items()}
    return found | {name: value for name, value in abilities.items() if isinstance(value, bool)}


def learn(path: str | os.PathLike[str], model: str, **facts: object) -> None:
    """Note facts about a model in a JSON catalog, which is made if need be.

    Raises:
        ConfigurationError: The file is no JSON catalog, or cannot be written.
    """
    file = Path(path)
    models = _learned(file)
    models[model] = {**models.get(model, {}), **facts}
    _card(file, model, models[model])
    try:
        file.write_text(json.dumps(models, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}.") from None


def check_learnable(path: str | os.PathLike[str]) -> None:
    """Tell before anything is learned whether `learn` can write it down.

    Raises:
        ConfigurationError: The file is no JSON catalog, or cannot be written.
    """
    file = Path(path)
    _learned(file)
    if not file.parent.is_dir():
        raise ConfigurationError(f"{file}: there is no folder {file.parent}.")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ConfigurationError(f"{file}: cannot be written.")


def coerce(value: Catalog | str | os.PathLike[str] | None) -> Catalog:
    """Return a catalog from what a user gave: one, a file's path, or None for the environment's."""
    if isinstance(value, Catalog):
        return value
    if value is None:
        value = os.environ.get(VARIABLE)
    return Catalog() if not value else load_catalog(value)


def _learned(file: Path) -> dict[str, Any]:
    if file.suffix != ".json":
        raise ConfigurationError(f"{file}: what is learned is written as JSON; name a .json file.")
    models = _read(file) if file.exists() else {}
    for name, facts in models.items():
        _card(file, name, facts)
    return models


def _read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigurationError(f"catalog {file}: {why}.") from None
    try:
        models = _toml(text) if file.suffix == ".toml" else json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"catalog {file}: {error}.") from None
    if not isinstance(models, dict):
        raise ConfigurationError(f"catalog {file}: needs a table for each model.")
    return models


def _toml(text: str) -> Any:
    # `tomllib` came with Python 3.11; before, its twin is a dependency.
    library = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return library.loads(text)


def _card(file: Path, model: str, facts: object) -> ModelCard:
    where = f"catalog {file}, {model!r}"
    if not isinstance(facts, Mapping):
        raise ConfigurationError(f"{where}: needs a table of facts.")
    for name, value in facts.items():
        kind = _FIELDS.get(name)
        if kind is None:
            known = ", ".join(_FIELDS)
            raise ConfigurationError(f"{where}: {name!r} is no fact; there are {known}.")
        if kind == "bool" and not isinstance(value, bool):
            raise ConfigurationError(f"{where}: {name}={value!r}: needs true or false.")
        if "float" in str(kind):
            check_number(f"{where}: {name}", value)
        if "int" in str(kind) and "float" not in str(kind):
            check_count(f"{where}: {name}", value, minimum=1)
    before = card(model)
    if lookup_key(model) not in _BY_KEY and facts.keys() & _NO_PRICES.keys():
        # Another provider's prices, or a snapshot's: what is not given costs as any input, not as
        # the maker's.
        before = dataclasses.replace(before, **_NO_PRICES)
    return dataclasses.replace(before, **facts)
