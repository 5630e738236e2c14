"""Streams as real servers send them, byte for byte over sockets, through every interface.

`samples/streams.json`: each answer is what a socket sends for one request, one after the other
(the last repeats), and then closes.
"""

import json
from pathlib import Path

import pytest

import holysheep_core as core
from holysheep_core import ResumeConfig, Timeouts
from support.raw_server import INTERFACES, RawServer

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


@pytest.mark.parametrize("run", INTERFACES)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_each_stream_of_a_real_server_reaches_the_reader_as_it_should(number, run):
    case = CASES[number]
    wanted, calls, requests = EXPECTED[case["name"]]
    settings = {"config": core.RetryConfig(base_delay=0.01, jitter=0)}
    if "resume" in case["settings"]:
        settings["resume"] = ResumeConfig(continue_on_length=True)
    if "timeouts" in case["settings"]:
        settings["timeouts"] = Timeouts(connect=3, first_token=1, stall=1, total=30)
    server = RawServer(case["answers"])
    try:
        if isinstance(wanted, type):
            with pytest.raises(wanted):
                run(settings, server.url, case)
        else:
            assert run(settings, server.url, case) == (wanted, calls)
    finally:
        server.close()
    assert requests in (None, server.requests)
