"""What concerns a whole process: forks, instances shared by key, and users that come and go.

- `Lock`: a lock that a forked process finds open.
- `Shared`: one instance for each key.
- `Workers`: threads of our own for what may wait long.
- `WeakGroup`, `Users`: who uses a thing, held weakly; what is to happen when nobody does.
- `weakly`: a callback that does not keep its object alive.
- `at_end_of`: what is to happen when an object becomes garbage.
- `no_fork`: a context in which the process is not forked.
- `renew_after_fork`: an object that a forked process must not use as its parent left it. Its
  `after_fork` is called in the child: there it makes new locks (an old one may be held for ever
  by a thread that the child does not have), forgets connections, and restarts nothing by itself.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
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


class Lock:
    """A reentrant lock that a forked process finds open."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        renew_after_fork(self)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock within a block."""
        with self._lock:
            yield

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()


class _ForkGuard:
    """Holds a fork, for some seconds at most, while somebody must not be forked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = False

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def before(self) -> None:
        self._held = self._lock.acquire(timeout=_LONGEST_HOLD)

    def in_parent(self) -> None:
        if self._held:
            self._lock.release()

    def in_child(self) -> None:
        self._lock = threading.Lock()
        for each in tuple(_renewed):
            each.after_fork()


_LONGEST_HOLD = 5.0  # seconds
no_fork = _ForkGuard()
"""A context in which this process is not forked: an SQLite file is open, whose locks the child
would believe to be held."""

if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(
        before=no_fork.before, after_in_parent=no_fork.in_parent, after_in_child=no_fork.in_child
    )


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

    def clear(self) -> None:
        """Forget all instances; those in use live on."""
        with self._lock:
            self._known.clear()

    def after_fork(self) -> None:
        """Replace the lock."""
        self._lock = threading.Lock()


class Workers:
    """Threads of our own for what may wait long, such as a store that does not answer.

    The application's default executor and its event loop stay free.

    Args:
        name: What the threads are called.
        count: How many there are at most.
    """

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        renew_after_fork(self)

    def submit(self, work: Callable[[], _Value]) -> Future[_Value]:
        """Begin something in one of the threads."""
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._count, thread_name_prefix=self._name)
            return self._executor.submit(work)

    async def run(self, work: Callable[[], _Value]) -> _Value:
        """Do something in one of the threads; a task that is cancelled does not stop it."""
        return await asyncio.shield(asyncio.wrap_future(self.submit(work)))

    def after_fork(self) -> None:
        """Begin again without the threads, which did not come along."""
        self._lock = threading.Lock()
        self._executor = None


class WeakGroup(Generic[_Value]):
    """Objects that are held weakly; iterating is safe while others come and go."""

    def __init__(self) -> None:
        self._members: weakref.WeakSet[Any] = weakref.WeakSet()

    def add(self, member: _Value) -> None:
        """Add a member, which stays until it leaves or becomes garbage."""
        self._members.add(member)

    def leave(self, member: _Value) -> None:
        """Remove a member."""
        self._members.discard(member)

    def __iter__(self) -> Iterator[_Value]:
        return iter(tuple(self._members))

    def __bool__(self) -> bool:
        # Not the set's length: while a member is collected, its entry is still counted.
        return any(True for _ in self)


class Users(WeakGroup[_Value]):
    """Who uses a thing.

    Args:
        unused: Is called when the last user has left or become garbage.
    """

    def __init__(self, unused: Callable[[], object]) -> None:
        super().__init__()
        self._unused = unused

    def add(self, user: _Value) -> None:
        """`user` uses it, until it leaves or becomes garbage."""
        super().add(user)
        at_end_of(user, weakly(self._check))

    def leave(self, user: _Value) -> None:
        """`user` is done."""
        super().leave(user)
        self._check()

    def clear(self) -> None:
        """Nobody uses it any more."""
        for user in self:
            super().leave(user)
        self._check()

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


def at_end_of(
    owner: object, action: Callable[..., object], *args: object, at_exit: bool = False
) -> Callable[[], object]:
    """Call `action(*args)` when `owner` becomes garbage.

    Args:
        owner: Whose end.
        action: What is called; it must not refer to `owner`.
        *args: What it is called with.
        at_exit: Call it at the interpreter's end too.

    Returns:
        What calls it off.
    """
    finalizer = weakref.finalize(owner, action, *args)
    finalizer.atexit = at_exit
    return finalizer.detach
