"""Refuses unknown keywords of a constructor and names the replacement."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from holysheep_core.errors import ConfigurationError


def refuse_unknown(
    owner: str,
    given: Collection[str],
    known: Collection[str],
    hints: Mapping[str, str],
    otherwise: str,
) -> None:
    """Raise one error for all unknown keywords, if there are any.

    Args:
        owner: The class's name.
        given: The keywords of the call.
        known: The keywords of the constructor.
        hints: Keyword of another library -> its replacement here, as a sentence.
        otherwise: The advice for a keyword without a hint and without a similar keyword.

    Raises:
        ConfigurationError: A keyword is unknown. The message has the names, never a value, which
            may be an API key.
    """
    advice: dict[str, list[str]] = {}
    for name in sorted(set(given) - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        hint = hints.get(name) or (f"Did you mean {near[0]}?" if near else otherwise)
        advice.setdefault(hint, []).append(name)
    if advice:
        said = [
            f"{owner} has no {' and no '.join(names)}. {hint}" for hint, names in advice.items()
        ]
        raise ConfigurationError(" ".join(said))
