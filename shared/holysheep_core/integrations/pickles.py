"""Pickles of models: what cannot be pickled is left out with a warning, or is an error."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Mapping
from typing import Any

from holysheep_core.integrations.turns import warn_once


def without_unpicklable(
    owner: str, fields: Mapping[str, Any], may_be_left_out: Collection[str]
) -> dict[str, Any]:
    """Return the fields of a model that go into its pickle; a log line names those left out, once.

    A lambda has no pickle. A model with one is pickled all the same, as worker processes need, and
    the process that loads it sets its own callbacks.

    Args:
        owner: The class's name.
        fields: The fields by name.
        may_be_left_out: Names of those that a model works without: callbacks and the like. For
            others, pickling raises its error.
    """
    lost = sorted(
        name for name, value in fields.items() if name in may_be_left_out and not _pickles(value)
    )
    if lost:
        warn_once(
            f"A pickle of {owner} leaves out {', '.join(lost)}, which cannot be pickled. Set "
            f"{'them' if len(lost) > 1 else 'it'} again where it is loaded."
        )
    return {name: value for name, value in fields.items() if name not in lost}


def _pickles(value: object) -> bool:
    if value is None:
        return True
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - a user's object may raise anything
        return False
    return True
