"""The decoder's promise: the same events, however the bytes are split."""

from itertools import pairwise
from pathlib import Path

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.errors import InvalidResponseError
from holysheep_core.protocol.sse import ServerSentEvent, SSEDecoder, server_sent_events

SAMPLES = sorted((Path(__file__).parents[2] / "samples").glob("*.sse"))
STREAMS = [path for path in SAMPLES if b"text/event-stream" in path.read_bytes()]
BOM = b"\xef\xbb\xbf"
CAP = 64


def body_of(raw: bytes) -> bytes:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "sample")]))
    client.send(h11.EndOfMessage())
    client.receive_data(raw)
    body = b""
    while isinstance(event := client.next_event(), (h11.Response, h11.Data)):
        body += event.data if isinstance(event, h11.Data) else b""
    return body


def decode(*pieces: bytes, cap: int = 1 << 20) -> list[ServerSentEvent]:
    decoder = SSEDecoder(cap)
    return [event for piece in pieces for event in decoder.feed(piece)]


def texts(*pieces: bytes) -> list[bytes]:
    return [event.data for event in decode(*pieces)]


def one_by_one(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def test_the_samples_are_there():
    assert len(STREAMS) == 32


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_real_stream_split_at_every_byte_gives_the_same_events(path):
    body = body_of(path.read_bytes())
    whole = decode(body)
    assert whole or path.stem == "new_api_bare_error"  # JSON without "data:" is no event
    for at in range(len(body) + 1):
        assert decode(body[:at], body[at:]) == whole, at


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_real_stream_byte_by_byte_gives_the_same_events(path):
    body = body_of(path.read_bytes())
    assert decode(*one_by_one(body)) == decode(body)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["LF", "CR", "CRLF"])
def test_each_line_ending_ends_lines_at_every_split(end):
    body = end.join([b"data: a", b"data: b", b"", b"data: c", b"", b""])
    for at in range(len(body) + 1):
        assert texts(body[:at], body[at:]) == [b"a\nb", b"c"], at


def test_mixed_line_endings_end_lines_at_every_split():
    body = b"data: a\rdata: b\ndata: c\r\n\rdata: d\n\r\ndata: e\r\r"
    for at in range(len(body) + 1):
        assert texts(body[:at], body[at:]) == [b"a\nb\nc", b"d", b"e"], at


def test_a_crlf_split_between_feeds_is_one_line_ending():
    assert texts(b"data: a\r", b"\ndata: b\r", b"\n", b"\r", b"\n") == [b"a\nb"]


def test_an_empty_feed_inside_a_crlf_changes_nothing():
    assert texts(b"data: a\r", b"", b"\ndata: b\r", b"", b"\n\r\n") == [b"a\nb"]


def test_a_byte_order_mark_at_the_start_is_dropped_at_every_split():
    body = BOM + b"data: a\n\n"
    for at in range(len(body) + 1):
        assert texts(body[:at], body[at:]) == [b"a"], at


def test_only_one_byte_order_mark_is_dropped():
    assert texts(BOM + BOM + b"data: a\n\ndata: b\n\n") == [b"b"]
    assert texts(b"data: a\n\n" + BOM + b"data: b\n\n") == [b"a"]


@pytest.mark.parametrize(
    ("line", "data"),
    [
        (b"data: a", b"a"),
        (b"data:a", b"a"),
        (b"data:  a ", b" a "),
        (b"data:", b""),
        (b"data: ", b""),
        (b"data", b""),
        (b"data: a: b", b"a: b"),
        (
            b"data: \xe2\x80\xa8\xe2\x80\xa9\xc2\x85\x0b\x0c",
            b"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85\x0b\x0c",
        ),
    ],
)
def test_the_value_of_a_data_line_loses_one_leading_space_and_nothing_else(line, data):
    assert texts(line + b"\n\n") == [data]


@pytest.mark.parametrize("line", [b": a", b":", b"datum: a", b" data: a", b"Data: a", b"data : a"])
def test_comments_and_unknown_fields_are_no_data(line):
    assert texts(line + b"\n\n", b"data: b\n" + line + b"\n\n") == [b"b"]


def test_data_lines_are_joined_by_a_newline_empty_ones_too():
    assert texts(b"data: a\ndata\ndata:\ndata: b\n\n") == [b"a\n\n\nb"]


@pytest.mark.parametrize(
    "body", [b"\n\n\n", b"event: ping\n\n", b"id: 1\nretry: 2\n\n", b": hi\n\n"]
)
def test_an_event_without_data_is_none_and_leaves_no_type_behind(body):
    (event,) = decode(body + b"data: a\n\n")
    assert (event.event, event.retry) == ("message", None)


def test_id_event_and_retry_are_read():
    assert decode(b"event: ping\nid: 7\nretry: 1500\ndata: a\n\n") == [
        ServerSentEvent(b"a", "ping", "7", 1500)
    ]


def test_an_id_lasts_until_the_next_one_and_the_type_for_one_event():
    first, second, third = decode(b"event: x\nid: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n")
    assert [first.id, second.id, third.id] == ["7", "7", ""]
    assert [first.event, second.event, third.event] == ["x", "message", "message"]


def test_an_id_with_a_null_is_ignored():
    assert decode(b"id: 7\nid: 8\0\ndata: a\n\n")[0].id == "7"


@pytest.mark.parametrize("value", [b"", b"-1", b"1.5", b"1s", "\u0661".encode(), b" 1"])
def test_a_retry_that_is_not_all_digits_is_ignored(value):
    assert decode(b"retry:" + value + b"x\ndata: a\n\n")[0].retry is None


def test_a_retry_of_absurd_length_does_no_harm():
    assert decode(b"retry: " + b"9" * 10_000 + b"\ndata: a\n\n")[0].retry == 9_999_999_999


@pytest.mark.parametrize("split", [lambda body: [body], one_by_one], ids=["whole", "dripped"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"data: " + b"x" * (CAP - 5) + b"\n\n", id="one byte too long, name included"),
        pytest.param(b"data: " + b"x" * 500 + b"\n\n", id="one long line"),
        pytest.param(b"x" * 500, id="a line that never ends"),
        pytest.param(b"data: 0123456789\n" * 50, id="many data lines"),
        pytest.param(b"data:\n" * 500, id="many empty data lines"),
        pytest.param(b"data\n" * 500, id="many bare data lines"),
        pytest.param(b"event: x\n" * 50, id="many event lines"),
        pytest.param(b"data: a\n\ndata: " + b"x" * 500, id="after a good event"),
    ],
)
def test_an_event_beyond_the_cap_is_refused(body, split):
    with pytest.raises(InvalidResponseError, match="more than 64 bytes"):
        decode(*split(body), cap=CAP)


@pytest.mark.parametrize("split", [lambda body: [body], one_by_one], ids=["whole", "dripped"])
@pytest.mark.parametrize(
    ("body", "events"),
    [
        pytest.param(b"data: " + b"x" * (CAP - 6) + b"\n\n", 1, id="as long as the cap"),
        pytest.param(b"data: 0123456789\n\n" * 50, 50, id="many events"),
        pytest.param(b": keep-alive\n" * 50 + b"data: a\n\n", 1, id="many comments"),
        pytest.param(b"event: ping\n\n" * 50 + b"data: a\n\n", 1, id="many events without data"),
        pytest.param(b"\n" * 500 + b"data: a\n\n", 1, id="many blank lines"),
    ],
)
def test_the_cap_is_on_one_event_and_not_on_the_stream(body, events, split):
    assert len(decode(*split(body), cap=CAP)) == events


def test_flush_offers_an_event_whose_blank_line_is_missing_at_every_cut():
    body = b'data: {"a":1}\n\n'
    for at in range(len(b"data: "), len(body) - 1):
        decoder = SSEDecoder()
        assert decoder.feed(body[:at]) == []
        assert [event.data for event in decoder.flush()] == [body[6:at].rstrip(b"\n")]


@pytest.mark.parametrize("body", [b"", b"data: a\n\n", b": hi", b"event: x", BOM, b"dat"])
def test_flush_makes_up_no_event(body):
    decoder = SSEDecoder()
    decoder.feed(body)
    assert decoder.flush() == []


def test_flush_drops_a_byte_order_mark_and_offers_an_event_once():
    decoder = SSEDecoder()
    decoder.feed(BOM + b"data: a")
    assert [event.data for event in decoder.flush()] == [b"a"]
    assert decoder.flush() == []


def test_events_are_counted_and_nothing_else_is():
    decoder = SSEDecoder()
    decoder.feed(b": hi\n\nevent: ping\n\ndata: a\n\ndata: b\n\ndata: c")
    assert decoder.events_seen == 2


FRAGMENTS = [b"data", b"event", b"id", b"retry", b":", b" ", b"\r", b"\n", b"\r\n", b"\n\n", BOM]
BODIES = st.lists(
    st.sampled_from([*FRAGMENTS, b"\xef", b"\0", b"7", b"\xe2\x80\xa8", "양".encode()])
    | st.binary(),
    max_size=40,
).map(b"".join)


def split(body: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    return [body[a:b] for a, b in pairwise(ends)]


@given(BODIES, st.lists(st.integers(0, 10_000), max_size=20))
def test_any_bytes_split_anywhere_give_the_same_events(body, cuts):
    whole, pieces = SSEDecoder(), SSEDecoder()
    expected = whole.feed(body) + whole.flush()
    got = [event for piece in split(body, cuts) for event in pieces.feed(piece)]
    assert got + pieces.flush() == expected


@given(BODIES, st.lists(st.integers(0, 10_000), max_size=20), st.integers(1, 30))
def test_no_bytes_raise_anything_but_the_refusal_of_a_huge_event(body, cuts, cap):
    decoder = SSEDecoder(cap)
    try:
        for piece in split(body, cuts):
            decoder.feed(piece)
        decoder.flush()
    except InvalidResponseError as error:
        assert "event of more than" in str(error)


def test_server_sent_events_decodes_pieces_as_they_come():
    pieces = iter([b"data: a\n\nda", b"ta: b\n\n", b"data: c"])
    stream = server_sent_events(pieces)
    assert next(stream).data == b"a"
    assert next(pieces) == b"ta: b\n\n"


def test_server_sent_events_keeps_to_the_standard_at_the_end_and_to_the_cap():
    assert [e.data for e in server_sent_events([b"data: a\n\n", b"data: b"])] == [b"a"]
    with pytest.raises(InvalidResponseError):
        list(server_sent_events([b"data: aaaa\n\n"], max_event_bytes=3))


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_payloads_are_the_data_of_what_feed_returns_however_the_body_is_split(ends):
    body = (
        "data: {1}\n\n: ping\n\ndata: a\ndata: b\n\nevent: x\ndata: 양\n\ndata:c\n\n"
        "data: {2}\n\ndata: {3}\n\nid: 7\n\ndata: [DONE]\n\n"
    )
    raw = body.replace("\n", ends).encode()
    whole = [event.data for event in decode(raw)]
    for at in range(len(raw) + 1):
        decoder = SSEDecoder()
        assert decoder.payloads(raw[:at]) + decoder.payloads(raw[at:]) == whole
        assert decoder.events_seen == len(whole)


def test_a_payload_beyond_the_cap_is_refused_like_an_event():
    with pytest.raises(InvalidResponseError):
        SSEDecoder(50).payloads(b"data: " + b"x" * 60 + b"\n\n")


# -- what servers of JSON write beside the standard ----------------------------------------------

A, B, C = b'{"a":"}{"}', b'{"b":"\\n"}', b"[DONE]"
INDENTED = b'data: {\n  "a": [\n    {"x": 1}\n  ]\n}\n\n'
BESIDE = {
    "no line between": (b"data: " + A + b"\ndata: " + B + b"\ndata: " + C + b"\n", [A, B, C]),
    "no line, no space": (b"data:" + A + b"\ndata:" + B + b"\ndata:" + C + b"\n", [A, B, C]),
    "no line at the end either": (b"data: " + A + b"\ndata: " + B, [A, B]),
    "no line before the mark": (b"data: " + A + b"\ndata: " + C + b"\n\n", [A, C]),
    "bare behind data": (b"data: " + A + b"\n" + B + b"\n", [A, B]),
    "bare": (A + b"\n" + B + b"\n", [A, B]),
    "llama.cpp's errors": (b"data: " + A + b"\n\nerror: " + B + b"\n\n", [A, B]),
    "an error without a line before": (b"data: " + A + b"\nerror: " + B + b"\n\n", [A, B]),
    "indented": (INDENTED, [INDENTED[6:-2]]),
    "indented, with the field's name": (
        b"data: {\ndata:  " + A[1:-1] + b"\ndata: }\n\n",
        [b"{\n " + A[1:-1] + b"\n}"],
    ),
    "indented and bare": (b": PING\n\n" + INDENTED[6:], [INDENTED[6:-2]]),
    "unknown fields": (b"data: " + A + b"\nfoo: bar\n<b>\n\n", [A]),
    "two lines of text": (b"data: a}\ndata: b\n\n", [b"a}\nb"]),
    "a list over two lines": (
        b"data: [" + A + b",\ndata: " + B + b"]\n\n",
        [b"[%s,\n%s]" % (A, B)],
    ),
}


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", BESIDE)
def test_json_is_read_beside_the_standard_at_every_split(name, end):
    body, values = BESIDE[name]
    body = body.replace(b"\n", end)
    for at in range(len(body) + 1):
        decoder = SSEDecoder(bare_json=True)
        events = [*decoder.feed(body[:at]), *decoder.feed(body[at:]), *decoder.flush()]
        assert [event.data for event in events] == values


def test_an_event_without_a_line_behind_it_comes_with_the_next():
    decoder = SSEDecoder(bare_json=True)
    assert decoder.feed(b"data: " + A + b"\n") == []
    assert [event.data for event in decoder.feed(b"data: " + B + b"\n")] == [A]
    assert [event.data for event in decoder.feed(b"data: " + C + b"\n")] == [B, C]
    assert decoder.feed(b"\n") == []


def test_a_type_belongs_to_the_event_that_it_stands_before():
    decoder = SSEDecoder(bare_json=True)
    body = b"event: x\ndata: " + A + b"\nevent: error\ndata: " + B + b"\n\ndata: " + A + b"\n\n"
    assert [event.event for event in decoder.feed(body)] == ["x", "error", "message"]
    (event,) = decoder.feed(b"error: " + B + b"\n\n")
    assert event.event == "error"


def test_by_the_standard_alone_nothing_of_it_is_read():
    assert texts(BESIDE["no line between"][0] + b"\n") == [A + b"\n" + B + b"\n" + C]
    assert texts(BESIDE["llama.cpp's errors"][0]) == [A]
    assert texts(INDENTED) == [b"{"]
