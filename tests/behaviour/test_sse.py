"""Answers as server-sent events: over real servers, to a parser and to a browser's EventSource."""

import asyncio
import json
import re
import threading
from contextlib import aclosing, closing
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import flask
import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from holysheep_core import (
    SSE_HEADERS,
    ConfigurationError,
    Delta,
    StreamingRetryHandler,
    asse_response,
    sse_response,
)
from holysheep_core.client.sse_events import HEARTBEAT
from holysheep_core.simulator import cut, refuse, stall
from support.browser import Browser
from support.calls import ASK, MODEL
from support.events import parse, text_of
from support.journals import LONG, handler, journal
from support.served import served
from support.waiting import wait_until

ODD = "양 👋🏽 one\u2028two\u2029three\r\nfour\rfive\x85\n\ndata: no\n\nid: 7\n\n" * 12


@pytest.fixture(params=["sync", "async"])
def body(request):
    """Reads a whole body, one way or the other."""

    def read(client, call_id, **settings):
        if request.param == "sync":
            return list(sse_response(client, call_id, **settings))

        async def run():
            return [each async for each in asse_response(client, call_id, **settings)]

        return asyncio.run(run())

    return read


def followed(client):
    """How many answers the client's journal is following."""
    return len(client._journal.followers._followed)


def follower_threads():
    return [each for each in threading.enumerate() if each.name == "holysheep-followers"]


# -- bodies ---------------------------------------------------------------------------------


def test_an_answer_is_sent_whole_through_cuts(play, url, name, body):
    client = handler(play(text=ODD, delay=0.0005, faults=[cut(30), cut(80)]), journal(url))
    client.start(MODEL, ASK, call_id=name)
    pieces = body(client, name)
    assert pieces[0] == b"retry: 1000\n\n"
    assert all(each.endswith(b"\n\n") for each in pieces), "whole events"
    events = parse(pieces)
    assert text_of(events) == ODD
    kind, last, end = events[-1]
    assert (kind, last) == ("done", f"{name}:{len(ODD)}")
    assert end["finish_reason"] == "stop"
    assert end["resumes"] == 2


def test_a_reader_goes_on_after_every_character(play, url, name, body):
    client = handler(play(text="양 👋🏽\r\nx"), journal(url))
    client.complete(MODEL, ASK, call_id=name)
    whole = "양 👋🏽\r\nx"
    for offset in range(len(whole) + 1):
        events = parse(body(client, name, last_event_id=f"{name}:{offset}"))
        assert text_of(events) == whole[offset:]
        assert events[-1][0] == "done"


@pytest.mark.parametrize("wrong", ["another:3", "garbage", "{name}:99999", "{name}:1;2"])
def test_an_id_that_is_not_the_answers_is_an_error_event(play, url, name, body, wrong):
    client = handler(play(text="Hi"), journal(url))
    client.complete(MODEL, ASK, call_id=name)
    [(kind, _, data)] = parse(body(client, name, last_event_id=wrong.format(name=name)))
    assert (kind, data["type"]) == ("error", "JournalError")


def test_an_unknown_answer_is_an_error_event(play, url, body):
    client = handler(play(), journal(url))
    [(kind, _, data)] = parse(body(client, "nobody"))
    assert (kind, data["type"]) == ("error", "JournalError")
    assert "no answer called" in data["message"]


def test_an_answer_that_failed_says_why(play, url, name, body):
    client = handler(play(faults=[refuse(400, message="too odd", times=None)]), journal(url))
    client.start(MODEL, ASK, call_id=name)
    [(kind, _, data)] = parse(body(client, name))
    assert (kind, data["type"]) == ("error", "BadRequestError")
    assert "too odd" in data["message"]


def test_a_stopped_answer_ends_with_an_error_after_its_text(play, url, name, body):
    client = handler(play(text=LONG, faults=[stall(60)]), journal(url))
    client.start(MODEL, ASK, call_id=name)
    wait_until(lambda: journal(url).read(name).pieces)
    client.stop(name)
    events = parse(body(client, name))
    assert LONG.startswith(text_of(events))
    assert events[-1][0] == "error"
    assert events[-1][2]["type"] == "AnswerStoppedError"


def test_tool_calls_and_reasoning_are_sent_once_each(play, url, name, body):
    calls = [("look", '{"at": "양"}')]
    script = play(text="See. ", reasoning="Hm, sheep.", tool_calls=calls)
    client = handler(script, journal(url))
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    client.complete(MODEL, ASK, call_id=name, tools=tools)
    events = parse(body(client, name))
    assert "".join(data.get("reasoning", "") for _, _, data in events) == "Hm, sheep."
    [call] = events[-1][2]["tool_calls"]
    assert (call["name"], json.loads(call["arguments"])) == ("look", {"at": "양"})
    again = parse(body(client, name, last_event_id=f"{name}:2+10"))
    assert again[0][2] == {"text": "e. "}


@pytest.mark.parametrize("silent", [0, 60], ids=["from the beginning", "in the middle"])
def test_comments_come_while_the_upstream_is_silent(play, url, name, body, silent):
    script = play(text=LONG, faults=[stall(silent, 1.0)])
    client = handler(script, journal(url))
    client.start(MODEL, ASK, call_id=name)
    pieces = body(client, name, heartbeat=0.1)
    assert pieces.count(HEARTBEAT) >= 4
    assert text_of(parse(pieces)) == LONG


def test_settings_are_checked_at_once(play, url, name):
    client = handler(play(), journal(url))
    for send in (sse_response, asse_response):
        with pytest.raises(ConfigurationError, match="no journal"):
            send(StreamingRetryHandler("k"), name)
        with pytest.raises(ConfigurationError, match="heartbeat"):
            send(client, name, heartbeat=0)


# -- a reader who leaves --------------------------------------------------------------------


@pytest.fixture
def silent(play, url, name):
    """A client whose answer has begun, and does not go on."""
    client = handler(play(text=LONG, faults=[stall(60)]), journal(url))
    client.start(MODEL, ASK, call_id=name)
    yield client
    client.stop(name)


@pytest.mark.parametrize("pieces", [0, 1, 2, 4])
def test_a_closed_body_leaves_nothing(silent, name, pieces):
    with closing(sse_response(silent, name, heartbeat=0.05)) as body:
        for _ in range(pieces):
            next(body)
    assert not followed(silent)
    wait_until(lambda: not follower_threads())


@pytest.mark.parametrize("pieces", [0, 1, 2, 4])
async def test_a_closed_async_body_leaves_nothing(silent, name, pieces):
    async with aclosing(asse_response(silent, name, heartbeat=0.05)) as body:
        for _ in range(pieces):
            await anext(body)
    assert not followed(silent)
    assert len(asyncio.all_tasks()) == 1


async def test_a_cancelled_body_leaves_nothing(silent, name):
    async def read():
        async with aclosing(asse_response(silent, name)) as body:
            async for _ in body:
                pass

    task = asyncio.create_task(read())
    await asyncio.to_thread(wait_until, lambda: followed(silent))
    await asyncio.sleep(0.1)  # it waits for a piece
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not followed(silent)


# -- servers --------------------------------------------------------------------------------


def fastapi_app(client):
    app = FastAPI()

    @app.get("/answers/{call_id}/events")
    async def events(call_id: str, request: Request):
        last = request.headers.get("last-event-id")
        body = asse_response(client, call_id, last_event_id=last, heartbeat=0.1, retry=0.05)
        return StreamingResponse(body, media_type="text/event-stream", headers=SSE_HEADERS)

    @app.get("/", response_class=HTMLResponse)
    def page():
        return "<p>"

    return app


def flask_app(client):
    app = flask.Flask("events")

    @app.get("/answers/<call_id>/events")
    def events(call_id):
        last = flask.request.headers.get("Last-Event-ID")
        body = sse_response(client, call_id, last_event_id=last, heartbeat=0.1)
        return flask.Response(body, mimetype="text/event-stream", headers=SSE_HEADERS)

    return app


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(params=["fastapi", "flask"])
def address(request, silent):
    """The address of a web application with the answer."""
    if request.param == "fastapi":
        with served(fastapi_app(silent)) as address:
            yield address
        return
    server = make_server("127.0.0.1", 0, flask_app(silent), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_a_browser_that_leaves_is_noticed_at_the_next_heartbeat(address, silent, name):
    with httpx.stream("GET", f"{address}/answers/{name}/events", timeout=10) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        got = response.iter_text()
        while "data" not in next(got):
            pass
        assert followed(silent) == 1
    wait_until(lambda: not followed(silent))
    assert silent.status(name).state == "running", "the answer continues"


PAGE = Path(__file__).parents[2] / "docs/how-to/web-applications.md"


def recipes(script, tmp_path, monkeypatch):
    """The page's programs, each with what it defines."""
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "any")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", script.base_url)
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[:2]:
        defined = {"__name__": "recipe"}
        exec(code, defined)
        yield defined


def test_the_recipes_of_the_page_work(play, tmp_path, monkeypatch):
    script = play(text=ODD, faults=[cut(30)])
    for_fastapi, for_flask = recipes(script, tmp_path, monkeypatch)
    with served(for_fastapi["app"]) as address:
        httpx.post(f"{address}/answers/a", params={"question": "go"}).raise_for_status()
        got = httpx.get(f"{address}/answers/a/events", headers={"Last-Event-ID": "a:3"})
    assert text_of(parse([got.content])) == ODD[3:]
    client = for_flask["app"].test_client()
    assert client.post("/answers/b?question=go").text == "b"
    got = client.get("/answers/b/events", headers={"Last-Event-ID": "b:3"})
    assert text_of(parse([got.data])) == ODD[3:]


def test_the_real_eventsource_reads_it_and_goes_on_where_it_was(play, url, name, tmp_path):
    script = play(text=ODD, delay=0.002, faults=[cut(100)])
    client = handler(script, journal(url))
    client.start(MODEL, ASK, call_id=name)
    app, ids, real = fastapi_app(client), [], client.afollow_deltas

    async def breaking(*args, **settings):
        """The first five responses break off, each a hundred characters after the one before."""
        sent = 0
        async with aclosing(real(*args, **settings)) as deltas:
            async for delta in deltas:
                for text in re.findall(r"(?s).{1,20}", getattr(delta, "text", "")):
                    if len(ids) < 6 and sent >= 100 * len(ids):
                        raise ConnectionAbortedError("as if the network were cut")
                    if isinstance(delta, Delta):
                        sent += len(text)
                        yield Delta(text)
                if not isinstance(delta, Delta):
                    yield delta

    client.afollow_deltas = breaking

    @app.middleware("http")
    async def note(request, following):
        if "events" in request.url.path:
            ids.append(request.headers.get("last-event-id"))
        return await following(request)

    browser = Browser(tmp_path / "home")
    with served(app, log_level="critical") as address, closing(browser):
        tab = browser.open(address)
        tab.wait("document.readyState === 'complete'")
        tab.run(READ.replace("NAME", name))
        assert tab.wait("window.end")["finish_reason"] == "stop"
        assert tab.run("window.got") == ODD
    assert ids[0] is None
    assert len(ids) == 6
    assert [int(each.partition(":")[2]) // 100 for each in ids[1:]] == [1, 2, 3, 4, 5]


READ = """
window.got = "";
const source = new EventSource("/answers/NAME/events");
source.onmessage = ({data}) => { window.got += JSON.parse(data).text };
source.addEventListener("done", ({data}) => { source.close(); window.end = JSON.parse(data) });
"""
