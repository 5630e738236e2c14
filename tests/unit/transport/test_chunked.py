"""Chunked bodies read past h11, with h11 as the judge: what comes out must be the same."""

import h11
import httpcore
import pytest

from holysheep_core.transport.chunked import Dechunker
from holysheep_core.transport.streams import Stream

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


CONTENTS = [b"data: {1}\n\n", b"\r\n0\r\n\r\n", "양".encode(), b"x" * 300]
CHUNKS = [chunk(content) for content in CONTENTS]
BODY = b"".join(CHUNKS)
END = b"0\r\n\r\n"
ANSWERS = {
    "whole": HEAD + BODY + END,
    "with trailers": HEAD + BODY + b"0\r\nx-sum: 1\r\n\r\n",
    "with an extension": HEAD + CHUNKS[0] + b"3;a=b\r\nabc\r\n" + BODY + END,
    "upper case sizes": HEAD + b"0A\r\n0123456789\r\n" + b"0A\r\n0123456789\r\n" + BODY + END,
    "cut in a chunk": HEAD + BODY + CHUNKS[3][:50],
    "cut in a size": HEAD + BODY + b"12",
    "cut after a size": HEAD + BODY + b"12\r\n",
    "size is no number": HEAD + BODY + b"zz\r\nabc\r\n" + BODY,
    "size with a sign": HEAD + BODY + b"+3\r\nabc\r\n" + END,
    "size with an underscore": HEAD + BODY + b"1_0\r\n0123456789abcdef\r\n" + END,
    "size of another base": HEAD + BODY + b"0x3\r\nabc\r\n" + END,
    "huge size": HEAD + BODY + b"1234567890abcdef\r\nabc",
    "chunk longer than said": HEAD + BODY + b"3\r\nabcd\r\n" + END,
    "bytes after the end": HEAD + BODY + END + b"HTTP/1.1 200 OK\r\n\r\n",
    "of a given length": b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY,
    "until it closes": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    "of HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + BODY + END,
    "another coding": HEAD.replace(b": chunked", b": gzip, chunked") + BODY + END,
    "refused": HEAD.replace(b"200", b"429") + BODY + END,
    "after a hint": b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + HEAD + BODY + END,
    "no HTTP": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + BODY,
}


class Wire(httpcore.NetworkStream):
    """A connection on which each read brings the next piece."""

    def __init__(self, pieces):
        self.pieces = list(filter(None, pieces))

    def read(self, max_bytes, timeout=None):
        return self.pieces.pop(0) if self.pieces else b""

    def write(self, buffer, timeout=None):
        pass

    def close(self):
        pass


def judged(stream, *, past_h11):
    """Return what comes of an answer: heads, body, and how it ended."""
    client, seen, body = h11.Connection(h11.CLIENT), [], b""
    client.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    stream.write(b"")
    try:
        while True:
            event = client.next_event()
            if event in (h11.NEED_DATA, h11.PAUSED):
                client.receive_data(stream.read(65536))
                continue
            if isinstance(event, h11.Data):
                body += event.data
                continue
            seen.append(event)
            if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                return seen, body
            if past_h11 and isinstance(event, h11.Response):
                while data := stream.read_body(None):
                    body += data
    except h11.RemoteProtocolError:
        return [*seen, "no HTTP"], body


def splits(answer):
    yield from ([answer[:at], answer[at:]] for at in range(len(answer) + 1))
    for size in (1, 7):
        yield [answer[at : at + size] for at in range(0, len(answer), size)]


@pytest.mark.parametrize("past_h11", [True, False])
@pytest.mark.parametrize("name", ANSWERS)
def test_the_answer_is_what_h11_says_it_is_wherever_reads_split_it(name, past_h11):
    expected = judged(Wire([ANSWERS[name]]), past_h11=False)
    for pieces in splits(ANSWERS[name]):
        assert judged(Stream(Wire(pieces)), past_h11=past_h11) == expected, pieces


def plain(*pieces):
    stream = Stream(Wire([HEAD, *pieces]))
    stream.write(b"")
    assert stream.read(65536) == HEAD
    return stream


def test_the_chunks_of_one_read_come_at_once():
    assert plain(BODY).read_body(None) == b"".join(CONTENTS)


@pytest.mark.parametrize("at", range(1, len(BODY)))
def test_nothing_of_a_chunk_is_held_back(at):
    # What h11 would have made of so many bytes is out before the next read.
    stream = plain(BODY[:at], BODY[at:])
    h11_has = judged(Wire([HEAD + BODY[:at]]), past_h11=False)[1]
    if h11_has:
        assert stream.read_body(None) == h11_has


def test_h11_sees_an_answer_without_a_body():
    stream = plain(BODY + END)
    assert stream.read_body(None) == b"".join(CONTENTS)
    assert stream.read_body(None) == b""
    assert stream.read(65536) == END


def test_each_answer_on_a_connection_starts_anew():
    stream = plain(BODY + END, HEAD + BODY)
    stream.read_body(None)
    stream.read(65536)
    stream.write(b"")
    assert stream.read(65536) == HEAD
    assert stream.read_body(None) == b"".join(CONTENTS)


def test_a_head_without_an_end_is_left_alone():
    chunks = Dechunker()
    for _ in range(80):
        assert chunks.take_head(b"x" * 1024) == b"x" * 1024
        if not chunks.in_head:
            break
    assert not chunks.in_head
    assert not chunks.plain
