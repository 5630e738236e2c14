"""`holysheep simulate`: a server of a process of its own, and what it says of each request."""

import re
import signal
import subprocess
from contextlib import contextmanager

import httpx
import pytest

from holysheep_core import RateLimitError, StreamingRetryHandler, Timeouts
from support.calls import ASK, CALL
from support.cli import HOLYSHEEP, run


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_simulate_serves_an_address_for_anyones_app(stop):
    command = [*HOLYSHEEP, "simulate", "--port", "0", "--text", "Baa.", "--delay", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"http://\S+/v1", process.stdout.readline()).group()
        body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
        answer = httpx.post(f"{url}/chat/completions", json=body).json()
        process.send_signal(stop)
    assert answer["choices"][0]["message"]["content"] == "Baa."
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--port", "99999"),
        ("--port", "-1"),
        ("--cut-at", "-2"),
        ("--times", "-1"),
        ("--delay", "-1"),
    ],
)
def test_simulate_refuses_a_number_without_a_meaning(option, value):
    done = run("simulate", "--port", "0", option, value)
    assert done.returncode == 2
    assert option in done.stderr
    assert "Traceback" not in done.stderr


class Simulation:
    def __init__(self, process):
        self._process = process
        self.url = re.search(r"http://\S+/v1", process.stdout.readline()).group()

    def line(self):
        """The next line of its log, without the time."""
        return re.sub(r"^\d\d:\d\d:\d\d ", "", self._process.stdout.readline().rstrip("\n"))

    def post(self, **body):
        asked = {"model": "gpt-4.1", "messages": ASK, **body}
        return httpx.post(f"{self.url}/chat/completions", json=asked, timeout=20)

    def client(self, **settings):
        return StreamingRetryHandler("any-key", base_url=self.url, **settings)


@contextmanager
def simulating(*arguments):
    command = [*HOLYSHEEP, "simulate", "--port", "0", "--text", "Baa, baa, baa.", "--delay", "0"]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Simulation(process)
        finally:
            process.kill()


def test_each_request_is_a_line():
    with simulating("--cut-at", "5") as there:
        with there.client() as client:
            assert client.complete(*CALL).text == "Baa, baa, baa."
        said = "POST /v1/chat/completions gpt-4.1 200"
        assert there.line() == f"{said} cut (rst) after 5 characters"
        assert there.line() == f"{said} whole answer"
        httpx.get(f"{there.url}/models")
        assert there.line() == "GET /v1/models 200 "
        httpx.get(f"{there.url}/nothing?key=%1b[2J")
        assert re.fullmatch(r"GET /v1/nothing\S* 404 ", there.line())
        there.post(model="a\x1b[2Jb\nc")
        assert there.line() == "POST /v1/chat/completions ab c 200 whole answer"


def test_a_refusal_has_its_status_and_its_wait():
    with simulating("--refuse", "429", "--retry-after", "2", "--times", "0") as there:
        refused = there.post()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        assert there.line().endswith("429 sent application/json, Retry-After 2")
        with there.client(max_retries=0, fallback_models=[]) as client:
            with pytest.raises(RateLimitError):
                client.complete(*CALL)


def test_a_page_in_place_of_an_answer():
    with simulating("--html") as there:
        page = there.post()
        assert (page.status_code, page.headers["content-type"]) == (502, "text/html")
        assert "<html>" in page.text
        assert there.line().endswith("502 sent text/html")
        assert there.post().status_code == 200


def test_a_slow_first_token_a_stall_and_an_error_event():
    arguments = ("--slow", "0.3", "--stall-at", "4", "--error-event", "6")
    with simulating(*arguments) as there:
        with there.client(
            timeouts=Timeouts(stall=0.5, first_token=10), fallback_models=[]
        ) as client:
            slow = client.complete(*CALL)
            assert slow.attempts[0].first_token >= 0.3
            stalled = client.complete(*CALL)
        assert stalled.attempts[0].outcome == "StreamStalledError"
        assert len(stalled.attempts) == 3
        assert slow.text == stalled.text == "Baa, baa, baa."
        said = {there.line().partition(" 200 ")[2] for _ in range(4)}
        assert said == {
            "first token after 0.3 s",
            "stalled after 4 characters; the client left",
            "error event after 6 characters",
            "whole answer",
        }


def test_every_third_response_gets_the_fault_for_ever():
    with simulating("--refuse", "503", "--every", "3") as there:
        assert [there.post().status_code for _ in range(9)] == [200, 200, 503] * 3


def test_a_wait_without_a_refusal_is_refused():
    done = run("simulate", "--retry-after", "2")
    assert done.returncode == 2
    assert "--refuse" in done.stderr


def test_it_listens_where_it_is_told():
    with simulating("--host", "127.0.0.2") as there:
        assert there.url.startswith("http://127.0.0.2:")
        assert there.post().status_code == 200
    done = run("simulate", "--host", "192.0.2.1", "--port", "0")
    assert done.returncode == 2
    assert "cannot listen on 192.0.2.1" in " ".join(done.stderr.split())
