"""What the request says of its tools and calls: it decides what a response's pieces mean.

Servers send a name in pieces, or again in every delta, and nothing in the delta tells which: the
names that were offered do. They also say which tool may be called without arguments, and the
conversation says which ids are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec


class OfferedTools(msgspec.Struct, frozen=True):
    """The tools that a request offers.

    Attributes:
        names: Their names.
        demanding: Those of them that have a required parameter.
    """

    names: frozenset[str] = frozenset()
    demanding: frozenset[str] = frozenset()

    def begins(self, name: str) -> bool:
        """Tell whether an offered name is `name`, or begins with it."""
        return any(each.startswith(name) for each in self.names)

    def is_piece(self, name: str, piece: str) -> bool:
        """Tell whether an offered name goes on with a piece that is no offered name itself."""
        both = name in self.names and piece in self.names
        return not both and self.begins(name + piece)

    def joined(self, name: str, piece: str) -> str | None:
        """Return a call's name with a further piece; None if the piece names another call.

        Args:
            name: What came of the name so far.
            piece: What comes now: the same again, the next piece, the name so far and more, or
                another name.
        """
        together = name + piece
        if piece == name:
            return name if name in self.names or not self.begins(together) else together
        if self.is_piece(name, piece):
            return together
        if name in self.names:
            return None
        if piece.startswith(name):
            return piece
        return None if piece in self.names else together


def offered_tools(params: Mapping[str, Any]) -> OfferedTools:
    """Read the tools from a request's parameters, whatever the user put there."""
    functions = [*_functions(params)]
    return OfferedTools(
        frozenset(name for name, _ in functions),
        frozenset(name for name, parameters in functions if _has_required(parameters)),
    )


def ids_of(messages: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the ids of all tool calls in a conversation."""
    found: set[str] = set()
    for message in messages:
        calls = message.get("tool_calls")
        given = [message.get("tool_call_id")]
        if isinstance(calls, (list, tuple)):
            given += [call.get("id") for call in calls if isinstance(call, Mapping)]
        found.update(each for each in given if isinstance(each, str))
    return frozenset(found)


def _functions(params: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for field in ("tools", "functions"):
        for tool in _list(params.get(field)):
            function = tool.get("function", tool) if isinstance(tool, Mapping) else None
            if isinstance(function, Mapping) and isinstance(function.get("name"), str):
                yield function["name"], function.get("parameters")


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _has_required(parameters: object) -> bool:
    return isinstance(parameters, Mapping) and bool(parameters.get("required"))
