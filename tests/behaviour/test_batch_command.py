"""`holysheep batch`: a file of requests, killed and continued, and nothing paid for twice."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from holysheep_core.simulator import cut, refuse
from support.cli import HOLYSHEEP, run

COUNT = 30
LONG = " ".join(f"{n}. 양 한 마리가 울타리를 넘었다." for n in range(1, 21))


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    lines = [
        {"custom_id": f"row-{n}", "body": {"model": "gpt-4.1", "messages": asked(n)}}
        for n in range(COUNT)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def asked(number):
    return [{"role": "user", "content": f"question {number}"}]


def environment(script):
    return {"HOLYSHEEP_BASE_URL": script.base_url, "HOLYSHEEP_API_KEY": "k-12345678"}


def answers(path):
    lines = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    return {
        line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"]
        for line in lines
        if line["response"]
    }


def fresh(script):
    """How often each question was asked from its beginning."""
    counts = {}
    for request in script.requests:
        if len(request.body["messages"]) == 1:
            question = request.body["messages"][0]["content"]
            counts[question] = counts.get(question, 0) + 1
    return counts


def test_every_line_has_its_answer_through_cuts(play, source, tmp_path):
    script = play(text=LONG, faults=[cut(11), cut(40), refuse(500)])
    out = tmp_path / "out.jsonl"
    ended = run("batch", source, out, "--concurrency", "8", **environment(script))
    assert ended.returncode == 0, ended.stderr
    assert answers(out) == {f"row-{n}": LONG for n in range(COUNT)}


def test_a_killed_run_continues_and_pays_for_no_answer_twice(play, source, tmp_path):
    script = play(text=LONG, delay=0.002)
    out = tmp_path / "out.jsonl"
    env = {**os.environ, **environment(script)}
    command = [*HOLYSHEEP, "batch", str(source), str(out), "--concurrency", "4"]
    with subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL) as process:
        while not out.exists() or len(answers(out)) < 6:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    written = set(answers(out))
    again = run(*command[len(HOLYSHEEP) :], "--resume", **environment(script))
    assert again.returncode == 0, again.stderr
    assert answers(out) == {f"row-{n}": LONG for n in range(COUNT)}
    counts = fresh(script)
    assert all(counts[f"question {name.removeprefix('row-')}"] == 1 for name in written)
    assert sum(counts.values()) <= COUNT + 4  # what had not shown a word yet is asked again
    assert sum(len(request.body["messages"]) > 1 for request in script.requests) <= 4


def test_a_failed_line_has_its_error_and_is_asked_again(play, source, tmp_path):
    script = play(text=LONG, faults=[refuse(400, message="no")])
    out = tmp_path / "out.jsonl"
    first = run("batch", source, out, "--concurrency", "1", **environment(script))
    assert first.returncode == 1
    assert "1 failed (BadRequestError: HTTP 400: no); --resume asks" in first.stderr
    errors = [json.loads(line).get("error") for line in out.read_text().split("\n") if line]
    assert [error["code"] for error in errors if error] == ["BadRequestError"]
    assert run("batch", source, out, "--resume", **environment(script)).returncode == 0
    assert answers(out) == {f"row-{n}": LONG for n in range(COUNT)}
    assert len(script.requests) == COUNT + 1


def test_an_answer_to_another_request_is_not_kept(play, source, tmp_path):
    script, out = play(), tmp_path / "out.jsonl"
    assert run("batch", source, out, **environment(script)).returncode == 0
    written = out.read_bytes()
    source.write_text(source.read_text().replace('question 1"', 'another question"'))
    again = run("batch", source, out, "--resume", **environment(script))
    assert again.returncode == 2
    assert "row-1 was answered for another request; name another OUT" in " ".join(
        re.sub("[│╭╮╰╯─]", " ", again.stderr).split()
    )
    assert out.read_bytes() == written
    assert len(script.requests) == COUNT


def test_a_wrong_key_stops_the_run(play, source, tmp_path):
    script = play(faults=[refuse(401, times=None)])
    ended = run(
        "batch", source, tmp_path / "out.jsonl", "--concurrency", "2", **environment(script)
    )
    assert ended.returncode == 1
    assert "every request would fail" in ended.stderr
    assert len(script.requests) <= 2


def test_an_output_that_exists_is_not_touched_without_resume(play, source, tmp_path):
    script, out = play(), tmp_path / "out.jsonl"
    out.write_text("mine\n")
    ended = run("batch", source, out, **environment(script))
    assert ended.returncode == 2
    assert "out.jsonl exists" in re.sub(r"[\s│]+", " ", ended.stderr)
    assert out.read_text() == "mine\n"
