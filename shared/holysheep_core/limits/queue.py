"""First come, first served, for threads and tasks alike."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class FairQueue:
    """Waiting callers, first come, first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], object]] = deque()

    def join(self, wake: Callable[[], object]) -> None:
        """Join at the end; `wake` is called, from any thread, at the caller's turn."""
        with self._lock:
            self._waiting.append(wake)

    def is_first(self, wake: Callable[[], object]) -> bool:
        """Return whether it is the caller's turn."""
        with self._lock:
            return self._waiting[0] is wake

    def leave(self, wake: Callable[[], object]) -> None:
        """Leave the queue from any position; wakes the next caller if the first one leaves."""
        with self._lock:
            if wake not in self._waiting:
                return
            first = self._waiting[0] is wake
            self._waiting.remove(wake)
            while first and self._waiting:
                try:
                    self._waiting[0]()
                except RuntimeError:  # noqa: PERF203 - the first call nearly always succeeds
                    self._waiting.popleft()  # its event loop was closed while it waited
                else:
                    return
