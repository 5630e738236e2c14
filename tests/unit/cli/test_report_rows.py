"""A report's figures as rows of text."""

import pytest

from holysheep_core import Catalog, EventLog
from holysheep_core.cli import report_data as figures
from holysheep_core.cli import report_rows as rows
from holysheep_core.cli.words import Words
from support.event_logs import HOUR, attempt, record

WORDS = Words("en")


def made(path, span=24 * HOUR, against="claude-sonnet-4.5"):
    return figures.report(path, span, against=against, catalog=Catalog())


@pytest.mark.parametrize("saving", [-0.00001, -0.0, 0.0, 0.00001])
def test_a_saving_of_next_to_nothing_has_no_sign(path, saving):
    found = made(path)
    found.saving = saving
    (word,) = [word for name, _, word in rows.facts(found, WORDS) if name == "cost"]
    assert word.endswith("US$ 0.0000")


def test_the_labels_are_plain_words(path):
    found = made(path)
    names = [name for name, _, _ in rows.facts(found, WORDS)]
    assert names == [
        "calls",
        "success rate",
        "first token, p95",
        "recovered",
        "characters saved by resume",
        "waited",
        "tokens",
        "cost",
    ]
    assert "requests answered" in rows.head(WORDS, "model", "requests")
    assert "success rate" in rows.head(WORDS, "tag", "calls")
    titles = [title for title, _ in rows.lists(found, WORDS)]
    assert "failed requests (1 of 2 recovered)" in titles


def test_a_row_has_a_cell_for_each_column(path):
    found = made(path)
    for row in rows.as_table(found.models, WORDS):
        assert len(row) == len(rows.head(WORDS, "model", "requests"))
    [failed] = rows.as_failed(found.failures)
    assert failed[1:] == ["ServerError", "gpt-4.1", "holysheep", "bad", "req-1"]
    assert len(failed) == len(rows.failed_head(WORDS))


def test_a_price_that_is_not_known_is_said_to_be_so(path):
    found = made(path)
    assert rows.money(found.models[0], WORDS) == "0.1300"
    assert rows.money(found.models[1], WORDS) == "unknown"
    assert rows.money(found.calls, WORDS) == "0.1300 + 1 unknown"


def test_names_are_one_line_without_control_characters(tmp_path):
    log, evil = EventLog(tmp_path / "calls.db"), "a\x1b[2Jb\nc"
    bad = attempt(1, "ServerError", model=evil, provider=evil, request_id=evil)
    log.call_ended(record(evil, HOUR, bad, outcome="ServerError", tags=(evil,)), "")
    log.close()
    found = made(tmp_path / "calls.db")
    cells = [cell for row in rows.as_failed(found.failures) for cell in row]
    for groups in (found.models, found.providers, found.tags):
        cells += [row[0] for row in rows.as_table(groups, WORDS)]
    assert cells.count("ab c") == 6
    assert not any("\x1b" in cell or "\n" in cell for cell in cells)


@pytest.mark.parametrize(
    ("seconds", "text"), [(1800, "30 minutes"), (3600, "1 hour"), (24 * 3600, "24 hours")]
)
def test_a_length_of_time_in_words(seconds, text):
    assert rows.length(seconds, WORDS) == text


def test_nothing_is_saved_against_the_only_model_that_was_paid_for(path):
    for against, said in (("gpt-4.1", False), ("claude-sonnet-4.5", True)):
        (word,) = [
            w for name, _, w in rows.facts(made(path, against=against), WORDS) if name == "cost"
        ]
        assert ("saved against" in word) is said
