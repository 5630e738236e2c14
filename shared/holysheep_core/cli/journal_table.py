"""Lists and shows the answers of a journal."""

from __future__ import annotations

import time
from datetime import timedelta

from rich.console import Console
from rich.table import Table

from holysheep_core.journal.journal import Journal
from holysheep_core.journal.status import AnswerStatus
from holysheep_core.secrets import redact_line

_HEADS = ("call id", "state", "model", "writer", "last write")


def table(journal: Journal, now: float) -> Table:
    """Return a row for each answer, the one written last at the end.

    Raises:
        JournalError: The journal does not answer.
    """
    shown = Table(*_HEADS)
    for name in journal.store.names():
        kept = journal.store.read(name, 0)
        if kept is None:  # deleted meanwhile
            continue
        status = AnswerStatus.of(name, kept)
        cells = (name, status.state, status.model, status.owner, ago(now - status.since))
        shown.add_row(*(redact_line(each) for each in cells))
    return shown


def show(journal: Journal, call_id: str, console: Console) -> None:
    """Print one answer: its state, and its text as far as it came.

    Raises:
        JournalError: There is no such answer, or the journal does not answer.
    """
    status = journal.status(call_id)
    facts = [status.state, status.model, status.owner, ago(time.time() - status.since)]
    console.print("  ".join(redact_line(each) for each in facts if each), markup=False)
    if status.error:
        console.print(redact_line(status.error), markup=False)
    text = "".join(text for text, _ in journal.read(call_id).pieces)
    console.print(_printable(text), markup=False, soft_wrap=True)


def prune(journal: Journal, age: float) -> int:
    """Delete answers that nobody writes and that were last written long ago.

    Args:
        journal: Where they are.
        age: Seconds since the last write.

    Returns:
        How many were deleted.

    Raises:
        JournalError: The journal does not answer.
    """
    count, oldest = 0, time.time() - age
    for name in journal.store.names():
        kept = journal.store.read(name, 0)
        if kept is not None and kept.lease <= 0 and kept.written < oldest:
            journal.store.delete(name)
            count += 1
    return count


def ago(seconds: float) -> str:
    """Return a length of time in words: "3 s", "2 min", "5 h", "4 d"."""
    span = timedelta(seconds=max(0, int(seconds)))
    if span.days:
        return f"{span.days} d"
    hours, rest = divmod(span.seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours} h" if hours else f"{minutes} min" if minutes else f"{left} s"


def _printable(text: str) -> str:
    # A terminal obeys control characters.
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)
