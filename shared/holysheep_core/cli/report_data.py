"""The figures of a report, read from an event log."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from holysheep_core.catalog import Catalog
from holysheep_core.errors import ConfigurationError
from holysheep_core.types import Usage

_UNITS = {"m": 60, "h": 3600, "d": 86400}
_STEPS = (60, 300, 900, 3600, 6 * 3600, 86400)
_MOST_STEPS = 48
MOST_FAILURES = 50
"""Failed calls that a report lists."""
_FINE = ("completed", "closed")
"""Outcomes that are not failures: a reader may close a stream early."""


def seconds_of(text: str) -> float:
    """Return the seconds of a length of time such as "30m", "24h" or "7d".

    Raises:
        ConfigurationError: The text is not a length of time.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([mhd])", text.strip())
    if found is None or not float(found[1]):
        raise ConfigurationError(f"{text!r} is not a length of time; write 30m, 24h or 7d.")
    return float(found[1]) * _UNITS[found[2]]


@dataclass
class Group:
    """The figures of a group of calls or requests.

    Attributes:
        name: Name of the group.
        count: Number of calls or requests.
        failed: Number that failed.
        first_tokens: Seconds to the first content, of each with content.
        durations: Seconds, of each that completed.
        usage: Tokens.
        priced: Tokens whose price is known.
        cost: Their cost in US$.
        unpriced: Number of calls or requests without a known price.
        resumed: Number of calls that were resumed.
    """

    name: str
    count: int = 0
    failed: int = 0
    first_tokens: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    usage: Usage = Usage()  # noqa: RUF009 - frozen
    priced: Usage = Usage()  # noqa: RUF009 - frozen
    cost: float = 0.0
    unpriced: int = 0
    resumed: int = 0

    @property
    def availability(self) -> float:
        """Share that did not fail, 0 to 1; 1 for an empty group."""
        return 1.0 if not self.count else 1 - self.failed / self.count

    def add(self, row: sqlite3.Row, resumes: int = 0) -> None:
        """Count a row of `calls` or `attempts`."""
        self.count += 1
        self.failed += row["outcome"] not in _FINE
        self.resumed += bool(resumes) and row["outcome"] in _FINE
        if row["first_token"] is not None:
            self.first_tokens.append(row["first_token"])
        if row["outcome"] == "completed":
            self.durations.append(row["duration"])
        usage = Usage(row["input_tokens"], row["output_tokens"], row["cached_tokens"])
        self.usage += usage
        if row["cost_usd"] is None:
            self.unpriced += 1
        else:
            self.cost += row["cost_usd"]
            self.priced += usage


@dataclass(frozen=True)
class FailedCall:
    """A call that ended with an error.

    Attributes:
        at: Unix time of its beginning.
        call_id: Its name; the answer's metadata and the log have the same.
        model: The model asked for.
        provider: The provider that was asked last.
        error: Class of the error.
        request_ids: The ids that servers gave its failed requests, in order.
    """

    at: float
    call_id: str
    model: str
    provider: str
    error: str
    request_ids: tuple[str, ...] = ()


@dataclass
class Report:
    """The figures of a span of time.

    Attributes:
        since: Unix time of the beginning.
        until: Unix time of the end.
        step: Length of one of `steps`, in seconds.
        calls: All calls.
        steps: Calls by time.
        models: Requests by model.
        providers: Requests by provider.
        tags: Calls by tag.
        errors: Calls that failed, by class of error.
        troubles: Requests that failed, by class of error.
        recovered: Number of failed requests whose calls completed.
        downgrades: Moves to another model, as "a → b".
        resumes: Number of continuations.
        saved_characters: Characters of cut answers that were not requested again.
        waited: Seconds between requests, of all calls.
        notes: Time and text of gateway events.
        failures: The latest calls that failed, the last one first; `MOST_FAILURES` at most.
        against: The model to compare costs with.
        saving: US$ saved against the cost of the priced tokens with `against`; None if its price
            is unknown.
    """

    since: float
    until: float
    step: float
    calls: Group = field(default_factory=lambda: Group("all calls"))
    steps: list[Group] = field(default_factory=list)
    models: list[Group] = field(default_factory=list)
    providers: list[Group] = field(default_factory=list)
    tags: list[Group] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    recovered: int = 0
    downgrades: Counter[str] = field(default_factory=Counter)
    resumes: int = 0
    saved_characters: int = 0
    waited: float = 0.0
    notes: list[tuple[float, str]] = field(default_factory=list)
    failures: list[FailedCall] = field(default_factory=list)
    against: str = ""
    saving: float | None = None


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the percentile of a share, 0 to 1 (nearest rank); None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an event log for reading.

    Raises:
        ConfigurationError: The file does not exist or is not an event log.
    """
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder; name the file in it given as event_log=.")
    if not path.is_file():
        raise ConfigurationError(
            f"{path}: there is no event log. Give event_log={path.name!r} to a model first."
        )
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
            database.row_factory = sqlite3.Row
            database.execute("SELECT 1 FROM calls LIMIT 1")
            yield database
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path} is not an event log: {error}.") from None


Track = Callable[[Iterable[sqlite3.Row], int], Iterable[sqlite3.Row]]
"""(rows, their number) -> the same rows, while progress is shown."""


def report(
    path: Path,
    span: float,
    *,
    against: str,
    catalog: Catalog,
    track: Track = lambda rows, _total: rows,
) -> Report:
    """Read the figures of the last `span` seconds.

    Args:
        path: An event log.
        span: Seconds.
        against: Model to compare costs with.
        catalog: The prices.
        track: Shows progress.

    Raises:
        ConfigurationError: The file does not exist or is not an event log.
    """
    until = time.time()
    since = until - span
    step = next((s for s in _STEPS if span / s <= _MOST_STEPS), _STEPS[-1])
    found = Report(since, until, step, against=against)
    by_model: dict[str, Group] = {}
    by_provider: dict[str, Group] = {}
    by_tag: dict[str, Group] = {}
    first = int(since // step)
    found.steps = [Group(str(number * step)) for number in range(first, int(until // step) + 1)]
    with reading(path) as database:
        for row in track(*_rows(database, "calls", since)):
            found.calls.add(row, row["resumes"])
            found.steps[int(row["began"] // step) - first].add(row, row["resumes"])
            for tag in json.loads(row["tags"]):
                _in(by_tag, tag).add(row, row["resumes"])
            if row["outcome"] not in _FINE:
                found.errors[row["outcome"]] += 1
            found.resumes += row["resumes"]
            found.saved_characters += row["saved_characters"]
            found.waited += row["waited"]
        incomplete = {call_id for (call_id,) in database.execute(_INCOMPLETE)}
        for row in track(*_rows(database, "attempts", since)):
            _in(by_model, row["model"]).add(row)
            _in(by_provider, row["provider"]).add(row)
            if row["outcome"] not in _FINE:
                found.troubles[row["outcome"]] += 1
                found.recovered += row["call_id"] not in incomplete
        for kind, at, message, fields in database.execute(_EVENTS, (since,)):
            if kind == "ModelDowngraded":
                moved = json.loads(fields)
                found.downgrades[f"{moved['from_model']} → {moved['to_model']}"] += 1
            else:
                found.notes.append((at, message))
        found.failures = failed_calls(database, since, MOST_FAILURES)
    found.models, found.providers, found.tags = map(_largest, (by_model, by_provider, by_tag))
    theirs = catalog.card(against).cost(found.calls.priced)
    if theirs is not None:
        found.saving = theirs - found.calls.cost
    return found


def failed_calls(database: sqlite3.Connection, since: float, most: int) -> list[FailedCall]:
    """Return the latest `most` calls that failed, the last one first.

    Args:
        database: An event log.
        since: Unix time; calls that began earlier are left out.
        most: How many at most.
    """
    rows = database.execute(_FAILED, (since, most)).fetchall()
    ids: dict[str, list[str]] = {}
    if database.execute(_HAS_IDS).fetchone():  # not in a file that only older versions wrote
        marks = ", ".join("?" * len(rows))
        named = f"SELECT call_id, request_id FROM request_ids WHERE call_id IN ({marks}) ORDER BY number"  # noqa: S608, E501 - marks only
        for call_id, request_id in database.execute(named, [row["call_id"] for row in rows]):
            ids.setdefault(call_id, []).append(request_id)
    return [
        FailedCall(
            row["began"],
            row["call_id"],
            row["requested_model"],
            row["provider"],
            row["outcome"],
            tuple(ids.get(row["call_id"], ())),
        )
        for row in rows
    ]


_FAILED = """
SELECT * FROM calls WHERE began >= ? AND outcome NOT IN ('completed', 'closed')
ORDER BY began DESC LIMIT ?
"""
_HAS_IDS = "SELECT 1 FROM sqlite_master WHERE name = 'request_ids'"


def _rows(database: sqlite3.Connection, table: str, since: float) -> tuple[sqlite3.Cursor, int]:
    matching = f"FROM {table} WHERE began >= ?"
    (total,) = database.execute(f"SELECT count(*) {matching}", (since,)).fetchone()
    return database.execute(f"SELECT * {matching}", (since,)), total


# Without a time limit: a request within the span may belong to a call that began earlier.
_INCOMPLETE = "SELECT call_id FROM calls WHERE outcome <> 'completed'"
_EVENTS = """
SELECT kind, at, message, fields FROM events WHERE at >= ? AND kind IN (
    'ModelDowngraded', 'ProviderSwitched', 'ProviderHealthChanged', 'ActiveProviderChanged',
    'CanaryMoved') ORDER BY at
"""


def _in(groups: dict[str, Group], name: str) -> Group:
    return groups.setdefault(name, Group(name))


def _largest(groups: dict[str, Group]) -> list[Group]:
    return sorted(groups.values(), key=lambda group: -group.count)
