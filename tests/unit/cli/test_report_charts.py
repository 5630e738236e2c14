"""The charts of the report's page, as text; `test_report_html.py` shows them to a browser."""

import re

import pytest

from holysheep_core import Catalog, EventLog
from holysheep_core.cli import report_charts as charts
from holysheep_core.cli import report_data as figures
from holysheep_core.cli.words import Words
from support.event_logs import HOUR

CHARTS = (charts.calls_chart, charts.latency_chart, charts.cost_chart)


def made(path, span=24 * HOUR):
    return figures.report(path, span, against="gpt-4.1", catalog=Catalog())


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_has_values_at_its_side_and_hours_below(path, chart):
    drawn = chart(made(path), Words())
    values = re.findall(r'<span style="top:[\d.]+%">([^<]+)</span>', drawn)
    assert values[0] == "0"
    assert len(values) in (2, 3, 4)
    hours = re.findall(r'left:([\d.]+)%">([^<]+)</span>', drawn)
    assert 3 <= len(hours) <= 7
    assert all(re.fullmatch(r"\d\d[:-]\d\d", name) for _, name in hours)
    places = [float(place) for place, _ in hours]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= 100


def test_bars_stay_within_the_drawing(path):
    for chart in (charts.calls_chart, charts.cost_chart):
        drawn = chart(made(path), Words())
        bars = re.findall(r'y="([-\d.]+)" width="[\d.]+" height="([-\d.]+)"', drawn)
        assert bars
        for y, height in bars:
            assert 0 <= float(y) <= 100
            assert float(y) + float(height) <= 100.01


def test_an_empty_log_has_empty_charts(tmp_path):
    EventLog(tmp_path / "new.db")
    for chart in CHARTS:
        assert "<rect" not in chart(made(tmp_path / "new.db"), Words())
