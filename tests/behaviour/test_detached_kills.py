"""Processes killed at random while detached answers run, and workers that take up what they leave.

`HOLYSHEEP_KILLS=200` for the long form.
"""

import contextlib
import multiprocessing
import os
import random
import subprocess
import sys
import time

import pytest

from support.cli import HOLYSHEEP
from support.detached import LEASE, begin_and_wait
from support.journals import LONG, journal
from support.waiting import wait_until

KILLS = int(os.environ.get("HOLYSHEEP_KILLS", "6"))
EACH = 3


@contextlib.contextmanager
def workers(script, url, count=2):
    env = {**os.environ, "HOLYSHEEP_API_KEY": "k-12345678"}
    command = [*HOLYSHEEP, "worker", "--journal", url, "--base-url", script.base_url]
    command += ["--lease", str(LEASE)]
    running = [subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield
    finally:
        for each in running:
            each.terminate()
        for each in running:
            each.wait(10)


@pytest.mark.slow
@pytest.mark.timeout(60 + 10 * KILLS)
def test_every_answer_ends_whole_or_stopped_and_none_is_generated_twice(play, url, name):
    script = play(text=LONG, delay=0.004)
    rng = random.Random(KILLS)
    spawn = multiprocessing.get_context("spawn")
    kept = journal(url, lease=LEASE)
    names, stopped = [], set()
    with workers(script, url):
        for number in range(KILLS):
            mine = [f"{name}-{number}-{each}" for each in range(EACH)]
            process = spawn.Process(target=begin_and_wait, args=(script.base_url, url, mine))
            process.start()
            wait_until(lambda last=mine[-1]: kept.store.read(last, 0) is not None, 30)
            time.sleep(rng.uniform(0.0, 0.5))
            process.kill()
            process.join()
            if rng.random() < 0.3:
                stopped |= {mine[0]} if kept.stop(mine[0]) else set()
            names += mine
        wait_until(lambda: all(kept.status(each).state in ENDED for each in names), 60 + 2 * KILLS)
    for each in names:
        text = "".join(text for text, _ in kept.read(each).pieces)
        if each in stopped:
            assert kept.status(each).state == "stopped"
            assert LONG.startswith(text)
        else:
            assert (kept.status(each).state, text) == ("done", LONG)
    for each in names:
        whole = [
            request
            for request in script.requests
            if request.body["messages"][0]["content"] == each
            and len(request.body["messages"]) == 1
            and not request.client_gone
        ]
        assert len(whole) <= 1, "it was generated twice"
    sys.stdout.write(f"{KILLS} processes killed, {len(names)} answers, {len(stopped)} stopped\n")


ENDED = ("done", "stopped", "failed")
