"""Checks shared by the settings: each error names the setting and a valid value."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import Literal

from holysheep_core.errors import ConfigurationError


def check_number(
    name: str, value: object, *, minimum: float = 0.0, maximum: float = math.inf
) -> None:
    """Raise `ConfigurationError` unless `value` is a number from `minimum` to `maximum`."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    # Comparing comes first: `isfinite` fails on integers that no float can hold.
    largest = min(maximum, sys.float_info.max)
    if not good or not max(minimum, -largest) <= value <= largest:  # type: ignore[operator]  # `good` narrowed it
        low = f" from {minimum:g}" if minimum > -math.inf else ""
        high = f" to {maximum:g}" if maximum < math.inf else " up" if low else ""
        raise ConfigurationError(f"{name}={value!r}: needs a finite number{low}{high}.")


def check_count(name: str, value: object, *, minimum: int = 0) -> None:
    """Raise `ConfigurationError` unless `value` is a whole number of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise ConfigurationError(f"{name}={value!r}: needs a whole number from {minimum} up.")


FinishSignal = Literal["either", "finish_reason", "done"]
"""What proves that an answer is whole: see `ResumeConfig.finish_signal`."""


def check_finish_signal(value: object) -> None:
    """Raise `ConfigurationError` unless `value` is a `FinishSignal`."""
    if value not in ("either", "finish_reason", "done"):
        raise ConfigurationError(
            f"finish_signal={value!r}: needs 'either', 'finish_reason' or 'done'."
        )


def check_only_one(name: str, value: object, other: str, others: object) -> None:
    """Raise `ConfigurationError` if two settings are given (not None) that mean the same."""
    if value is not None and others is not None:
        raise ConfigurationError(f"{name} and {other} say the same thing: give one of them.")


_NUMBERS = {
    "timeouts": "Timeouts(stall={0}); for one number write timeout={0}",
    "spend_limit": "SpendLimit(usd={0})",
    "config": "RetryConfig(max_retries={0}); for one number write max_retries={0}",
    "retry": "RetryConfig(max_retries={0}); for one number write max_retries={0}",
    "fallback": "FallbackConfig(hedge={0})",
}


def refuse_numbers(**settings: object) -> None:
    """Raise `ConfigurationError` for a plain number where an object of settings belongs."""
    for name, value in settings.items():
        if isinstance(value, (int, float)):
            raise ConfigurationError(f"{name}={value!r}: needs {_NUMBERS[name].format(value)}.")


def check_folder(name: str, path: Path) -> None:
    """Raise `ConfigurationError` unless a file can be made in the folder of `path`."""
    folder = path.parent
    if not folder.is_dir():
        why = "is no folder" if folder.exists() else "does not exist"
    elif not path.exists() and not os.access(folder, os.W_OK):
        why = "cannot be written"
    else:
        return
    raise ConfigurationError(f"{name} {path}: the folder {folder} {why}.")
