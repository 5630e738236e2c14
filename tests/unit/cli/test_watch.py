"""`holysheep watch`: the current figures."""

import json
import os
import signal
import subprocess
import time

from holysheep_core import EventLog, events
from holysheep_core.cli import report_data as figures
from holysheep_core.cli import watch
from support.cli import HOLYSHEEP, run
from support.event_logs import attempt, record


def test_the_live_view_knows_how_things_stand(path):
    with figures.reading(path) as database:
        found = watch.look(database, time.time())
    assert (found.requests, found.active, found.down) == (1, "other", {"holysheep"})
    assert list(found.cooling) == ["holysheep/gpt-4.1", "of-an-older-version/m"]
    assert 50 < found.cooling["holysheep/gpt-4.1"] <= 60
    assert [(each.call_id, each.request_ids) for each in found.failures] == [("bad", ("req-1",))]
    assert found.tokens == 150 * 14
    assert found.unpriced == 1


def test_a_look_shows_the_tiers_limits(path):
    done = run("watch", "--log", path, "--tier", "starter", "--once")
    assert done.returncode == 0, done.stderr
    for part in (
        "1 of 200",
        "2,100 of 1,000,000",
        "circuits open: holysheep/gpt-4.1 (",
        "active provider: other",
        "60 s ago",
        "ServerError holysheep/gpt-4.1  call id bad  request id req-1",
    ):
        assert part in done.stdout
    assert "0123456789abcdef" not in done.stdout


def test_for_programs_each_look_is_a_line_of_json(path):
    done = run("watch", "--log", path, "--tier", "starter", "--once", "--json")
    [line] = done.stdout.splitlines()
    found = json.loads(line)
    assert (found["requests_60s"], found["requests_per_minute_limit"]) == (1, 200)
    assert found["open_circuits"][0]["route"] == "holysheep/gpt-4.1"
    assert (found["active_provider"], found["down"], found["canary"]) == (
        "other",
        ["holysheep"],
        None,
    )
    [failed] = found["failed_calls"]
    assert (failed["call_id"], failed["request_ids"]) == ("bad", ["req-1"])
    command = [*HOLYSHEEP, "watch", "--log", str(path), "--every", "0.1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        times = [json.loads(process.stdout.readline())["time"] for _ in range(3)]
        process.send_signal(signal.SIGINT)
    assert times == sorted(set(times))


def test_what_servers_and_users_named_cannot_move_the_terminal(tmp_path):
    path, evil = tmp_path / "calls.db", "a\x1b[2Jb\n[red]c"
    log = EventLog(path)
    bad = attempt(1, "ServerError", provider=evil, request_id=f"r{evil}")
    log.call_ended(record(evil, 0, bad, outcome="ServerError"), "")
    log.happened(events.ModelDowngraded("", 0.0, evil, evil, "RateLimitError"))
    log.happened(events.RouteCooled("", 0.0, "digest/m", 60.0, evil))
    log.happened(events.ActiveProviderChanged("", 0.0, evil, "switched to"))
    log.close()
    done = run("watch", "--log", path, "--once", COLUMNS="400")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert done.stdout.count("ab [red]c") >= 6
    assert "circuits open: ab [red]c/m" in done.stdout


def test_it_runs_until_it_is_stopped(path):
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    command = [*HOLYSHEEP, "watch", "--log", str(path), "--every", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "holysheep watch" in said


def test_an_unknown_tier_is_named_by_its_option(path):
    done = run("watch", "--log", path, "--tier", "gold", "--once")
    assert done.returncode == 2
    assert "--tier" in done.stderr
    assert "needs one of free, starter, pro" in done.stderr
    assert "rate_limits" not in done.stderr
