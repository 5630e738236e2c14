"""Where a text stands in another one, both as words alone, with a few edits."""

from __future__ import annotations

from holysheep_core.resume.normalize import Folded, common_suffix, is_periodic
from holysheep_core.resume.seen import MIN_PROOF

_GRAM = 8
_PROBE = 12
_MAX_EDITS = 0.15
_WINDOW = 600


def fold_words(folded: str) -> str:
    """Return the letters, digits and emoji of a folded text."""
    return Folded(folded).words().text


def align(seen: str, said: str, anchor: str, *, exactly: bool = False) -> tuple[int, int] | None:
    """Find the end of the seen text in a response, both as words alone, with few edits.

    Args:
        seen: The seen text.
        said: The response.
        anchor: The words that the model was asked to repeat.
        exactly: Without edits.

    Returns:
        Where it begins and ends in `said`.
    """
    for length in range(min(len(seen), len(said)), _GRAM - 1, -1):
        if seen.endswith(said[:length]) and not is_periodic(said[:length]):
            return 0, length
    key = seen[-MIN_PROOF:]
    if len(key) == MIN_PROOF and seen.count(key) == 1 and (at := said.find(key)) >= 0:
        end = at + MIN_PROOF
        return end - common_suffix(seen, said[:end]), end
    pattern = anchor[-64:] if len(anchor) >= _PROBE and seen.endswith(anchor) else seen[-24:]
    if exactly or len(pattern) < _PROBE:
        return None
    found = _fewest_edits(pattern, said)
    before = seen[: -len(pattern)][-_WINDOW:]
    if found and _digits(pattern) != _digits(said[slice(*found)]):
        return None  # a number is no slip of the pen
    # Of rows that are much alike, the next one is like the last one, too.
    return None if found and _fewest_edits(pattern, before) else found


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _fewest_edits(pattern: str, text: str) -> tuple[int, int] | None:
    """Find a pattern in a text by the fewest edits (Sellers 1980): 15 %, none at its end."""
    size = len(pattern)
    costs, begins = list(range(size + 1)), [0] * (size + 1)
    best: tuple[int, int, int] | None = None
    for end, character in enumerate(text, 1):
        above, origins = costs, begins
        costs, begins = [0], [end]
        for i in range(1, size + 1):
            choices = (
                (above[i - 1] + (pattern[i - 1] != character), origins[i - 1]),
                (above[i] + 1, origins[i]),
                (costs[i - 1] + 1, begins[i - 1]),
            )
            cost, begin = min(choices, key=lambda choice: choice[0])
            costs.append(cost)
            begins.append(begin)
        close = costs[size] <= max(1, int(_MAX_EDITS * size))
        if close and text[:end].endswith(pattern[-3:]) and (best is None or costs[size] < best[0]):
            best = (costs[size], begins[size], end)
    return best and best[1:]
