"""`holysheep watch`: the current figures."""

import os
import signal
import subprocess
import time

from holysheep_core.cli import report_data as figures
from holysheep_core.cli import watch
from support.cli import HOLYSHEEP, run


def test_the_live_view_knows_how_things_stand(path):
    with figures.reading(path) as database:
        found = watch.look(database, time.time())
    assert (found.requests, found.active, found.down) == (1, "other", {"holysheep"})
    assert list(found.cooling) == ["holysheep-1/gpt-4.1"]
    assert 50 < found.cooling["holysheep-1/gpt-4.1"] <= 60
    assert found.tokens == 150 * 14
    assert found.unpriced == 1


def test_a_look_shows_the_tiers_limits(path):
    done = run("watch", "--log", path, "--tier", "starter", "--once")
    assert done.returncode == 0, done.stderr
    for part in ("1 of 200", "2,100 of 1,000,000", "cooling down", "asked first: other"):
        assert part in done.stdout


def test_it_runs_until_it_is_stopped(path):
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
    command = [*HOLYSHEEP, "watch", "--log", str(path), "--every", "0.1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "holysheep watch" in said
