"""`dumps` and `load` of a model: its settings as plain values, the API key as a named secret.

What cannot be written, or must not be, is left out: other keys and headers, `store`, `journal`,
`providers`, `gateway`, connections, callbacks and observers.
"""

from __future__ import annotations

import dataclasses
from enum import Enum
from pathlib import Path
from typing import Any

from langchain_core.load.load import ALL_SERIALIZABLE_MAPPINGS
from langchain_core.load.serializable import (
    Serializable,
    SerializedConstructor,
    SerializedNotImplemented,
)

from langchain_holysheep.identity import SelfDescription

_ALSO = ("retry", "circuit", "catalog", "event_log")
"""Settings that are in no `dict()` of a model, and yet no secrets."""


def register(cls: type[Serializable]) -> None:
    """Let `load(…, allowed_objects="all")` build a class.

    LangChain has a table of the classes of known packages. A caller must still name this package
    in `valid_namespaces`.
    """
    path = tuple(cls.lc_id())
    ALL_SERIALIZABLE_MAPPINGS.setdefault(path, path)


class Serialization(SelfDescription):
    """Adds LangChain's serialization to a model."""

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """Whether `dumps` writes the model as its settings: True."""
        return True

    def to_json(self) -> SerializedConstructor | SerializedNotImplemented:
        """Return the class, and the settings as keywords of its constructor."""
        found: Any = super().to_json()
        kwargs = {name: plain(value) for name, value in found["kwargs"].items()}
        for name in _ALSO:
            value = getattr(self, name)
            if value is not None:
                kwargs[name] = plain(value)
        return {**found, "kwargs": kwargs}  # type: ignore[return-value] # of the same keys

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        # The cache's key: LangChain's for models that are not serializable. Its other one has all
        # settings, so a longer timeout or a new version would make an answer unknown.
        params = {**self._get_invocation_params(stop=stop, **kwargs), **kwargs}
        return str(sorted(params.items()))


def plain(value: Any) -> Any:
    """Return a setting as the value of JSON from which the constructor makes it again.

    A dataclass is the dict of its fields that differ from their defaults. What no JSON can hold,
    such as a function, stays; LangChain writes it as "not implemented", and `load` refuses it.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [(field.name, field.default) for field in dataclasses.fields(value)]
        given = {name: (getattr(value, name), default) for name, default in fields}
        return {name: plain(one) for name, (one, default) in given.items() if one != default}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(plain(each) for each in value)
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return value
