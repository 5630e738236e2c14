"""The speed benchmark: correct measurements, and the arithmetic of failed targets."""

import asyncio
import gc
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests/benchmarks/speed"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT))
    names = {path.stem for path in SCRIPT.glob("*.py")}
    yield importlib.import_module
    for name in names & sys.modules.keys():
        del sys.modules[name]


def test_a_figure_that_is_worse_by_more_than_a_quarter_is_named(module):
    worse = module("history").worse
    before = {"engine": 1.0, "gone": 1.0}
    assert worse(before, {"engine": 1.25, "new": 9.0}) == []
    assert worse(before, {"engine": 1.26, "new": 9.0}) == ["engine: 1.26, and 1.00 before"]


def test_the_history_is_one_line_of_json_per_run_and_the_last_of_a_kind_counts(
    module, tmp_path, monkeypatch
):
    history = module("history")
    monkeypatch.setattr(history, "FILE", tmp_path / "history.jsonl")
    assert history.last("quick") == {}
    history.record("quick", {"engine": 0.51234})
    history.record("full", {"engine": 2.0})
    assert history.last("quick") == {"engine": 0.512}
    lines = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["quick", "full"]
    assert json.loads(lines[0])["versions"]["httpx"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # peers' clients close when they are garbage
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("path", ["flood-50", "joined-40", "paced-20-5"])
def test_every_reader_sees_every_delta_of_every_load(module, path):
    readers = {**module("readers").sync_readers(), **module("framework_readers").sync_readers()}
    readers.pop("litellm", None)
    deltas = int(path.split("-")[1])
    with module("server").running() as port:
        url = f"http://127.0.0.1:{port}/{path}/v1"
        assert module("readers").raw_socket(url) == deltas
        assert {name: read(url) for name, read in readers.items()} == dict.fromkeys(readers, deltas)

        async def all_of_them():
            found = {
                **module("readers").async_readers(),
                **module("framework_readers").async_readers(),
            }
            found.pop("litellm", None)
            return {name: await read(url) for name, read in found.items()}

        seen = asyncio.run(all_of_them())
        assert set(seen.values()) == {deltas}
    gc.collect()  # here, where their warnings are expected


def test_the_page_has_a_row_for_each_target_and_says_how_far_it_is(module):
    targets, page, crowd = module("targets"), module("page"), module("crowd")
    names = {f"{kind}{name}" for kind in ("", "async ") for name in (*page.ORDER, "httpx iter_raw")}
    loads = [load.title for load in module("cost").loads(quick=False)]
    readers = {"engine", "ChatHolySheep", "ChatOpenAI", "LangChain alone"}
    found = targets.Findings(
        ratios={load: dict.fromkeys(names, 2.0) for load in loads},
        warm=dict.fromkeys(readers, 0.001),
        cold={scheme: dict.fromkeys(readers, 0.01) for scheme in ("http", "https")},
        links=dict.fromkeys(readers, 1),
        crowds={name: {100: crowd.Crowd(0.5, 1e-5, 0.01, 0.1, 300)} for name in readers},
        capacity=dict.fromkeys(readers, 100),
        imports=dict.fromkeys((name for name, _ in module("imports").PAIRS), (0.1, 5.0)),
        recovery=(0.002, 0.001, 40),
        growth={key: {2000: 1.0} for key in module("growth").READERS},
    )
    text = page.page(found, "async: 1.2", "fast enough")
    for target in targets.TARGETS:
        mark = "reached" if target.reached(found) else "**not reached**"
        [row] = [line for line in text.splitlines() if line.startswith(f"| {target.what} | ")]
        assert row.endswith(f"| {mark} |")
    assert "**not reached**" in text
    assert "| reached |" in text


@pytest.mark.slow
def test_a_crowd_is_measured_in_a_process_of_its_own(module, monkeypatch):
    crowd = module("crowd")
    with module("server").running() as port:
        found = crowd.run("engine", 3, f"http://127.0.0.1:{port}")
    assert found is not None
    assert 0 < found.median <= found.late < 5
    assert found.cpu > 0


def test_a_reader_that_is_stuck_counts_as_late(module, monkeypatch):
    crowd = module("crowd")
    monkeypatch.setattr(crowd, "SECONDS", 0.5)
    monkeypatch.setattr(crowd, "PATIENCE", 0.5)

    async def stuck(url):
        if "/paced-2-" not in url and "flood" not in url:
            yield f"{time.monotonic():.6f} "
            await asyncio.sleep(60)
        yield ""

    found = asyncio.run(crowd._run(stuck, 2, "http://x"))
    assert found.late == 0.5


def test_recovery_is_measured_against_a_real_cut(module):
    with module("server").running() as port:
        gap, floor, again = module("recovery").measure(f"http://127.0.0.1:{port}", 2)
    assert 0 < floor < 5
    assert gap < 5
    assert again > 0


@pytest.mark.slow
def test_a_run_that_knows_its_options():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert "--quick" in done.stdout
