"""Reports of an event log: the figures, the terminal, the page in a real browser, the live view."""

import sqlite3
from contextlib import closing

import msgspec
import pytest

from holysheep_core import Catalog, ConfigurationError, EventLog, Usage
from holysheep_core.cli import report_data as figures
from support.event_logs import HOUR, attempt, record


def made(path, span=24 * HOUR, against="claude-sonnet-4.5"):
    return figures.report(path, span, against=against, catalog=Catalog())


def test_the_figures_are_those_of_the_calls_in_the_span(path):
    found = made(path)
    calls = found.calls
    assert (calls.count, calls.failed, calls.resumed) == (13, 1, 1)
    assert calls.availability == pytest.approx(12 / 13)
    assert (found.resumes, found.saved_characters) == (1, 120)
    assert found.waited == pytest.approx(13 * 0.25)
    assert calls.cost == pytest.approx(0.13)
    assert calls.unpriced == 1
    assert found.errors == {"ServerError": 1}
    assert found.troubles == {"ServerError": 1, "StreamCutError": 1}
    assert found.downgrades == {"gpt-4.1 → gemini-2.5-flash": 1}
    assert [(each.name, each.count) for each in found.models] == [
        ("gpt-4.1", 13),
        ("<odd> & co", 1),
    ]
    assert [(each.name, each.count) for each in found.tags] == [("a", 10)]
    assert len(found.notes) == 2
    assert made(path, 49 * HOUR).calls.count == 14


def test_a_saving_is_reckoned_for_what_has_a_price(path):
    priced = Usage(100, 50)
    theirs = Catalog().card("claude-sonnet-4.5").cost(priced) * 13
    assert made(path).saving == pytest.approx(theirs - 0.13)
    assert made(path, against="unheard-of").saving is None


def test_failed_requests_of_completed_calls_are_counted(path, tmp_path):
    found = made(path)
    assert (found.troubles.total(), found.recovered) == (2, 1)
    log = EventLog(tmp_path / "more.db")
    cut, ill = attempt(1, "StreamCutError"), attempt(2, "ServerError")
    log.call_ended(record("well", HOUR, ill, cut, attempt(3)), "")
    log.call_ended(record("left", HOUR, cut, attempt(2, "closed"), outcome="closed"), "")
    log.call_ended(record("bad", HOUR, cut, ill, outcome="ServerError"), "")
    late = msgspec.structs.replace(ill, started=2 * HOUR)  # its call began before the span
    log.call_ended(record("long", 25 * HOUR, late, outcome="ServerError"), "")
    log.close()
    found = made(tmp_path / "more.db")
    assert (found.troubles.total(), found.recovered) == (6, 2)


def test_hours_add_up_to_the_whole(path):
    found = made(path)
    assert found.step == HOUR
    assert 24 <= len(found.steps) <= 25
    assert sum(step.count for step in found.steps) == found.calls.count
    assert made(path, 30 * 60).step == 60
    assert made(path, 30 * 24 * HOUR).step == 24 * HOUR


@pytest.mark.parametrize(("share", "value"), [(0.5, 51), (0.95, 96), (0.99, 100), (0, 1), (1, 100)])
def test_a_percentile_is_one_of_the_values(share, value):
    assert figures.percentile(list(range(100, 0, -1)), share) == value
    assert figures.percentile([7], share) == 7
    assert figures.percentile([], share) is None


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("24h", 86400), ("1.5d", 129600)])
def test_a_span_is_read(text, seconds):
    assert figures.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "-1h", "0h", "1w", "24h ago"])
def test_a_span_without_a_meaning_is_refused(text):
    with pytest.raises(ConfigurationError, match="24h"):
        figures.seconds_of(text)


@pytest.mark.parametrize("what", ["nothing", "text"])
def test_a_file_that_is_not_a_log_raises_an_error(tmp_path, what):
    path = tmp_path / "x.db"
    if what == "text":
        path.write_text("hello " * 200, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"(no|not an) event log"):
        made(path)


def test_the_error_for_a_folder_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match="is a folder; name the file") as caught:
        made(tmp_path)
    assert tmp_path.name + "'" not in str(caught.value), "nobody is to give a folder to a model"


def test_failed_calls_are_listed_with_the_ids_that_find_them(path):
    [failed] = made(path).failures
    named = (failed.call_id, failed.error, failed.model, failed.provider, failed.request_ids)
    assert named == ("bad", "ServerError", "gpt-4.1", "holysheep", ("req-1",))


def test_a_log_of_an_older_version_has_no_request_ids(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP TABLE request_ids")
    [failed] = made(path).failures
    assert (failed.call_id, failed.request_ids) == ("bad", ())


def test_the_latest_failures_come_first_and_not_too_many(tmp_path):
    log = EventLog(tmp_path / "calls.db")
    for number in range(figures.MOST_FAILURES + 9):
        bad = attempt(1, "ServerError", request_id=f"req-{number}")
        log.call_ended(record(f"bad-{number}", 60 * number, bad, outcome="ServerError"), "")
    log.close()
    found = made(tmp_path / "calls.db").failures
    assert len(found) == figures.MOST_FAILURES
    assert [each.call_id for each in found[:2]] == ["bad-0", "bad-1"]
    assert found[1].request_ids == ("req-1",)
