"""Unknown keywords: one error for all of them, with what to write instead."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from holysheep_core.errors import ConfigurationError

_Class = TypeVar("_Class", bound=type[Any])


def refuses_unknown(
    hints: Mapping[str, str] | None = None,
) -> Callable[[_Class], _Class]:
    """Return a decorator of classes whose constructor refuses unknown keywords by name.

    Args:
        hints: Keyword of another class -> its replacement here, as a sentence.
    """

    def decorate(cls: _Class) -> _Class:
        made = cls.__init__
        parameters = inspect.signature(made).parameters
        known = frozenset(parameters) - {"self"}
        otherwise = f"It has {', '.join(name for name in parameters if name in known)}."

        @functools.wraps(made)
        def checked(self: Any, *args: Any, **given: Any) -> None:
            if not given.keys() <= known:
                refuse_unknown(cls.__name__, given, known, hints or {}, otherwise)
            made(self, *args, **given)

        cls.__init__ = checked
        return cls

    return decorate


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
