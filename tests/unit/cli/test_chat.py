"""`holysheep chat`, as a process of its own, at a pipe and at a terminal."""

import os
import re
import select
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from holysheep_core.simulator import Scenario, Simulator, cut, refuse, reply
from support.cli import HOLYSHEEP, run
from support.waiting import wait_until

KEY = "sk-other"


@contextmanager
def started(script, **streams):
    """A conversation that is under way; killed if the test does not end it."""
    env = {**os.environ, "HOLYSHEEP_API_KEY": KEY, "NO_COLOR": "1", "TERM": "dumb"}
    command = [*HOLYSHEEP, "chat", "--base-url", script.base_url]
    with subprocess.Popen(command, env=env, **streams) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def served():
    """A simulator of the test's own; gives (its script, what a user types -> the ended process)."""
    with Simulator() as simulator:

        def serve(**scenario):
            script = simulator.add(Scenario(**scenario))

            def chat(typed, *arguments, encoding="utf-8", **environment):
                env = {**os.environ, "HOLYSHEEP_API_KEY": KEY, "NO_COLOR": "1", **environment}
                env |= {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
                command = [*HOLYSHEEP, "chat", "--base-url", script.base_url, *arguments]
                given = typed if isinstance(typed, bytes) else typed.encode(encoding)
                return subprocess.run(
                    command, input=given, capture_output=True, timeout=60, env=env, check=False
                )

            return script, chat

        yield serve


def roles(request):
    return [message["role"] for message in request.body["messages"]]


def test_an_answer_is_on_standard_output_and_its_figures_are_beside_it(served):
    script, chat = served(text="Baa, said the sheep.")
    done = chat("Hello\n", "--model", "gpt-4.1", "--system", "Be brief.")
    assert (done.returncode, done.stdout) == (0, b"Baa, said the sheep.\n")
    [asked] = script.requests
    assert roles(asked) == ["system", "user"]
    assert asked.body["model"] == "gpt-4.1"
    notes = done.stderr.decode()
    assert re.search(
        r"holysheep/gpt-4\.1 · \d+ in, \d+ out · cost US\$ 0\.0000\d+ · \d\.\d\d s", notes
    )


def test_each_line_is_a_turn_and_the_conversation_goes_with_it(served):
    script, chat = served(text="Baa.")
    done = chat("one\n\n  two  \n/quit\nthree\n")
    assert done.stdout == b"Baa.\nBaa.\n"
    assert [roles(each) for each in script.requests] == [["user"], ["user", "assistant", "user"]]
    assert [m["content"] for m in script.requests[1].body["messages"]] == ["one", "Baa.", "two"]
    assert "2 answers, " in done.stderr.decode()


def test_a_cut_and_its_resume_are_shown_and_the_answer_is_whole(served):
    script, chat = served(text="The sheep eats grass all day long.", faults=[cut(at=12)])
    done = chat("go\n")
    assert done.stdout.decode() == f"{script.scenario.text}\n"
    notes = done.stderr.decode()
    assert "[stream cut after 12 characters (StreamCutError)]" in notes
    assert "[resumed at character" in notes
    assert "resumes: 1" in notes


def test_a_fallback_is_shown_without_a_warning_beside_it(served):
    script, chat = served(text="Baa.", faults=[refuse(429, retry_after=60, model="gpt-4.1")])
    done = chat("go\n")
    notes = done.stderr.decode()
    assert re.search(r"\[gpt-4\.1 -> \S+ \(RateLimitError\)\]", notes)
    assert "UserWarning" not in notes
    assert len(script.requests) == 2


def test_an_error_is_one_line_and_the_next_question_is_asked_without_it(served):
    script, chat = served(
        text="Baa.", faults=[reply(400, '{"error": {"message": "no \x1b[2J sheep"}}')]
    )
    done = chat("one\ntwo\n")
    assert (done.returncode, done.stdout) == (1, b"Baa.\n")
    assert b"BadRequestError" in done.stderr
    assert b"\x1b" not in done.stderr
    assert roles(script.requests[1]) == ["user"]


def test_no_key_that_a_server_repeats_is_shown(served):
    said = f'{{"error": {{"message": "bad key {KEY}"}}}}'
    headers = {"x-request-id": KEY, "content-type": "application/json"}
    _, chat = served(text="Baa.", faults=[reply(401, said, headers, times=None)])
    done = chat("go\n")
    assert b"AuthenticationError" in done.stderr
    assert KEY.encode() not in done.stdout + done.stderr


def test_without_a_key_it_says_where_to_get_one():
    done = run("chat", HOLYSHEEP_API_KEY="")
    assert done.returncode == 2
    assert "HOLYSHEEP_API_KEY" in done.stderr


def test_control_characters_of_an_answer_do_not_reach_the_terminal(served):
    family = "\U0001f468\u200d\U0001f467"  # emoji joined by an invisible character
    _, chat = served(text=f"a\x1b[2Jb\nc\td\x07\u202e{family}", piece=100)
    assert chat("go\n").stdout.decode() == f"a\ufffd[2Jb\nc\td\ufffd\ufffd{family}\n"


@pytest.mark.parametrize("encoding", ["cp949", "cp1252", "ascii"])
def test_it_talks_in_any_encoding(served, encoding):
    script, chat = served(text="양이 ✓ 웁니다 🐑", faults=[cut(at=4)])
    typed = "안녕".encode("cp949" if encoding == "cp949" else "utf-8")
    done = chat(typed + b"\n", "--lang", "ko", encoding=encoding)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    said = done.stdout.decode(encoding)
    assert said == ("양이 OK 웁니다 ?\n" if encoding == "cp949" else "?? OK ??? ?\n")
    if encoding == "cp949":
        assert script.requests[0].body["messages"][0]["content"] == "안녕"
        assert "[4자 뒤에 스트림 끊김(StreamCutError)]" in done.stderr.decode(encoding)
        assert "재개 1회" in done.stderr.decode(encoding)


def test_ctrl_c_stops_one_answer_closes_its_connection_and_keeps_what_came(served):
    script, _ = served(text="word " * 400, delay=0.02)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with started(script, text=True, **pipes) as process:
        process.stdin.write("one\n")
        process.stdin.flush()
        first = process.stdout.read(20)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: script.requests[0].client_gone)
        process.stdin.write("two\n")
        process.stdin.flush()
        wait_until(lambda: len(script.requests) == 2)
        process.send_signal(signal.SIGINT)
        said, notes = process.communicate(timeout=30)
    assert process.returncode == 0
    assert notes.count("Stopped. What came is kept.") == 2
    [question, kept, _] = script.requests[1].body["messages"]
    assert (question["content"], kept["role"]) == ("one", "assistant")
    assert (first + said).startswith(kept["content"])
    assert kept["content"].startswith("word word")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_at_a_terminal_there_is_a_prompt_and_ctrl_c_there_ends_nothing(served):
    import pty

    script, _ = served(text="Baa.")
    ours, theirs = pty.openpty()
    seen = b""

    def until(text, meanwhile=lambda: None):
        nonlocal seen
        while text not in seen:
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 1000)
            else:
                meanwhile()
        seen = seen.partition(text)[2]

    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with started(script, start_new_session=True, **streams) as process:
        until(b"/quit ends")
        until(b"> ")
        process.send_signal(signal.SIGINT)
        # readline sees a signal just before it begins to read only when it has read.
        until(b"> ", lambda: process.send_signal(signal.SIGINT))
        os.write(ours, b"go\n")
        until(b"Baa.")
        until(b"> ")
        os.write(ours, b"\x04")  # Ctrl-D
        process.wait(30)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert len(script.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_prompt_is_not_in_the_file_that_gets_the_answers(served, tmp_path):
    import pty

    script, _ = served(text="Baa.")
    ours, theirs = pty.openpty()
    path = tmp_path / "answer.txt"
    with path.open("wb") as file:
        with started(script, stdin=theirs, stdout=file, stderr=subprocess.PIPE) as process:
            os.write(ours, b"go\n/quit\n")
            notes = process.stderr.read()
            process.wait(30)
    os.close(ours)
    os.close(theirs)
    assert path.read_bytes() == b"Baa.\n"
    assert notes.count(b"> ") == 2


def test_an_unknown_command_shows_the_help_and_is_not_sent(served):
    script, chat = served(text="Baa.")
    done = chat("/clear\n/etc/hosts: explain\n")
    assert b"/quit ends the conversation" in done.stderr
    assert [request.body["messages"][0]["content"] for request in script.requests] == [
        "/etc/hosts: explain"
    ]


def test_without_a_key_it_names_the_variable_and_no_argument_of_python(served):
    _, chat = served()
    done = chat("Hello\n", HOLYSHEEP_API_KEY="")
    assert done.returncode == 2
    assert b"HOLYSHEEP_API_KEY" in done.stderr
    assert b"api_key=" not in done.stderr
