"""Where a server or the browser is missing, the tests that need it are skipped, and CI fails them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support import services
from support.browser import Browser
from support.redis_server import RedisServer

TESTS = Path(__file__).parents[1]
NOT_TESTS = ("storm", "benchmarks")  # programs with a message of their own


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine with none of them."""
    monkeypatch.setattr(services, "SEARCHED", str(tmp_path))
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    "need",
    [Browser, lambda _: RedisServer(), lambda _: services.service("nginx")],
)
def test_what_needs_a_missing_program_is_skipped_and_named(need, tmp_path):
    with pytest.raises(pytest.skip.Exception, match="which is not installed"):
        need(tmp_path)


@pytest.mark.usefixtures("bare")
def test_ci_fails_it(monkeypatch, tmp_path):
    monkeypatch.setenv("REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="chromium"):
        Browser(tmp_path)


def test_tests_find_programs_by_no_other_way():
    asking = {
        path.relative_to(TESTS).as_posix()
        for path in TESTS.rglob("*.py")
        if re.search(r"\bshutil\.which\(", path.read_text("utf-8"))
    }
    others = {name for name in asking if name.partition("/")[0] not in NOT_TESTS}
    assert others == {"support/services.py"}


@pytest.mark.parametrize("name", ["test_examples.py", "test_sse.py"])
def test_a_file_with_a_browser_passes_without_one(name, tmp_path):
    environment = {**os.environ, "HOLYSHEEP_SERVICES": str(tmp_path)}
    environment.pop("REQUIRE_SERVICES", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    asked = ["-k", "browser or eventsource or phone or second_tab or shows_the_truth"]
    ended = subprocess.run(
        [*command, TESTS / "behaviour" / name, *asked],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stdout
    assert " skipped" in ended.stdout
    assert " failed" not in ended.stdout
