"""`holysheep check`: what each probe finds, on servers good and bad."""

import json
import os
import subprocess
import sys

import pytest

from holysheep_core import Provider
from holysheep_core.cli import check
from holysheep_core.simulator import malformed, refuse, reply

HOLYSHEEP = [sys.executable, "-m", "holysheep_core.cli", "check"]


def run(*arguments, **environment):
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **environment}
    return subprocess.run(
        [*HOLYSHEEP, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
        check=False,
    )


@pytest.fixture
def probe(play):
    probes = []

    def make(**scenario):
        probes.append(check.Probe(Provider("k", play(**scenario).base_url), "gpt-4.1", 5))
        return probes[-1]

    yield make
    for each in probes:
        each.close()


def found(findings):
    return {each.what: (each.good, each.said) for each in findings}


def test_a_good_server_has_nothing_in_the_way(probe):
    seen = found(check.stream(probe(text="1, 2, 3")))
    assert seen["stream"][0]
    assert seen["end of a stream"] == (True, "finish_reason 'stop' and [DONE]")
    assert seen["usage"][0]
    assert "rate-limit headers" in seen
    assert found(check.tools(probe(text=None)))["tool calls"] == (True, '{"amount":1000}')
    assert found(check.json_mode(probe(text=None)))["JSON mode"][0]


def test_a_refusal_is_told_with_its_status(probe):
    seen = found(check.stream(probe(faults=[refuse(401, times=None)])))
    assert seen["stream"][0] is False
    assert "401" in seen["stream"][1]


def test_limits_are_shown_as_they_are_named(probe):
    headers = {"x-ratelimit-remaining-requests": "7", "content-type": "application/json"}
    refused = probe(faults=[reply(status=429, headers=headers, body="{}", times=None)])
    assert "429" in found(check.stream(refused))["stream"][1]


def test_foreign_events_are_counted(probe):
    seen = found(check.stream(probe(text="1, 2, 3", faults=[malformed(at=2)])))
    assert "1 foreign events" in seen["stream"][1]


def test_broken_json_and_calls_are_not_good(probe):
    assert found(check.json_mode(probe(text="no JSON at all")))["JSON mode"][0] is False
    assert found(check.tools(probe(text="I would rather not.")))["tool calls"][0] is False


@pytest.mark.parametrize(("text", "takes"), [("1, 2, 3, 4, 5, 6, 7, 8", True), ("Sure!", False)])
def test_a_prefill_is_taken_if_the_model_goes_on_with_it(probe, text, takes):
    probed = probe(text=text)
    list(check.prefill(probed))
    assert probed.takes_prefill is takes


def test_without_an_answer_nothing_is_learned():
    probe = check.Probe(Provider("k", "http://127.0.0.1:9/v1"), "m", 1)
    assert found(check.prefill(probe))["prefill"][0] is None
    assert probe.takes_prefill is None
    probe.close()


def test_without_a_key_it_runs_on_the_simulator_and_says_so(tmp_path):
    notes = tmp_path / "catalog.json"
    done = run("gpt-4.1", "other", "--learn", notes)
    assert done.returncode == 0, done.stderr
    assert "these are the simulator's answers" in done.stdout
    assert "Nothing stands in the way" in done.stdout
    assert done.stdout.count("tool calls") == 2
    assert set(json.loads(notes.read_text())) == {"gpt-4.1", "other"}


def test_with_a_key_that_is_refused_it_fails_and_never_shows_the_key(play):
    script = play(faults=[refuse(401, times=None)])
    done = run(HOLYSHEEP_API_KEY="cr-secret", HOLYSHEEP_BASE_URL=script.base_url)
    assert done.returncode == 1
    assert "✗" in done.stdout
    assert "cr-secret" not in done.stdout + done.stderr


def test_names_are_shown_as_they_are_whatever_is_in_them(play):
    script = play(text="1, 2, 3")
    name = "ft:[odd]:100:m"
    done = run(name, HOLYSHEEP_API_KEY="k", HOLYSHEEP_BASE_URL=script.base_url)
    assert done.stdout.count(name) == 2, "the table's title, and that it is not on the list"
    done = run(HOLYSHEEP_API_KEY="k", HOLYSHEEP_BASE_URL="http://127.0.0.1:9/[a]/v1")
    assert "http://127.0.0.1:9/[a]/v1" in done.stdout
