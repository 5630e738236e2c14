"""The report in the terminal: `holysheep report`."""

import io
import re
import time

import pytest
from rich.console import Console

from holysheep_core import Catalog, EventLog, events
from holysheep_core.cli import report_data as figures
from holysheep_core.cli.report_text import bars, hours_below, show
from holysheep_core.cli.words import Words
from support.cli import run
from support.event_logs import HOUR, attempt, record


def made(path, span=24 * HOUR, against="claude-sonnet-4.5"):
    return figures.report(path, span, against=against, catalog=Catalog())


def test_bars_are_as_tall_as_their_values():
    assert bars([0, 1, 4, 8]) == " ▁▄█"
    assert bars([0, 0]) == "  "
    assert bars([]) == ""


def test_the_command_prints_a_report_and_writes_a_page(path, tmp_path):
    html = tmp_path / "report.html"
    done = run("report", "--log", path, "--since", "24h", "--html", html)
    assert done.returncode == 0, done.stderr
    for part in (
        "92.308 %",
        "1 of 13 failed",
        "gpt-4.1",
        "ServerError 1",
        "gemini-2.5-flash 1",
        "call id bad  request id req-1",
    ):
        assert part in done.stdout
    assert "+ 1 unknown" in done.stdout
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_command_says_what_is_wrong(tmp_path):
    assert "there is no event log" in run("report", "--log", tmp_path / "no.db").stderr
    assert "not a length of time" in run("report", "--since", "soon").stderr


def test_hours_stand_below_their_bars(path):
    found = made(path)
    line = hours_below(found)
    begin = float(found.steps[0].name)
    named = list(re.finditer(r"│(\d\d):00", line))
    assert len(named) >= 2  # and midnight's date
    for each in named:
        hour = time.localtime(begin + each.start() * found.step).tm_hour
        assert hour == int(each[1])
    assert len(line) <= len(found.steps)


def test_names_are_printed_as_they_are_whatever_is_in_them(tmp_path):
    log, path, name = EventLog(tmp_path / "[x].db"), tmp_path / "[x].db", "ft:[odd]:100:m"
    odd = attempt(model=name, outcome="ServerError[/]")
    log.call_ended(record("odd", HOUR, odd, outcome="ServerError[/]", tags=("[tag]",)), "")
    log.happened(events.ModelDowngraded("", 0.0, name, "[b]", "RateLimitError"))
    log.happened(events.ActiveProviderChanged("", 0.0, "[other]", "switched to"))
    log.close()
    done = run("report", "--log", path, "--html", tmp_path / "[y].html")
    assert done.returncode == 0, done.stderr
    for part in (f"\n{name} ", "\n[tag] ", f"{name} → [b] 1", "ServerError[/] 1", "[other]"):
        assert part in done.stdout
    assert "[y].html" in done.stdout.replace("\n", "")


@pytest.mark.parametrize("columns", [130, 80, 50])
def test_names_and_figures_are_wrapped_on_a_narrow_terminal(tmp_path, columns):
    path, name = tmp_path / "calls.db", "claude-sonnet-4.5-of-a-long-name-2026-01-01"
    log = EventLog(path)
    log.call_ended(
        record("a", HOUR, attempt(model=name, provider="name" * 9), tags=("tag" * 9,)), ""
    )
    log.close()
    console = Console(file=io.StringIO(), width=columns)
    show(made(path), console)
    said = console.file.getvalue()
    assert "…" not in said
    first = "".join(line.split(" ")[0] for line in said.splitlines())
    for each in (name, "name" * 9, "tag" * 9):
        assert each in first


def test_an_empty_log_is_said_to_be_empty(tmp_path):
    EventLog(tmp_path / "new.db")
    assert "Nothing was logged" in run("report", "--log", tmp_path / "new.db").stdout


def test_no_figure_is_wrapped_or_cut_on_80_columns(tmp_path):
    path, name = tmp_path / "calls.db", "claude-sonnet-4.5-of-a-long-name-2026-01-01"
    log = EventLog(path)
    log.call_ended(record("a", HOUR, attempt(model=name, provider="one"), tags=("chat",)), "")
    log.close()
    for lang in ("en", "ko"):
        console = Console(file=io.StringIO(), width=80)
        show(made(path), console, Words(lang))
        lines = [line for line in console.file.getvalue().splitlines() if "100.00 %" in line]
        assert len(lines) == 3
        for line in lines:
            assert re.search(r" [\d.-]+(/[\d.-]+){2} [\d.-]+(/[\d.-]+){2} +\d+/\d+ +[\d.-]+$", line)
