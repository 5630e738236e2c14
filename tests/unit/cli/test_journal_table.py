"""The table of a journal's answers."""

import pytest

from holysheep_core.cli.journal_table import ago


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (3.9, "3 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")],
)
def test_a_length_of_time_in_words(seconds, words):
    assert ago(seconds) == words
