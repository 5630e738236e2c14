"""Changes of a model's settings: names of fields, and one change at a time.

This module needs pydantic, like `settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import AliasChoices, BaseModel

from holysheep_core.process import Lock

CHANGES = Lock()
"""Held while a model changes. One for all models: changes are rare, and a lock in a model could be
neither copied nor pickled."""


def by_field(cls: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by the names of their fields.

    Args:
        cls: The model's class.
        given: Values by names of fields or by aliases. Of two names of one field, the one that
            the constructor prefers counts.
    """
    known = _names(cls)
    ordered = sorted(given, key=lambda name: known[name][1], reverse=True)
    return {known[name][0]: given[name] for name in ordered}


def known_keywords(cls: type[BaseModel]) -> frozenset[str]:
    """Return the constructor's keywords, aliases included."""
    return frozenset(_names(cls))


@cache
def _names(cls: type[BaseModel]) -> dict[str, tuple[str, int]]:
    """Return the field of each keyword, and its rank among the keywords of that field."""
    names: dict[str, tuple[str, int]] = {}
    for field, info in cls.model_fields.items():
        choices = info.validation_alias
        others = choices.choices if isinstance(choices, AliasChoices) else [choices, info.alias]
        words = [name for name in (*others, field) if isinstance(name, str)]
        for rank, name in enumerate(words):
            names.setdefault(name, (field, rank))
    return names
