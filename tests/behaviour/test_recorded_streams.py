"""Streams in the form of real servers (`samples/*.sse`), over sockets and through every interface.

Each has a habit of its own: where the usage is, what stands beside the text, how it ends.
"""

from pathlib import Path

import pytest

import holysheep_core as core
from holysheep_core import RetryConfig, StreamingRetryHandler
from holysheep_core.resume.seen import choose_anchor
from support.calls import ASK, MODEL
from support.raw_server import INTERFACES, RawServer
from support.sse import END, said

SAMPLES = Path(__file__).parents[1] / "samples"
ONCE = RetryConfig(base_delay=0.01, jitter=0)


def call(place, **more):
    return [("get_weather", {"place": place, **more})]


# name: text, reasoning, calls, (input, output, cached, reasoning) tokens, kinds of parts
WHOLE = {
    "azure_async_filter": ("Three sheep graze.", "", [], (11, 4, 0, 0), []),
    "gemini_tool": ("", "", call("서울", unit="celsius"), (107, 179, 0, 0), []),
    "gemini_behind_new_api": ("A lamb is a young sheep.", "", [], (9, 41, 0, 34), []),
    "deepseek_thinking": ("Wool is warm.", "The user asks about wool.", [], (14, 12, 8, 7), []),
    "mistral_thinking": (
        "There are three.",
        "Two lambs and an ewe.",
        [],
        (12, 21, 0, 0),
        ["reasoning"],
    ),
    "openrouter_thinking": (
        "Shear them in May.",
        "Shear in May.",
        [],
        (41, 22, 0, 9),
        ["reasoning"],
    ),
    "groq_tool": ("", "", call("Busan"), (218, 16, 0, 0), []),
    "kimi_usage_in_choice": ("양 세 마리.", "Count them.", [], (19, 13, 19, 0), []),
    "perplexity_sources": ("Wool is warm[1].", "", [], (7, 5, 0, 0), ["citation", "citation"]),
    "vllm_reasoning": ("It is fleece.", "Fleece it is.", [], (15, 9, 0, 0), []),
    "qwen_search": ("The fold is open.", "", [], (22, 5, 0, 0), ["citation"]),
    "litellm_thinking_and_image": (
        "Here she is.",
        "A picture of a ewe.",
        [],
        (55, 40, 0, 11),
        ["reasoning", "image"],
    ),
    "xai_sources": ("Ewes bleat.", "", [], (30, 130, 5, 126), ["citation"]),
    "ollama_tool": ("", "Weather.", call("Jeju"), (170, 60, 0, 0), []),
    "llama_server_object_arguments": ("", "", call("Daegu"), (140, 18, 0, 0), []),
    "legacy_text": ("Old form.", "", [], (3, 2, 0, 0), []),
}
TEXT = "The flock is on the hill."
# name: what was shown before the cut, and the whole answer
CUT = {
    "new_api_cut_in_text": ("The flock is on the hi", TEXT),
    "new_api_cut_in_call": ("I will look.", "I will look. There it is."),
    "new_api_bare_error": ("", TEXT),
    "openrouter_error": ("Half a", "Half a loaf of bread."),
    "gateway_error_behind_half_an_event": ("The ram ", "The ram is on the hill."),
}


def answer(name, split=None):
    raw = (SAMPLES / f"{name}.sse").read_bytes()
    size = split or len(raw)
    return [{"after_s": 0, "bytes": raw[at : at + size]} for at in range(0, len(raw), size)]


@pytest.fixture
def serving():
    servers = []

    def serve(*answers):
        servers.append(RawServer(answers))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


@pytest.mark.parametrize("split", [None, 1, 61])
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_stream_gives_text_thoughts_calls_usage_and_parts(serving, name, split):
    text, reasoning, _, usage, kinds = WHOLE[name]
    server = serving(answer(name, split))
    with StreamingRetryHandler("k", base_url=server.url) as client:
        completion = client.complete(MODEL, ASK)
    assert (completion.text, completion.reasoning) == (text, reasoning)
    used = completion.usage
    assert (
        used.input_tokens,
        used.output_tokens,
        used.cached_tokens,
        used.reasoning_tokens,
    ) == usage
    assert not used.estimated
    assert [part.kind for part in completion.parts] == kinds
    assert server.requests == 1


@pytest.mark.parametrize("run", INTERFACES)
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_stream_reaches_the_reader_of_every_interface(serving, name, run):
    text, _, calls, _, _ = WHOLE[name]
    server = serving(answer(name))
    case = {"model": MODEL, "params": {}}
    assert run({"config": ONCE}, server.url, case) == (text, calls)


@pytest.mark.parametrize("run", INTERFACES)
@pytest.mark.parametrize("name", CUT)
def test_a_cut_that_a_gateway_hides_is_resumed(serving, name, run):
    seen, whole = CUT[name]
    begun = choose_anchor(seen, 32) if len(seen) > 16 else seen  # a text that short is replayed
    body = said(begun + whole[len(seen) :]) + END
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    rest = head + b"content-length: %d\r\n\r\n" % len(body) + body
    server = serving(answer(name), [{"after_s": 0, "bytes": rest}])
    case = {"model": MODEL, "params": {}}
    assert run({"config": ONCE}, server.url, case) == (whole, [])
    assert server.requests == 2


@pytest.mark.parametrize("name", CUT)
def test_a_lasting_cut_is_a_typed_error_with_what_was_shown(serving, name):
    server = serving(answer(name))
    with (
        StreamingRetryHandler("k", base_url=server.url, config=ONCE, fallback_models=[]) as client,
        pytest.raises(core.HolySheepError) as caught,
    ):
        client.complete(MODEL, ASK)
    assert caught.value.partial == CUT[name][0]
    assert server.requests > 1


def test_every_recorded_stream_is_held_against_something():
    others = (Path(__file__).parents[1] / "unit/protocol/test_response.py").read_text()
    for path in SAMPLES.glob("*.sse"):
        assert path.stem in {**WHOLE, **CUT} or f'"{path.stem}"' in others, path.name
