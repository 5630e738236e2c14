"""Streams as real servers send them, byte for byte over sockets, through every interface.

`samples/streams.json`: each answer is what a socket sends for one request, one after the other
(the last repeats), and then closes.
"""

import asyncio
import json
import re
import socket
import threading
import time
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage
from llama_index.core.llms import ChatMessage

import holysheep_core as core
from holysheep_core import ResumeConfig, StreamingRetryHandler, Timeouts
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK

CASES = json.loads((Path(__file__).parents[1] / "samples" / "streams.json").read_text())["cases"]
FOX, GOOD, HELLO = (
    "The quick brown fox jumps over the lazy dog.",
    "All good, recovered answer.",
    "Hello world.",
)
DELETE = ("delete_all", {"x": "/data"})
EXPECTED = {
    "gateway writes usage and [DONE] after its upstream was cut": (FOX, [], 2),
    "name of a call came, then [DONE]": ("", [DELETE], 2),
    "name of a call, finish MAX_TOKENS": (core.TokenLimitError, "", 1),
    "finish_reason stop in every chunk, 0.8 s apart": ("One two three.", [], 1),
    "finish_reason abort in mid-answer": (FOX, [], 2),
    "finish_reason network_error in mid-answer": (FOX, [], 2),
    "continue_on_length, finish MAX_TOKENS": (FOX, [], 2),
    "two answers in one stream (gateway failed over)": (
        "Once upon a time there was a sheep.",
        [],
        1,
    ),
    "<think> in content, cut in the answer": (
        "<think>The user wants a story.</think>Once upon a time there was a sheep.",
        [],
        2,
    ),
    "event: error, flat body in mid-answer, then [DONE]": (FOX, [], 2),
    "object error in mid-answer, then [DONE]": (FOX, [], 2),
    "detail in mid-answer, then [DONE]": (FOX, [], 2),
    "code, msg, success:false before any content": (GOOD, [], 2),
    "a ping comment, then a bare JSON error without money": (core.QuotaExceededError, "", 1),
    "arguments of a call come for longer than the stall clock": (
        "",
        [("pay", {"x": "word " * 10})],
        1,
    ),
    "usage is []": (HELLO, [], 1),
    "delta is [] in the last chunk (PHP)": (HELLO, [], 1),
    "server-sent events under application/json": (HELLO, [], 1),
    "a whole JSON answer under text/event-stream": (HELLO, [], 1),
    "two calls, both index 0 and id ''": (
        "",
        [("get_weather", {"x": "Seoul"}), ("get_weather", {"x": "Busan"})],
        1,
    ),
    "index 0 and 1 with the same id": ("", [("get_weather", {}), DELETE], 1),
    "a new id in each delta of one call": ("", [("get_weather", {"x": "Seoul"})], 1),
    "the tool's name in pieces": ("", [("get_weather", {"x": "Seoul"})], 1),
    "arguments are the text null": ("", [("get_time", {})], 1),
    "a raw newline inside a string of the arguments": ("", [("pay", {"x": "a\nb"})], 1),
    "status 520 once": (GOOD, [], 2),
    "status 524 once": (GOOD, [], 2),
    "429 without money: insufficient_user_quota": (core.QuotaExceededError, "", 1),
    "context too long: prompt is too long: 208310 tokens ": (core.ContextLengthError, "", None),
    "Google's list body with RetryInfo": (GOOD, [], 2),
    "usage is {}": (HELLO, [], 1),
    "an emoji split over two reasoning deltas": (HELLO, [], 1),
}


class Server:
    """Plays a case's answers to one connection after the other."""

    def __init__(self, answers):
        self._answers = answers
        self.requests = 0
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            data = b""
            while b"\r\n\r\n" not in data:
                data += connection.recv(65536)
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
            while len(body) < length:
                body += connection.recv(65536)
            answer = self._answers[min(self.requests, len(self._answers) - 1)]
            self.requests += 1
            for piece in answer:
                time.sleep(piece["after_s"])
                connection.sendall(piece["bytes"].encode())
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)

    def close(self):
        self._socket.close()


def by_handler(settings, url, case):
    with StreamingRetryHandler("k", base_url=url, **settings) as client:
        answer = client.complete(case["model"], ASK, **case["params"])
    return answer.text, [(call.name, json.loads(call.arguments)) for call in answer.tool_calls]


def by_async_handler(settings, url, case):
    async def run():
        async with StreamingRetryHandler("k", base_url=url, **settings) as client:
            return await client.acomplete(case["model"], ASK, **case["params"])

    answer = asyncio.run(run())
    return answer.text, [(call.name, json.loads(call.arguments)) for call in answer.tool_calls]


def by_langchain(settings, url, case):
    retry = settings.pop("config")
    model = ChatHolySheep(
        model=case["model"], api_key="k", base_url=url, retry=retry, fallback_models=[], **settings
    )
    message = model.bind(**case["params"]).invoke([HumanMessage("go")])
    return message.text, [(call["name"], call["args"]) for call in message.tool_calls]


def by_llamaindex(settings, url, case):
    retry = settings.pop("config")
    model = HolySheep(
        model=case["model"], api_key="k", api_base=url, retry=retry, fallback_models=[], **settings
    )
    answer = model.chat([ChatMessage("go")], **case["params"])
    calls = model.get_tool_calls_from_response(answer, error_on_no_tool_call=False)
    return answer.message.content or "", [(call.tool_name, call.tool_kwargs) for call in calls]


@pytest.mark.parametrize("run", [by_handler, by_async_handler, by_langchain, by_llamaindex])
@pytest.mark.parametrize("number", range(len(CASES)))
def test_each_stream_of_a_real_server_reaches_the_reader_as_it_should(number, run):
    case = CASES[number]
    wanted, calls, requests = EXPECTED[case["name"]]
    settings = {"config": core.RetryConfig(base_delay=0.01, jitter=0)}
    if "resume" in case["settings"]:
        settings["resume"] = ResumeConfig(continue_on_length=True)
    if "timeouts" in case["settings"]:
        settings["timeouts"] = Timeouts(connect=3, first_token=1, stall=1, total=30)
    server = Server(case["answers"])
    try:
        if isinstance(wanted, type):
            with pytest.raises(wanted):
                run(settings, server.url, case)
        else:
            assert run(settings, server.url, case) == (wanted, calls)
    finally:
        server.close()
    assert requests in (None, server.requests)
