"""Every command ends as it should where the terminal cannot show every character."""

import io

import pytest

from holysheep_core.cli.encodings import PLAIN, show_plainly
from support.cli import run

ENCODINGS = ("cp949", "cp1252", "ascii", "utf-8")


def shown(text, encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    show_plainly(stream)
    stream.write(text)
    stream.flush()
    return raw.getvalue()


def test_marks_have_words_and_the_rest_a_question_mark():
    assert shown("\u2713 a \u2717 \u2026 \uac00 \U0001f411", "ascii") == b"OK a FAILED ... ? ?"
    assert shown("\uac00 \u2713", "cp949") == "\uac00 OK".encode("cp949")
    assert shown("\u2713", "utf-8") == "\u2713".encode()


@pytest.mark.parametrize("mark", PLAIN)
def test_what_stands_for_a_mark_is_ascii(mark):
    assert PLAIN[mark].isascii()


DEMO, DRILL = ["demo"], ["rollback-drill", "--callers", "3", "--outage", "1"]
RUNS = [
    *((["check"], 1, encoding) for encoding in ENCODINGS),  # without a key nothing is proven
    *((["version"], 0, encoding) for encoding in ENCODINGS),
    *((["--help"], 0, encoding) for encoding in ENCODINGS),
    # These take seconds. In UTF-8 their own tests run them; cp1252 has more signs than ASCII.
    *((command, 0, encoding) for command in (DEMO, DRILL) for encoding in ("cp949", "ascii")),
]


@pytest.mark.parametrize(
    ("command", "status", "encoding"), RUNS, ids=[f"{each[0][0]}-{each[2]}" for each in RUNS]
)
def test_a_command_ends_well_in_any_encoding(command, status, encoding):
    ended = run(*command, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr
