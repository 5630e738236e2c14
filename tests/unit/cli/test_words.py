"""What the commands say, in two languages."""

import string
from dataclasses import fields
from pathlib import Path

import pytest

import holysheep_core
from holysheep_core import events
from holysheep_core.cli.words import ENGLISH, KOREAN, LANGUAGES, Words, language_of
from support.cli import run


def placeholders(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_texts():
    assert set(ENGLISH) == set(KOREAN)
    assert set(LANGUAGES) == {"en", "ko"}


@pytest.mark.parametrize("key", ENGLISH)
def test_both_have_the_same_facts_in_them(key):
    assert placeholders(ENGLISH[key]) == placeholders(KOREAN[key])


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "ko_KR"}, "ko"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ko_KR.eucKR"}, "ko"),
        ({"LANG": "", "LC_ALL": ""}, "en"),
        ({"LANG": "kok_IN"}, "en"),
    ],
)
def test_the_language_is_the_environments(environment, language):
    assert language_of(environment) == language


def test_a_text_that_is_missing_is_an_error():
    with pytest.raises(KeyError):
        Words()("no such text")


@pytest.mark.parametrize("how", [{"LANG": "ko_KR.UTF-8", "LC_ALL": ""}, {}])
def test_a_report_is_korean_where_the_locale_or_the_option_is(path, tmp_path, how):
    page = tmp_path / "page.html"
    asked = [] if how else ["--lang", "ko"]
    done = run("report", "--log", path, "--html", page, *asked, **how)
    assert "성공률" in done.stdout
    assert "success rate" not in done.stdout
    html = page.read_text("utf-8")
    assert '<html lang="ko">' in html
    assert "실패한 호출" in html
    for english in ENGLISH.values():
        if len(english) > 12 and "{" not in english:
            assert english not in html


def test_watch_is_korean_too(path):
    done = run("watch", "--log", path, "--once", "--lang", "ko")
    assert "열린 서킷: holysheep/gpt-4.1(" in done.stdout


def test_a_check_is_korean_too(play):
    script = play(text="1, 2, 3, 4, 5, 6, 7, 8")
    found = run("check", "--base-url", script.base_url, "--lang", "ko", HOLYSHEEP_API_KEY="any-key")
    for part in ("점검 대상", "스트림 종료", "도구 호출", "프리필"):
        assert part in found.stdout
    assert "end of a stream" not in found.stdout


@pytest.mark.slow
def test_the_demo_is_korean_too():
    done = run("demo", LC_ALL="ko_KR.UTF-8")
    assert done.returncode == 0
    assert "4개 중 4개가 온전히 도착했습니다." in done.stdout
    assert "31자 뒤에 스트림 끊김" in done.stdout
    assert "stream cut" not in done.stdout
    assert "결제: [1000], 전액을 한 번만" in done.stdout


@pytest.mark.parametrize("encoding", ["cp949", "ascii"])
@pytest.mark.parametrize("command", ["report", "watch"])
def test_korean_ends_no_command_in_any_encoding(path, command, encoding):
    asked = ["--once"] if command == "watch" else []
    done = run(
        command, "--log", path, "--lang", "ko", *asked, PYTHONIOENCODING=encoding, PYTHONUTF8="0"
    )
    assert done.returncode == 0, done.stderr
    assert ("성공률" in done.stdout or "요청" in done.stdout) == (encoding == "cp949")


def test_every_text_is_said_somewhere():
    folder = Path(holysheep_core.__file__).parent / "cli"
    tables = ("english.py", "korean.py")
    code = "".join(
        each.read_text("utf-8") for each in folder.glob("*.py") if each.name not in tables
    )
    unsaid = [key for key in ENGLISH if f'"{key}"' not in code and f"'{key}'" not in code]
    assert all(hasattr(events, key.removeprefix("event_")) for key in unsaid), unsaid


def test_a_text_of_an_event_has_only_what_the_event_has():
    for key, text in ENGLISH.items():
        if key.startswith("event_"):
            event = getattr(events, key.removeprefix("event_"))
            assert placeholders(text) <= {each.name for each in fields(event)}
