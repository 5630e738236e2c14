"""httpx or httpx2: two libraries with the same classes under two names.

httpx is the default. An httpx2 client of the user's own works as an httpx one does, and
`Connections(library="httpx2")` makes clients of our own with it. What tells them apart is where a
class comes from, never an import: a library that nobody uses is not loaded.

Sockets, DNS and clocks are our own with either, and raise httpcore's errors.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from holysheep_core.errors import ConfigurationError
from holysheep_core.transport.connections import LIBRARIES

_CORES = {"httpx": "httpcore", "httpx2": "httpcore2"}
_ROOTS = {*LIBRARIES, *_CORES.values()}


class Library(NamedTuple):
    """A library to make requests with.

    Attributes:
        http: httpx, or httpx2.
        core: httpcore, or httpcore2: HTTP on each connection.
    """

    http: ModuleType
    core: ModuleType


@cache
def library(name: str) -> Library:
    """Load a library.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        return Library(importlib.import_module(name), importlib.import_module(_CORES[name]))
    except ImportError as error:
        raise ConfigurationError(f"{name} cannot be imported: pip install {name}.") from error


def library_of(client: object) -> Library:
    """Return the library that a client is one of; httpx for what cannot be told."""
    for root, _ in _classes(type(client)):
        if root in LIBRARIES:
            return library(root)
    return library(LIBRARIES[0])


def is_one(thing: object, name: str) -> bool:
    """Tell whether something is of one of the libraries' class of that name, or one below it."""
    return any(name == each for root, each in _classes(type(thing)) if root in _ROOTS)


def names_of(error: BaseException) -> Iterator[str]:
    """Yield the names of an exception's classes in the libraries, the closest first."""
    return (name for root, name in _classes(type(error)) if root in _ROOTS)


def is_of_core(error: BaseException) -> bool:
    """Tell whether an exception is one of httpcore's or httpcore2's."""
    return any(root in _CORES.values() for root, _ in _classes(type(error)))


@cache
def body_class(body: type[Any], stream: type[Any]) -> type[Any]:
    """Return a class of bodies that a library takes for its own kind of stream."""
    return type(body.__name__, (body, stream), {})


def _classes(kind: type) -> tuple[tuple[str, str], ...]:
    """Return package and name of a class and those above it."""
    return tuple((each.__module__.partition(".")[0], each.__name__) for each in kind.__mro__)
