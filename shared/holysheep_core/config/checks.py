"""Checks shared by the settings: each error names the setting and a valid value."""

from __future__ import annotations

import math
import sys
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
