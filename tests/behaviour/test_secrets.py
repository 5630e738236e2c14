"""Promise 8 where others look: traces, error trackers, redirects, what lies in the repository."""

import asyncio
import gzip
import logging
import pickle
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import traceback
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from langchain_core.tracers.base import BaseTracer
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.llms import ChatMessage
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from holysheep_core import HolySheepError, StreamingRetryHandler, Timeouts
from holysheep_core.cassettes import cassette
from holysheep_core.observers.otel import OpenTelemetry
from holysheep_core.simulator import cut, refuse, reply, stall
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK

ROOT = Path(__file__).parents[2]
HEADER = "hdr-0123456789"


def key():
    # No variable of this module holds it: a traceback with locals would show that.
    return "sk-marked-" + "0123456789"


# -- traces ---------------------------------------------------------------------------------


class Tracer(BaseTracer):
    def __init__(self):
        super().__init__()
        self.runs = []

    def _persist_run(self, run):
        self.runs.append(run)


def test_a_run_as_langchains_tracers_see_it_holds_no_key(play):
    tracer = Tracer()
    url = play(faults=[cut(9)]).base_url
    llm = ChatHolySheep(
        model="gpt-4.1", api_key=key(), base_url=url, default_headers={"x-token": HEADER}
    )
    assert llm.invoke("go", {"callbacks": [tracer]}).text
    [run] = tracer.runs
    assert "gpt-4.1" in repr(run.model_dump())
    assert not re.search(f"{key()}|{HEADER}", repr(run.model_dump()))


def test_an_event_as_llamaindex_tells_it_holds_no_key(play):
    told = []

    class Handler(BaseEventHandler):
        def handle(self, event, **_):
            told.append(repr(event) + str(event.model_dump()))

    handler, root = Handler(), get_dispatcher()
    root.add_event_handler(handler)
    try:
        url = play(faults=[cut(9)]).base_url
        llm = HolySheep(
            model="gpt-4.1", api_key=key(), api_base=url, default_headers={"x-token": HEADER}
        )
        llm.chat([ChatMessage(role="user", content="go")])
    finally:
        root.event_handlers.remove(handler)
    assert "gpt-4.1" in "".join(told)
    assert not re.search(f"{key()}|{HEADER}", "".join(told))


# -- error trackers -------------------------------------------------------------------------


@pytest.fixture(params=["refused", "reset at once", "reset", "no HTTP"])
def bad_server(request):
    """Where no answer comes from; returns its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"

        def serve():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    if request.param != "reset at once":
                        client.recv(65536)
                    if request.param == "no HTTP":
                        client.sendall(b"no HTTP\r\n\r\n")
                    else:
                        linger = struct.pack("ii", 1, 0)
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        thread = threading.Thread(target=serve, daemon=True)
        if request.param == "refused":
            server.close()
        else:
            thread.start()
        yield url
        if request.param != "refused":
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def seen_by_a_tracker(url, *, use_async):
    """The traceback of a failing call and of its causes, every variable in it included."""
    once = {"max_retries": 0, "resume": False, "fallback_models": []}
    client = StreamingRetryHandler(key(), base_url=url, timeouts=Timeouts(read=0.5), **once)
    with pytest.raises(HolySheepError) as caught:
        if use_async:
            asyncio.run(client.acomplete("gpt-4.1", ASK))
        else:
            client.complete("gpt-4.1", ASK)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    return "".join(shown.format())


@pytest.mark.parametrize("use_async", [False, True])
def test_the_variables_of_a_failed_request_show_no_key(bad_server, use_async):
    shown = seen_by_a_tracker(bad_server, use_async=use_async)
    assert "gpt-4.1" in shown
    assert key() not in shown


@pytest.mark.parametrize("use_async", [False, True])
@pytest.mark.parametrize(
    "fault", [refuse(401), cut(9), cut(9, "eof"), stall(9)], ids=lambda fault: fault.kind
)
def test_the_variables_of_a_broken_answer_show_no_key(play, fault, use_async):
    shown = seen_by_a_tracker(play(faults=[fault]).base_url, use_async=use_async)
    assert "gpt-4.1" in shown
    assert key() not in shown


# -- redirects ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_client_that_follows_redirects_does_not_follow_ours(play, status):
    elsewhere = play()
    there = {"location": f"{elsewhere.base_url}/chat/completions"}
    script = play(faults=[reply(status, "", there, times=None)])
    with httpx.Client(follow_redirects=True) as client:
        async with httpx.AsyncClient(follow_redirects=True) as async_client:
            given = {"http_client": client, "http_async_client": async_client}
            handler = StreamingRetryHandler(key(), base_url=script.base_url, **given)
            with pytest.raises(HolySheepError, match="redirected"):
                handler.complete("gpt-4.1", ASK)
            with pytest.raises(HolySheepError, match="redirected"):
                await handler.acomplete("gpt-4.1", ASK)
    assert len(script.requests) == 2
    assert not elsewhere.requests


# -- what lies in the repository ------------------------------------------------------------

LOOKS_LIKE_A_KEY = re.compile(rb"(?<![\w-])(?:sk|cr|pk|gsk|xai)-[\w-]{20,}|\bBearer [\w-]{12,}")


def test_no_recording_and_no_notebook_holds_a_key():
    recordings = [*ROOT.glob("tests/**/*.yaml.gz"), *ROOT.glob("tests/samples/*.sse")]
    notebooks = [*ROOT.glob("notebooks/*.ipynb")]
    assert recordings
    assert notebooks
    for path in (*recordings, *notebooks):
        raw = path.read_bytes()
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
        assert not LOOKS_LIKE_A_KEY.search(text), path
        assert b"authorization" not in text.lower(), path


def test_a_key_would_be_noticed():
    assert LOOKS_LIKE_A_KEY.search(b'"api_key": "sk-0123456789abcdefghijkl"')
    assert LOOKS_LIKE_A_KEY.search(b"Authorization: Bearer abcdefghijkl-0123")


# -- all at once ----------------------------------------------------------------------------

PROMPT = "a-marked-question-about-sheep"


@pytest.mark.parametrize("make", [ChatHolySheep, HolySheep])
def test_a_marked_key_is_nowhere_and_a_marked_prompt_only_where_it_is_promised(
    play, tmp_path, caplog, make
):
    caplog.set_level(logging.DEBUG)
    spans, told = InMemorySpanExporter(), []
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    log, report = tmp_path / "calls.db", tmp_path / "report.html"
    address = "base_url" if make is ChatHolySheep else "api_base"
    echo = f"{key()} does not like {PROMPT}"
    scripts = play(faults=[refuse(503), cut(9)]), play(faults=[refuse(401, message=echo)])
    models = [
        make(
            model="gpt-4.1",
            api_key=key(),
            **{address: script.base_url},
            default_headers={"x-token": HEADER},
            event_log=log,
            journal=f"sqlite:///{tmp_path}/answers.db",
            observers=[OpenTelemetry(tracer_provider=tracers)],
            on_event=told.append,
        )
        for script in scripts
    ]

    def ask(model):
        text = model.invoke(PROMPT) if make is ChatHolySheep else model.complete(PROMPT)
        return text.text

    with cassette(tmp_path / "refused.yaml"), pytest.raises(HolySheepError) as caught:
        ask(models[1])
    ask(models[0])
    assert scripts[0].requests[0].headers["authorization"] == f"Bearer {key()}"
    with closing(sqlite3.connect(log)) as database:  # it is written off a call's way
        while database.execute("SELECT count(*) FROM calls").fetchone() != (2,):
            time.sleep(0.02)
    command = [sys.executable, "-m", "holysheep_core.cli", "report", "--log", log, "--html", report]
    subprocess.run(command, check=True, capture_output=True)
    chain, errors = caught.value, repr(pickle.dumps(caught.value))
    while chain is not None:
        errors += f"{chain!r} {chain} {vars(chain)}"
        chain = chain.__cause__ or chain.__context__
    without_text = {
        "log": caplog.text + "".join(str(vars(record)) for record in caplog.records),
        "spans": "".join(span.to_json() for span in spans.get_finished_spans()),
        "events": repr(told),
        "event log": "".join(map(str, bytes_of(tmp_path, "calls.db*"))),
        "report": report.read_text(encoding="utf-8"),
        "models": "".join(f"{m!r} {m} {m.model_dump()} {m.to_json()}" for m in models),
    }
    with_text = {
        "errors": errors,  # the server's words, which quote the prompt
        "journal": "".join(map(str, bytes_of(tmp_path, "answers.db*"))),
        "cassette": (tmp_path / "refused.yaml").read_text(encoding="utf-8"),
    }
    for name, said in {**without_text, **with_text}.items():
        assert said, name
        assert key() not in said, name
        assert HEADER not in said, name
    assert [name for name, said in without_text.items() if PROMPT in said] == []
    assert [name for name, said in with_text.items() if PROMPT not in said] == []


def bytes_of(folder, pattern):
    return [path.read_bytes() for path in sorted(folder.glob(pattern))]


# -- headers of one's own -------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["refused", "cut"])
def test_headers_of_your_own_are_in_no_error(play, fault):
    echo = reply(status=401, headers={}, body=f'{{"error": {{"message": "bad {HEADER}"}}}}')
    faults = [echo] if fault == "refused" else [cut(0, times=None)]
    handler = StreamingRetryHandler(
        key(),
        base_url=play(faults=faults).base_url,
        default_headers={"x-token": HEADER, "x-flag": "1"},
        max_retries=0,
        fallback_models=[],
    )
    with pytest.raises(HolySheepError) as caught:
        handler.complete("gpt-4.1", ASK)
    chain, seen = caught.value, ""
    while chain is not None:
        request = getattr(chain, "_request", None)
        seen += f"{chain!r} {vars(chain)} {dict(request.headers) if request else ''}"
        chain = chain.__cause__
    assert HEADER not in seen
    assert key() not in seen
    handler.close()
