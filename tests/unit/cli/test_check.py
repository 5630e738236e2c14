"""`holysheep check`: the findings of each probe, with good and bad servers."""

import json
import os
import re
import subprocess
import sys

import pytest

from holysheep_core import Provider
from holysheep_core.cli import check
from holysheep_core.simulator import cut, malformed, refuse, reply

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


def test_what_a_server_says_is_shown_without_the_key_and_on_one_line(play):
    said = "bad key sk-0123456789\x1b[2J\nforged"
    base_url = play(faults=[refuse(401, message=said, times=None)]).base_url
    probe = check.Probe(Provider("sk-0123456789", base_url), "gpt-4.1", 5)
    shown = found(check.stream(probe))["stream"][1]
    probe.close()
    assert "bad key ***" in shown
    assert "0123" not in shown
    assert "\n" not in shown


def test_an_error_response_is_reported_with_its_status(probe):
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
def test_a_prefill_is_accepted_if_the_model_continues_it(probe, text, takes):
    probed = probe(text=text)
    list(check.prefill(probed))
    assert probed.takes_prefill is takes


def test_without_an_answer_nothing_is_learned():
    probe = check.Probe(Provider("k", "http://127.0.0.1:9/v1"), "m", 1)
    assert found(check.prefill(probe))["prefill"][0] is None
    assert probe.takes_prefill is None
    probe.close()


def test_without_a_key_it_runs_on_the_simulator_and_says_so():
    done = run("gpt-4.1", "other")
    assert done.returncode == 1, done.stderr
    assert "these are the simulator's answers" in done.stdout
    assert done.stdout.count("tool calls") == 2


def test_without_a_key_it_does_not_end_as_if_migration_were_safe():
    *_, last = run().stdout.splitlines()
    assert "set HOLYSHEEP_API_KEY" in last
    assert "All checks passed" not in last


def test_what_the_simulator_does_is_not_learned_for_a_model(tmp_path):
    notes = tmp_path / "catalog.json"
    done = run("gpt-4.1", "--learn", notes)
    assert done.returncode == 2
    assert "HOLYSHEEP_API_KEY is not set" in done.stderr
    assert "tool calls" not in done.stdout
    assert not notes.exists()


def test_what_is_found_is_learned_for_each_model(play, tmp_path):
    script, notes = play(text="1, 2, 3, 4, 5, 6, 7, 8"), tmp_path / "catalog.json"
    run("a", "b", "--learn", notes, HOLYSHEEP_API_KEY="k", HOLYSHEEP_BASE_URL=script.base_url)
    assert json.loads(notes.read_text()) == {"a": {"prefill": True}, "b": {"prefill": True}}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("notes.toml", "name a .json file"),
        ("notes", "name a .json file"),
        ("nowhere/notes.json", "there is no folder"),
        ("folder.json", "Is a directory"),
        ("list.json", "needs a table for each model"),
        ("odd.json", "needs a table of facts"),
    ],
)
def test_a_file_that_cannot_learn_is_refused_before_anybody_is_asked(play, tmp_path, name, why):
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "odd.json").write_text('{"gpt-4.1": 5}', encoding="utf-8")
    script = play()
    done = run(
        "--learn",
        tmp_path / name,
        HOLYSHEEP_API_KEY="k",
        HOLYSHEEP_BASE_URL=script.base_url,
        COLUMNS="400",
    )
    assert done.returncode == 2
    assert why in done.stderr
    assert not script.requests


@pytest.mark.parametrize("models", [("gpt-4.1", "nope"), ("nope", "gpt-4.1"), ("nope",)])
def test_a_model_the_server_does_not_list_is_warned_of(models):
    said = run(*models).stdout
    assert said.count("is not in the server's list of models") == 1
    assert re.search(r"nope +is not in", said)


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


@pytest.mark.parametrize("columns", ["80", "50"])
def test_a_long_model_name_is_wrapped(columns):
    name = "claude-sonnet-4.5-with-a-name-that-is-longer-than-any-line-2026-01-01"
    said = run(name, COLUMNS=columns).stdout
    assert "…" not in said
    assert "2026-01-01" in said.split("stream")[0]


def test_a_public_list_of_models_proves_nothing_of_the_key(play):
    script = play(faults=[refuse(401, times=None)])  # of the list, and of what is asked
    done = run(HOLYSHEEP_API_KEY="k-12345678", HOLYSHEEP_BASE_URL=script.base_url)
    assert done.returncode == 1
    assert "not accepted (status 401)" in done.stdout
    assert "accepted\n" not in done.stdout.replace("not accepted", "")


@pytest.mark.parametrize("where", ["body", "header"])
def test_a_server_that_echoes_the_key_with_escape_sequences_shows_neither(play, where):
    key = "sk-marked-key-1234567890"
    evil = f"\x1b[2J your key is {key}"
    fault = refuse(400, message=evil, times=None)
    if where == "header":
        fault = refuse(400, headers={"x-ratelimit-limit": key}, times=None)
    done = run(HOLYSHEEP_API_KEY=key, HOLYSHEEP_BASE_URL=play(faults=[fault]).base_url)
    assert key not in done.stdout + done.stderr
    assert "\x1b[2J" not in done.stdout


@pytest.mark.parametrize("by", ["rst", "fin"])
def test_a_stream_that_breaks_off_is_said_to_be_cut(probe, by):
    good, said = found(check.stream(probe(text="1, 2, 3", faults=[cut(3, by)])))["end of a stream"]
    assert good is False
    assert said.startswith("the stream was cut (")


def test_a_missing_end_says_what_it_leads_to(probe):
    seen = found(check.stream(probe(text="1, 2", finish_reason=None, done=False)))
    good, said = seen["end of a stream"]
    assert good is False
    assert said.endswith("calls will end with StreamTruncatedError")


def test_without_a_key_another_server_is_not_replaced_by_the_simulator(play):
    script = play()
    done = run(HOLYSHEEP_API_KEY="", HOLYSHEEP_BASE_URL=script.base_url)
    assert done.returncode == 2
    assert "HOLYSHEEP_API_KEY is not set" in done.stderr
    assert not done.stdout
