"""Every command ends as it should where the terminal cannot show every character."""

import io
import json
import os
import re
import subprocess
import sys

import pytest

from holysheep_core import APIGateway, HolySheepError, Provider, StreamingRetryHandler
from holysheep_core.cli.encodings import PLAIN, show_plainly
from holysheep_core.simulator import cut, refuse
from support.cli import run

ASK = [{"role": "user", "content": "go"}]

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


IN_TURN = """
import json, sys
from holysheep_core.cli import main
for command in json.loads(sys.argv[1]):
    sys.argv = ["holysheep", *command]
    try:
        main()
    except SystemExit as ended:
        print("ended:", ended.code or 0)
"""
QUICK = [  # a command, and how it ends
    (["version"], 0),
    (["--help"], 0),
    *(([name, "--help"], 0) for name in ("simulate", "batch", "worker", "chat", "watch", "report")),
    (["check", "gpt-4.1", "--lang", "ko"], 1),  # this model cannot do all
    (["report", "--html", "report.html", "--lang", "ko"], 0),
    (["report", "--lang", "en"], 0),
    (["report", "--json"], 0),
    (["watch", "--once", "--lang", "ko"], 0),
    (["watch", "--once", "--json"], 0),
    (["journal", "ls", "--journal", "sqlite:///answers.db"], 0),
    (["journal", "show", "\uc591", "--journal", "sqlite:///answers.db"], 0),
    (["batch", "in.jsonl", "out.jsonl", "--journal", "sqlite:///answers.db"], 0),
    (["switch", "\uc591", "--store", "redis://localhost:1"], 1),
    (["simulate", "--port", "0", "--cut-at", "-2"], 2),
    (["chat", "--lang", "ko"], 0),  # its questions come from a pipe, which is empty
]


@pytest.fixture
def past(play, tmp_path, monkeypatch):
    """A folder with a log of calls, a journal and requests, in Korean and with an emoji."""
    monkeypatch.chdir(tmp_path)
    script = play(
        text="\uc591 \U0001f411", faults=[cut(1), refuse(500, message="\uc624\ub958 \U0001f525")]
    )
    provider = Provider("any-key", script.base_url, name="\ud55c\uad6d")
    settings = {"event_log": "holysheep.db", "journal": "sqlite:///answers.db"}
    with StreamingRetryHandler(gateway=APIGateway([provider]), **settings) as handler:
        handler.complete("gpt-4.1", ASK, call_id="\uc591")
    with StreamingRetryHandler(
        "any-key", base_url=f"{script.base_url}/wrong", **settings
    ) as handler:
        with pytest.raises(HolySheepError):
            handler.complete("gpt-4.1", ASK)
    line = {"custom_id": "\uc591", "body": {"model": "gpt-4.1", "messages": ASK}}
    (tmp_path / "in.jsonl").write_text(f"{json.dumps(line)}\n", encoding="utf-8")
    return {"HOLYSHEEP_BASE_URL": script.base_url, "HOLYSHEEP_API_KEY": "any-key"}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_ends_well_in_any_encoding(past, encoding):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HOLYSHEEP_")},
        **past,
        "PYTHONIOENCODING": encoding,
        "PYTHONUTF8": "0",
        "NO_COLOR": "1",
    }
    commands = json.dumps([command for command, _ in QUICK])
    ended = subprocess.run(
        [sys.executable, "-c", IN_TURN, commands],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding=encoding,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    told = re.findall(r"^ended: (\d+)$", ended.stdout, flags=re.MULTILINE)
    assert list(map(int, told)) == [status for _, status in QUICK], ended.stderr


DEMO, DRILL = ["demo"], ["rollback-drill", "--callers", "3", "--outage", "1"]


# These take seconds. In UTF-8 their own tests run them; cp1252 has more signs than ASCII.
@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp949", "ascii"])
@pytest.mark.parametrize("command", [DEMO, DRILL], ids=["demo", "rollback-drill"])
def test_the_longer_ones_do_too(command, encoding):
    ended = run(*command, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
