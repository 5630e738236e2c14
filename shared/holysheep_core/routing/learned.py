"""What routes have refused, and who has answered at all, remembered for the life of the process.

A client made for each request would otherwise pay for the same refusal again and again.
"""

from __future__ import annotations

import threading

from holysheep_core.families.refusals import Lesson
from holysheep_core.process import renew_after_fork

_MOST = 10_000
"""Routes that are remembered; a process that asks more begins again."""


class Learned:
    """Lessons by the key of a route. Thread-safe.

    Attributes:
        answered: Addresses that gave a response, of whatever status; as few as there are providers.
        has_lessons: Any route has refused anything, as is seldom so.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lessons: dict[str, tuple[Lesson, ...]] = {}
        self._no_prefill: set[str] = set()
        self.answered: set[str] = set()
        self.has_lessons = False
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.Lock()

    def lessons(self, key: str) -> tuple[Lesson, ...]:
        """Return what a route has refused."""
        return self._lessons.get(key, ())

    def learn(self, key: str, lesson: Lesson) -> bool:
        """Remember what a route refused; False if that was known."""
        with self._lock:
            known = self._lessons.get(key, ())
            if any(each.name == lesson.name for each in known):
                return False
            if len(self._lessons) >= _MOST:
                self._lessons.clear()
            self._lessons[key] = (*known, lesson)
            self.has_lessons = True
        return True

    def rejects_prefill(self, key: str) -> bool:
        """Tell whether a route has rejected a prefill."""
        return key in self._no_prefill

    def learn_no_prefill(self, key: str) -> None:
        """Remember that a route rejected a prefill."""
        with self._lock:
            if len(self._no_prefill) >= _MOST:
                self._no_prefill.clear()
            self._no_prefill.add(key)

    def forget(self) -> None:
        """Forget everything, as tests need."""
        with self._lock:
            self._lessons.clear()
            self._no_prefill.clear()
            self.answered.clear()
            self.has_lessons = False


LEARNED = Learned()
"""That of the process."""
