"""Ticks of a report's charts: round values, and hours of the day."""

from __future__ import annotations

import math
import time

_INTERVALS = (
    *(60, 300, 600, 900, 1800),
    *(hours * 3600 for hours in (1, 2, 3, 4, 6, 12, 24, 48, 7 * 24, 14 * 24)),
)
_DAY = 86400


def ticks_of_values(most: float, count: int = 2, *, whole: bool = False) -> list[float]:
    """Return round values from 0 to one that is not below `most`, evenly spaced.

    >>> ticks_of_values(37)
    [0.0, 20.0, 40.0]

    Args:
        most: The largest value shown, above 0.
        count: Steps between 0 and the last tick, at least; fewer where they would be parts of 1.
        whole: Only whole numbers, as of calls.
    """
    if whole:
        count = min(count, math.ceil(most))
    rough = most / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough * 0.9999)
    step = math.ceil(step) if whole else step
    steps = max(count, math.ceil(most / step - 1e-9))
    return [round(number * step, 12) for number in range(steps + 1)]


def ticks_of_time(since: float, until: float, most: int = 6) -> list[tuple[float, str]]:
    """Return at most `most` Unix times between two, each with its local hour or date.

    Midnight, and every tick where they are a day or more apart, has the date: "11-30".

    Args:
        since: Unix time of the beginning.
        until: Unix time of the end, later.
        most: How many ticks at most.
    """
    interval = next((each for each in _INTERVALS if (until - since) / each <= most), _INTERVALS[-1])
    local = time.localtime(since)
    midnight = since - (local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec) - since % 1
    at = midnight + math.ceil((since - midnight) / interval) * interval
    found = []
    while at <= until:
        here = time.localtime(at)
        dated = interval >= _DAY or (here.tm_hour, here.tm_min) == (0, 0)
        found.append((at, time.strftime("%m-%d" if dated else "%H:%M", here)))
        at += interval
    return found
