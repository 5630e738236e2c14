"""The figures for programs."""

import json
from datetime import datetime

import pytest

from holysheep_core import Catalog, EventLog
from holysheep_core.cli import report_data as figures
from holysheep_core.cli.report_json import report_as_json
from support.cli import run
from support.event_logs import HOUR


def made(path, span=24 * HOUR):
    found = figures.report(path, span, against="gpt-4.1", catalog=Catalog())
    return json.loads(json.dumps(report_as_json(found), allow_nan=False))


def test_the_document_has_the_reports_figures(path):
    found = made(path)
    calls = found["calls"]
    assert (calls["count"], calls["failed"], calls["recovered"]) == (13, 1, 1)
    assert calls["success_rate"] == pytest.approx(12 / 13, abs=1e-6)
    assert calls["closed_by_reader"] == 1
    assert calls["first_token_seconds"]["p50"] == 0.5
    assert (calls["input_tokens"], calls["output_tokens"]) == (1400, 700)
    assert calls["cost_usd"] == pytest.approx(0.13)
    assert (found["resumes"], found["characters_saved_by_resume"]) == (1, 120)
    assert found["errors"] == {"ServerError": 1}
    assert [each["model"] for each in found["models"]] == ["gpt-4.1", "<odd> & co"]
    assert found["models"][1]["cost_usd"] is None
    assert found["moves_to_fallback_models"] == {"gpt-4.1 \u2192 gemini-2.5-flash": 1}
    assert sum(step["count"] for step in found["steps"]) == 13
    [failed] = found["failed_calls"]
    assert failed["request_ids"] == ["req-1"]
    assert (failed["call_id"], failed["error"], failed["provider"]) == (
        "bad",
        "ServerError",
        "holysheep",
    )


def test_times_can_be_read(path):
    found = made(path)
    since, until = (datetime.fromisoformat(found[name]) for name in ("since", "until"))
    assert (until - since).total_seconds() == pytest.approx(24 * HOUR)


def test_the_command_writes_one_document_and_nothing_else(path, tmp_path):
    page = tmp_path / "page.html"
    done = run("report", "--log", path, "--json", "--html", page)
    assert json.loads(done.stdout)["calls"]["count"] == 13
    assert page.exists()


def test_an_empty_log_is_a_document_too(tmp_path):
    EventLog(tmp_path / "new.db")
    assert made(tmp_path / "new.db")["calls"]["count"] == 0


def test_an_amount_has_no_digits_of_rounding(path):
    found = figures.report(path, 24 * HOUR, against="gpt-4.1", catalog=Catalog())
    found.calls.cost = 0.1 + 0.2
    found.saving = 1.1 - 1.0
    written = report_as_json(found)
    assert (written["calls"]["cost_usd"], written["saving"]["usd"]) == (0.3, 0.1)
