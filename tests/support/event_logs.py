"""Reading an event log's file, and a log with a day of calls in it."""

import sqlite3
import time
from contextlib import closing

from holysheep_core import Attempt, CallRecord, EventLog, Usage, events
from holysheep_core.types import total_cost

HOUR = 3600


def rows(path, sql, *values):
    """Return the rows of a query, as dicts."""
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute(sql, values)]


def attempt(
    number=1,
    outcome="completed",
    model="gpt-4.1",
    provider="holysheep",
    cost=0.01,
    request_id=None,
):
    usage = Usage(100, 50)
    return Attempt(
        number,
        provider,
        model,
        "request",
        0.0,
        2.0,
        0.5,
        200,
        request_id,
        outcome,
        200,
        usage,
        cost,
    )


def record(call_id, ago, *attempts, outcome="completed", resumes=0, saved=0, tags=(), first=0.5):
    usage = sum((each.usage for each in attempts), Usage())
    return CallRecord(
        call_id,
        time.time() - ago,
        2.5,
        "gpt-4.1",
        attempts[-1].model,
        attempts[-1].provider,
        outcome,
        first,
        200,
        saved,
        usage,
        total_cost(attempts),
        resumes,
        (),
        0.25,
        attempts,
        tags,
    )


def write_log(path):
    """Write a day of calls: plain ones, a cut one, a failed one, an odd one, an old one."""
    log = EventLog(path)
    for number in range(10):
        log.call_ended(record(f"plain-{number}", number * HOUR, attempt(), tags=("a",)), "")
    cut = attempt(1, "StreamCutError")
    log.call_ended(record("cut", HOUR, cut, attempt(2), resumes=1, saved=120, first=3.0), "")
    bad = attempt(1, "ServerError", request_id="req-1")
    log.call_ended(record("bad", HOUR, bad, outcome="ServerError"), "")
    odd = attempt(model="<odd> & co", provider="other", cost=None)
    log.call_ended(record("odd", HOUR, odd, outcome="closed"), "")
    log.call_ended(record("old", 48 * HOUR, attempt()), "")
    log.happened(events.ModelDowngraded("", 0.0, "gpt-4.1", "gemini-2.5-flash", "RateLimitError"))
    log.happened(events.ActiveProviderChanged("", 0.0, "other", "switched to"))
    log.happened(events.ProviderHealthChanged("", 0.0, "holysheep", False, "status 503"))
    digest = "0123456789abcdef/gpt-4.1"
    log.happened(events.RouteCooled("", 0.0, digest, 60.0, "holysheep"))
    log.happened(events.RouteCooled("", 0.0, "of-an-older-version/m", 60.0))
    log.happened(events.RouteCooled("", 0.0, "well-again/m", 60.0))
    log.happened(events.RouteCooled("", 0.1, "well-again/m", None))
    log.happened(events.RequestSent("", 0.0, 1, "holysheep", "gpt-4.1", "request"))
    log.close()
