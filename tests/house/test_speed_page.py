"""`docs/speed.md`: made by its script; and the script's arithmetic, which decides what fails."""

import asyncio
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests/benchmarks/speed"
PAGE = (ROOT / "docs/speed.md").read_text(encoding="utf-8")


@pytest.fixture
def room(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT))
    names = {path.stem for path in SCRIPT.glob("*.py")}
    yield importlib.import_module
    for name in names & sys.modules.keys():
        del sys.modules[name]


def test_every_target_has_its_row_on_the_page_and_says_how_far_it_is(room):
    targets = room("targets").TARGETS
    for target in targets:
        assert f"| {target.what} | " in PAGE
    assert PAGE.count("reached |") + PAGE.count("reached** |") == len(targets)


def test_its_picture_is_there():
    assert "(speed.svg)" in PAGE
    assert "</svg>" in (ROOT / "docs/speed.svg").read_text(encoding="utf-8")


def test_a_figure_that_is_worse_by_more_than_a_quarter_is_named(room):
    worse = room("history").worse
    before = {"engine": 1.0, "gone": 1.0}
    assert worse(before, {"engine": 1.25, "new": 9.0}) == []
    assert worse(before, {"engine": 1.26, "new": 9.0}) == ["engine: 1.26, and 1.00 before"]


def test_the_history_is_one_line_of_json_per_run_and_the_last_of_a_kind_counts(
    room, tmp_path, monkeypatch
):
    history = room("history")
    monkeypatch.setattr(history, "FILE", tmp_path / "history.jsonl")
    assert history.last("quick") == {}
    history.record("quick", {"engine": 0.51234})
    history.record("full", {"engine": 2.0})
    assert history.last("quick") == {"engine": 0.512}
    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["quick", "full"]
    assert json.loads(lines[0])["versions"]["httpx"]


def test_the_recorded_history_can_be_read(room):
    figures = room("history").last("full")
    assert {"one long stream: engine", "one long stream: async ChatHolySheep .stream"} <= set(
        figures
    )


@pytest.mark.parametrize("path", ["flood-50", "joined-40", "paced-20-5"])
def test_every_reader_sees_every_delta_of_every_load(room, path):
    readers = {**room("readers").sync_readers(), **room("framework_readers").sync_readers()}
    readers.pop("litellm", None)
    deltas = int(path.split("-")[1])
    with room("server").running() as port:
        url = f"http://127.0.0.1:{port}/{path}/v1"
        assert room("readers").raw_socket(url) == deltas
        assert {name: read(url) for name, read in readers.items()} == dict.fromkeys(readers, deltas)

        async def all_of_them():
            found = {**room("readers").async_readers(), **room("framework_readers").async_readers()}
            found.pop("litellm", None)
            return {name: await read(url) for name, read in found.items()}

        seen = asyncio.run(all_of_them())
        assert set(seen.values()) == {deltas}


def test_a_crowd_is_measured_in_a_process_of_its_own(room, monkeypatch):
    crowd = room("crowd")
    with room("server").running() as port:
        found = crowd.run("engine", 3, f"http://127.0.0.1:{port}")
    assert found is not None
    assert 0 < found.median <= found.late < 5
    assert found.cpu > 0


def test_a_reader_that_is_stuck_counts_as_late(room, monkeypatch):
    crowd = room("crowd")
    monkeypatch.setattr(crowd, "SECONDS", 0.5)
    monkeypatch.setattr(crowd, "PATIENCE", 0.5)

    async def stuck(url):
        if "/paced-2-" not in url and "flood" not in url:
            yield f"{time.monotonic():.6f} "
            await asyncio.sleep(60)
        yield ""

    found = asyncio.run(crowd._run(stuck, 2, "http://x"))
    assert found.late == 0.5


def test_recovery_is_measured_against_a_real_cut(room):
    with room("server").running() as port:
        gap, floor, again = room("recovery").measure(f"http://127.0.0.1:{port}", 2)
    assert 0 < floor < 5
    assert gap < 5
    assert again > 0


def test_a_run_that_knows_its_options():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "--quick" in done.stdout
