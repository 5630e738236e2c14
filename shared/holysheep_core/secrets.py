"""Keys: how they are held, and how they are blanked out of what a server says."""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn

MIN_SECRET_LENGTH = 8
"""Characters; blanking out shorter values ("1", "gzip") would make errors unreadable."""


class Secret:
    """A key that shows itself only when asked to: not in a repr, a dict, a log or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("API keys are not pickled; give the other process its key by environment.")


def scrub(text: str, secrets: Collection[str]) -> str:
    """Blank out secrets in a text that comes from outside, also as JSON writes them."""
    for secret in secrets:
        for written in (secret, secret.replace("/", "\\/")):
            text = text.replace(written, "***") if written else text
    return text
