"""What a call came to, held against its plan."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from dataclasses import dataclass, field

from plan import Plan

from holysheep_core import CallRecord, ConnectionDiscarded, Event, HolySheepError, Observer

FORBIDDEN = (
    "wrong answers",
    "duplicated or lost characters",
    "half tool calls",
    "untyped exceptions",
    "hung calls",
    "partials that are not what was shown",
    "cancellations that did not cancel",
)
"""Of these there may be none."""


@dataclass
class Seen:
    """What one caller saw.

    Attributes:
        text: All text shown, joined.
        calls: All tool calls handed over.
        error: What was raised.
        left: The caller went away before the end.
        how: How it was cancelled, if it was.
        defied: The caller was cancelled, and went on.
    """

    text: str = ""
    calls: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    error: BaseException | None = None
    left: bool = False
    how: str = ""
    defied: bool = False


class Watch(Observer):
    """Counts the outcomes of requests. Thread-safe."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.discarded = 0
        self._lock = threading.Lock()

    def happened(self, event: Event) -> None:
        """Count the connections that were closed for what was on them."""
        if isinstance(event, ConnectionDiscarded):
            with self._lock:
                self.discarded += 1

    def call_ended(self, record: CallRecord, answer: str) -> None:
        """Count the requests of a call."""
        with self._lock:
            self.requests.update(each.outcome or "given up" for each in record.attempts)
            self.requests["(continuations of a cut answer)"] += record.resumes
            self.requests["(moves to another model)"] += len(record.downgrades)


@dataclass
class Tally:
    """The counts of one process of callers.

    Attributes:
        counts: What calls came to; the forbidden among it.
        errors: Typed errors by class.
        requests: What became of requests, by the name of the error that ended them.
        findings: (number of the call, what is wrong with it) of the first that are.
    """

    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[int, str]] = field(default_factory=list)

    def add(self, plan: Plan, seen: Seen) -> None:
        """Judge a call."""
        self.counts["calls"] += 1
        for wrong, what in _wrongs(plan, seen):
            self.blame(plan, wrong, what)
        if seen.left:
            self.counts["left early, on purpose"] += 1
            if seen.how:
                self.counts[f"… by {seen.how}"] += 1
        elif seen.error is None:
            self.counts["answers whole"] += 1
        else:
            self.counts["errors"] += 1
            self.errors[type(seen.error).__name__] += 1

    def blame(self, plan: Plan, wrong: str, what: str) -> None:
        """Count something forbidden."""
        self.counts[wrong] += 1
        if len(self.findings) < 20:
            self.findings.append((plan.number, f"{wrong}: {plan.face}: {what}"))

    def __iadd__(self, other: Tally) -> Tally:
        self.counts += other.counts
        self.errors += other.errors
        self.requests += other.requests
        self.findings += other.findings
        return self


def _wrongs(plan: Plan, seen: Seen) -> list[tuple[str, str]]:
    wrongs = []
    if not plan.text.startswith(seen.text):
        wrongs.append(("duplicated or lost characters", f"{seen.text!r}, not {plan.text!r}"))
    if seen.calls != plan.expected[: len(seen.calls)]:
        wrongs.append(("half tool calls", f"{seen.calls}, not {plan.expected}"))
    if seen.defied:
        wrongs.append(("cancellations that did not cancel", repr(seen.error)))
    error = seen.error
    if error is None:
        if not seen.left and (seen.text, seen.calls) != (plan.text, plan.expected):
            wrongs.append(("wrong answers", f"{seen.text!r} {seen.calls}"))
    elif not isinstance(error, HolySheepError):
        where = "".join(traceback.format_exception(error)[-6:])
        wrongs.append(("untyped exceptions", where))
    elif "stream" in plan.face and error.partial != seen.text:
        what = f"{error.partial!r}, not {seen.text!r}"
        wrongs.append(("partials that are not what was shown", what))
    elif not plan.text.startswith(error.partial):
        wrongs.append(("duplicated or lost characters", f"partial {error.partial!r}"))
    return wrongs
