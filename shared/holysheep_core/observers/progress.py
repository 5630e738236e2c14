"""A progress bar for many calls: how many are done, running or waiting, and what they cost."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from holysheep_core.events import Event, RateLimitWait, RequestSent, Throttled
from holysheep_core.observers.observer import Observer
from holysheep_core.types import CallRecord, ChatRequest

if TYPE_CHECKING:
    from rich.console import Console
    from typing_extensions import Self


class ProgressBar(Observer):
    """Shows the progress of `llm.batch` and the like. Needs the extra "cli".

    >>> from holysheep_core import ProgressBar
    >>> from langchain_holysheep import ChatHolySheep
    >>> with ProgressBar(total=2) as bar:
    ...     llm = ChatHolySheep(model="gpt-4.1", observers=[bar])
    ...     answers = llm.batch(["one", "two"], config={"max_concurrency": 20})

    It says how many calls wait for a rate limit, of your own or the server's, so that a bar that
    stands still says why.

    Args:
        total: How many calls there will be; None if that is not known.
        console: Where to draw; standard error by default.

    Attributes:
        done: Calls that have an answer.
        failed: Calls that ended with an error, or were left.
        running: Calls under way.
        waiting: Those of them that wait for a rate limit.
        tokens: Tokens of all of them.
        cost_usd: Their price in US$, as far as prices are known.
    """

    def __init__(self, total: int | None = None, console: Console | None = None) -> None:
        from rich.console import Console as RichConsole  # noqa: PLC0415 - an extra
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}"),
            console=console or RichConsole(stderr=True),
        )
        self._task = self._progress.add_task("", total=total, state="")
        self._lock = threading.Lock()
        self._waiting: set[str] = set()
        self.done = self.failed = self.running = self.tokens = 0
        self.cost_usd = 0.0

    @property
    def waiting(self) -> int:
        """How many calls wait for a rate limit."""
        return len(self._waiting)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def reach(self, count: int) -> None:
        """So many items are over at least: some need no call, such as those of an earlier run."""
        with self._lock:
            self.done = max(self.done, count - self.failed)
            self._draw()

    def call_began(self, call_id: str, request: ChatRequest) -> None:  # noqa: ARG002 - not shown
        """Count a call."""
        with self._lock:
            self.running += 1
            self._draw()

    def happened(self, event: Event) -> None:
        """Note whether a call waits for a limit."""
        if isinstance(event, (Throttled, RateLimitWait)):
            with self._lock:
                self._waiting.add(event.call_id)
                self._draw()
        elif isinstance(event, RequestSent) and event.call_id in self._waiting:
            with self._lock:
                self._waiting.discard(event.call_id)
                self._draw()

    def call_ended(self, record: CallRecord, answer: str) -> None:  # noqa: ARG002 - not shown
        """Count its end."""
        with self._lock:
            self._waiting.discard(record.call_id)
            self.running -= 1
            good = record.outcome == "completed"
            self.done += good
            self.failed += not good
            self.tokens += record.usage.total_tokens
            self.cost_usd += record.cost_usd or 0.0
            self._draw()

    def _draw(self) -> None:
        state = f"{self.running} running"
        if self._waiting:
            state += f", {self.waiting} waiting for a limit"
        if self.failed:
            state += f", {self.failed} failed"
        state += f", {self.tokens:,} tokens, US$ {self.cost_usd:.4f}"
        self._progress.update(self._task, completed=self.done + self.failed, state=state)
