"""Keywords a constructor does not know: refused, with what to write instead."""

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
    """Refuse the first keyword that is not known, if there is one.

    Args:
        owner: The class's name.
        given: The keywords used.
        known: The keywords there are.
        hints: Keyword of another library -> what to write here.
        otherwise: What to say where there is neither a hint nor a similar keyword.

    Raises:
        ConfigurationError: It names the keyword, never its value, which may be a key.
    """
    for name in sorted(set(given) - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        hint = hints.get(name) or (f"Did you mean {near[0]}?" if near else otherwise)
        raise ConfigurationError(f"{owner} has no {name}. {hint}")
