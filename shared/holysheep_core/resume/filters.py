"""The filters that the joined text of a resumed response passes, one after another."""

from __future__ import annotations

from typing import Protocol


class Filter(Protocol):
    """Holds text back until it is clear whether it is of the answer."""

    @property
    def held(self) -> str:
        """The text that is held back."""

    def feed(self, text: str) -> str:
        """Take text and return what may be shown."""

    def close(self) -> str:
        """Return what is held, as far as it is of the answer: nothing more comes."""


class Filters:
    """Filters in a row.

    Args:
        parts: The filters, in order.
    """

    def __init__(self, *parts: Filter) -> None:
        self._parts = [*parts]

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, part: Filter) -> None:
        """Add one behind the others."""
        self._parts.append(part)

    @property
    def holds_text(self) -> bool:
        """Tell whether one of them holds text back."""
        return any(part.held for part in self._parts)

    def feed(self, text: str) -> str:
        """Pass text through all of them and return what may be shown."""
        for part in self._parts:
            text = part.feed(text)
        return text

    def close(self) -> str:
        """Return what they held, each one's through those behind it."""
        shown = ""
        for position, part in enumerate(self._parts, start=1):
            text = part.close()
            for later in self._parts[position:]:
                text = later.feed(text)
            shown += text
        return shown
