"""What concerns a whole process: forks, instances shared by key, and users that come and go.

- `Shared`: one instance for each key.
- `Users`: who uses a thing, without keeping them alive; what is to happen when nobody does.
- `weakly`: a callback that does not keep its object alive.
- `at_end_of`: what is to happen when an object becomes garbage.
- `renew_after_fork`: an object that a forked process must not use as its parent left it. Its
  `after_fork` is called in the child: there it makes new locks (an old one may be held for ever
  by a thread that the child does not have), forgets connections, and restarts nothing by itself.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from typing import Any, Generic, Protocol, TypeVar

_Value = TypeVar("_Value")


class AfterFork(Protocol):
    """An object that a forked process must not use as it is."""

    def after_fork(self) -> None:
        """Make this usable in a process that was forked; no other thread runs there yet."""


_renewed: weakref.WeakSet[Any] = weakref.WeakSet()


def renew_after_fork(each: AfterFork) -> None:
    """Call `each.after_fork()` in every process that is forked while `each` is alive."""
    _renewed.add(each)


def _after_fork() -> None:
    for each in tuple(_renewed):
        each.after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_after_fork)


class Shared(Generic[_Value]):
    """One instance for each key.

    Args:
        keep: Instances stay until the process ends; else as long as somebody uses them.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self._known: MutableMapping[Hashable, Any] = {} if keep else weakref.WeakValueDictionary()
        self._lock = threading.Lock()
        renew_after_fork(self)

    def get(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """Return the instance of a key; `make` makes it where there is none."""
        with self._lock:
            value: _Value | None = self._known.get(key)
            if value is None:
                value = self._known[key] = make()
            return value

    def after_fork(self) -> None:
        """Replace the lock."""
        self._lock = threading.Lock()


class Users:
    """Who uses a thing. Users are held weakly.

    Args:
        unused: Is called when the last user has left or become garbage.
    """

    def __init__(self, unused: Callable[[], object]) -> None:
        self._unused = unused
        self._users: weakref.WeakSet[Any] = weakref.WeakSet()

    def add(self, user: object) -> None:
        """`user` uses it, until it leaves or becomes garbage."""
        self._users.add(user)
        at_end_of(user, weakly(self._check))

    def leave(self, user: object) -> None:
        """`user` is done."""
        self._users.discard(user)
        self._check()

    def clear(self) -> None:
        """Nobody uses it any more."""
        self._users.clear()
        self._check()

    def __iter__(self) -> Iterator[Any]:
        return iter(tuple(self._users))

    def __bool__(self) -> bool:
        # Not the set's length: while a user is collected, its entry is still counted.
        return any(True for _ in self)

    def _check(self) -> None:
        if not self:
            self._unused()


def weakly(method: Callable[..., _Value]) -> Callable[..., _Value | None]:
    """Return a callback to a bound method; it does nothing once its object is garbage."""
    reference = weakref.WeakMethod(method)

    def call(*args: Any) -> _Value | None:
        target = reference()
        return None if target is None else target(*args)

    return call


def at_end_of(owner: object, action: Callable[..., object], *args: object) -> Callable[[], object]:
    """Call `action(*args)` when `owner` becomes garbage, but not at the interpreter's end.

    Returns:
        What calls it off.
    """
    finalizer = weakref.finalize(owner, action, *args)
    finalizer.atexit = False
    return finalizer.detach
