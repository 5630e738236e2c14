"""The user's catalog: a TOML or JSON file with what is known better than by the built-in table.

::

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
from importlib import import_module
from pathlib import Path
from typing import Any

from holysheep_core.catalog import Catalog, ModelCard, card
from holysheep_core.config.settings import check_count, check_number
from holysheep_core.errors import ConfigurationError

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
