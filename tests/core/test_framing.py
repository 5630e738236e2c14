"""The chunk joiner, with h11 as the judge: it must see the same answer, in fewer pieces."""

import h11
import pytest

from holysheep_core.framing import ChunkJoiner

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKS = [chunk(b"data: {1}\n\n"), chunk(b"\r\n0\r\n\r\n"), chunk("양".encode()), chunk(b"x" * 300)]
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


def judged(pieces):
    """Return what h11 makes of it: heads, body, and how it ended."""
    client, seen, body = h11.Connection(h11.CLIENT), [], b""
    client.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    try:
        for piece in [*pieces, b""]:
            client.receive_data(piece)
            while (event := client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Data):
                    body += event.data
                else:
                    seen.append(event)
                if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                    return seen, body
    except h11.RemoteProtocolError:
        seen.append("no HTTP")
    return seen, body


def joined(pieces):
    joiner = ChunkJoiner()
    out = [handed for piece in pieces if piece and (handed := joiner.feed(piece))]
    return [*out, held] if (held := joiner.flush()) else out


@pytest.mark.parametrize("name", ANSWERS)
def test_h11_sees_the_same_answer_wherever_reads_split_it(name):
    answer = ANSWERS[name]
    expected = judged([answer])
    for at in range(len(answer) + 1):
        assert judged(joined([answer[:at], answer[at:]])) == expected, at
    assert judged(joined([answer[at : at + 1] for at in range(len(answer))])) == expected
    assert judged(joined([answer[at : at + 7] for at in range(0, len(answer), 7)])) == expected


def test_chunks_of_one_read_become_one():
    joiner = ChunkJoiner()
    assert joiner.feed(HEAD + BODY) == HEAD + chunk(
        b"".join(part.split(b"\r\n", 1)[1][:-2] for part in CHUNKS)
    )
    assert joiner.feed(BODY[:-9]).startswith(
        b"%x\r\n" % len("data: {1}\n\n\r\n0\r\n\r\n양".encode())
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_nothing_of_a_chunk_is_held_back(name):
    answer = ANSWERS[name]
    for at in range(1, len(answer)):
        joiner = ChunkJoiner()
        handed = [
            joiner.feed(answer[: at // 2]) if at // 2 else b"",
            joiner.feed(answer[at // 2 : at]),
        ]
        assert judged(filter(None, handed))[1] == judged([answer[:at]])[1], at


def test_each_answer_on_a_connection_starts_anew():
    joiner = ChunkJoiner()
    once = joiner.feed(HEAD + BODY + END)
    assert len(once) < len(HEAD + BODY + END)
    joiner.request_sent()
    assert joiner.feed(HEAD + BODY + END) == once


def test_a_head_without_an_end_is_left_alone():
    joiner = ChunkJoiner()
    for _ in range(80):
        assert joiner.feed(b"x" * 1024) == b"x" * 1024
    assert joiner.feed(b"\r\n\r\n" + BODY) == b"\r\n\r\n" + BODY
