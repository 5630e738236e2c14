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

Fields are those of `ModelCard`; what a model's table leaves out stays as it is.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.errors import ConfigurationError
from holysheep_core.types import Usage


@dataclass(frozen=True)
class ModelCard:
    """Facts about one model.

    Attributes:
        context_window: Tokens of prompt and answer together, or None if not known.
        input_price: US$ per million input tokens, or None if not known.
        cached_price: The same for input read from the provider's cache; None for as any input.
        cache_write_price: The same for input written to it; None for as any input.
        output_price: The same for output tokens.
        tools: Whether it can call tools.
        images: Whether it can read images.
        json_schema: Whether it can be held to a JSON schema.
        prefill: Whether it continues an assistant's message that ends the conversation.
    """

    context_window: int | None = None
    input_price: float | None = None
    cached_price: float | None = None
    output_price: float | None = None
    tools: bool = True
    images: bool = True
    json_schema: bool = True
    prefill: bool = False
    cache_write_price: float | None = None

    def cost(self, usage: Usage) -> float | None:
        """Return the price of some tokens in US$; None if a price that matters is not known."""
        # What a server reports need not add up; a cost is never less than nothing.
        cached = min(usage.cached_tokens, usage.input_tokens)
        written = min(usage.cache_write_tokens, usage.input_tokens - cached)
        cached_price = self.input_price if self.cached_price is None else self.cached_price
        written_price = self.cache_write_price
        parts = (
            (usage.input_tokens - cached - written, self.input_price),
            (cached, cached_price),
            (written, self.input_price if written_price is None else written_price),
            (usage.output_tokens, self.output_price),
        )
        total = 0.0
        for tokens, price in parts:
            if tokens and price is None:
                return None
            total += tokens * (price or 0.0)
        return total / 1e6


UNKNOWN = ModelCard()

MODELS: Mapping[str, ModelCard] = {
    "gpt-4.1": ModelCard(
        context_window=1_047_576, input_price=2.00, cached_price=0.50, output_price=8.00
    ),
    "claude-sonnet-4.5": ModelCard(
        context_window=200_000,
        input_price=3.00,
        cached_price=0.30,
        cache_write_price=3.75,
        output_price=15.00,
        prefill=True,
    ),
    "gemini-2.5-flash": ModelCard(
        context_window=1_048_576, input_price=0.30, cached_price=0.03, output_price=2.50
    ),
    "deepseek-v3.2": ModelCard(
        context_window=128_000,
        input_price=0.28,
        cached_price=0.028,
        output_price=0.42,
        images=False,
        json_schema=False,
    ),
}

DEFAULT_FALLBACK = "gemini-2.5-flash"
"""Where every other model goes when it is rate limited: the cheapest wide window of the four."""


class Catalog:
    """The table above, with what you know better laid over it.

    >>> catalog = Catalog({"gpt-5.5": ModelCard(input_price=5.0, output_price=37.5)})
    >>> catalog.card("gpt-5.5").cost(Usage(input_tokens=1_000, output_tokens=1_000))
    0.0425
    >>> catalog.card("gpt-4.1") == card("gpt-4.1")
    True

    Args:
        models: Cards that take the place of those in the table.
    """

    def __init__(self, models: Mapping[str, ModelCard] | None = None) -> None:
        self.models: Mapping[str, ModelCard] = {**MODELS, **(models or {})}

    def card(self, model: str) -> ModelCard:
        """Return what is known of a model; for an unknown one, a card that rules nothing out."""
        return self.models.get(model, UNKNOWN)


def card(model: str) -> ModelCard:
    """Return what the built-in table says of a model."""
    return MODELS.get(model, UNKNOWN)


def default_fallbacks(model: str) -> tuple[str, ...]:
    """Return the models to try after `model`, best first."""
    return () if model == DEFAULT_FALLBACK else (DEFAULT_FALLBACK,)


VARIABLE = "HOLYSHEEP_CATALOG"
"""Environment variable that names the file where no `catalog` is given."""

_FIELDS = {field.name: field.type for field in dataclasses.fields(ModelCard)}


def load_catalog(path: str | os.PathLike[str]) -> Catalog:
    """Read a catalog.

    Args:
        path: A file that ends in .toml or .json.

    Raises:
        ConfigurationError: It cannot be read, or says something that has no meaning.
    """
    models = _read(Path(path))
    return Catalog({name: _card(Path(path), name, facts) for name, facts in models.items()})


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
    return dataclasses.replace(card(model), **facts)
