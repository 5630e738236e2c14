"""What is fuzzed: one function for each room that reads what a stranger wrote.

Each takes bytes and raises if a promise is broken. `python tests/fuzz sse` lets atheris look for
such bytes; `test_corpus.py` replays those that once led somewhere new, without atheris.
"""

import codecs
from itertools import pairwise

import h11
import httpcore
import msgspec
from httpx_sse._decoders import SSEDecoder as PeerDecoder

from holysheep_core.errors import HolySheepError, InvalidResponseError
from holysheep_core.protocol.response import ResponseDecoder
from holysheep_core.protocol.sse import SSEDecoder
from holysheep_core.protocol.tool_calls import ToolCallAssembler
from holysheep_core.resume.normalize import has_words
from holysheep_core.resume.seen import choose_anchor, is_provable
from holysheep_core.resume.stitcher import Stitcher
from holysheep_core.transport.streams import Stream

BOM = codecs.BOM_UTF8
CAP = 4096


def halves(data: bytes) -> tuple[bytes, bytes]:
    """Return where to split (up to eight bytes, after a first one that counts them) and the rest.

    Fuzzers are good at bytes: a few at the front say what a list of numbers would.
    """
    count = data[0] % 9 if data else 0
    return data[1 : 1 + count], data[1 + count :]


def split(body: bytes, cuts: bytes) -> list[bytes]:
    """Split a body; a cut is in its 255ths, or a whole number of bytes where it is short."""
    ends = {cut * len(body) // 255 if len(body) > 255 else cut % (len(body) + 1) for cut in cuts}
    return [body[a:b] for a, b in pairwise(sorted({0, len(body), *ends}))]


def sse(data: bytes) -> None:
    """Any split gives the events of the whole, and httpx-sse agrees where both are defined."""
    cuts, body = halves(data)
    whole, pieces, plain = SSEDecoder(CAP), SSEDecoder(CAP), SSEDecoder(CAP)
    try:
        expected = whole.feed(body)
        ended = whole.flush()
    except InvalidResponseError:
        return  # where the cap strikes depends on the split: it looks at what is pending
    got = [event for piece in split(body, cuts) for event in pieces.feed(piece)]
    assert got == expected
    assert pieces.flush() == ended
    payloads = [payload for piece in split(body, cuts) for payload in plain.payloads(piece)]
    assert payloads == [event.data for event in expected]
    assert plain.events_seen == len(expected)
    if (peers := by_httpx_sse(body)) is not None:
        ours = [(e.event, e.data.decode(), e.id, e.retry) for e in expected]
        assert ours == peers


def by_httpx_sse(body: bytes) -> list[tuple[str, str, str, int | None]] | None:
    """Return the events httpx-sse reads in a body; None where the two differ by intention.

    - A CR alone ends a line here, as in the standard; there it is not always seen as one.
    - A byte order mark and ill-formed UTF-8 are the decoder's business here, its caller's there.
    - Of an event without data, httpx-sse hands out id, type and retry; by the standard it is none.
    - `retry` is read by `int` there, which takes "+1", "1_0" and the digits of other scripts;
      here it is cut after ten digits.
    """
    if body.startswith(BOM) or b"\r" in body.replace(b"\r\n", b""):
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    peer, events = PeerDecoder(), []
    # Its own splitting is not asked: its caller's is `iter_lines`, which ends lines at U+2028.
    for line in text.replace("\r\n", "\n").split("\n")[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "retry":
            if not (value.isascii() and value.isdecimal()):
                continue
            value = value[:10]
        had_data = bool(peer._data)
        event = peer.decode(f"{name}:{value}" if name == "retry" else line)
        if event is not None and had_data:
            events.append((event.event, event.data, event.id, event.retry))
    return events


_EVENTS = (
    b'{"choices":[{"delta":{"content":"%b"}}]}',
    b'{"choices":[{"delta":{"reasoning":"%b"}}]}',
    b'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"%b"}}]}}]}',
    b'{"choices":[{"delta":{},"finish_reason":"%b"}]}',
    b'{"error":{"message":"%b"}}',
    b'{"error":"%b"}',
    b'{"choices":[],"usage":{"prompt_tokens":"%b"}}',
    b'{"type":"response.output_text.delta","delta":"%b"}',
    b"[DONE]%b",
    b"%b",
)
"""Shapes to begin with: a fuzzer finds its way through JSON slowly."""
_KINDS = ("text/event-stream", "application/json", "text/html", "")
_STATUSES = (200, 200, 200, 204, 429, 500)


def response(data: bytes) -> None:
    """Whatever an answer says, only typed errors come of it, and the same ones for any split.

    Bytes: a kind, a status, cuts, then events, divided by 0xFF: a shape's number, and its text.
    """
    kind, status = _KINDS[(data[:1] or b"\0")[0] % 4], _STATUSES[(data[1:2] or b"\0")[0] % 6]
    cuts, rest = halves(data[2:])
    events = [
        _EVENTS[part[0] % len(_EVENTS)].replace(b"%b", part[1:])
        for part in rest.split(b"\xff")
        if part
    ]
    stream = b"".join(b"data: " + event.replace(b"\n", b"\ndata: ") + b"\n\n" for event in events)
    body = stream if kind != "application/json" else b"".join(events)
    whole, pieces = (_read(status, kind, parts) for parts in ([body], split(body, cuts)))
    assert whole == pieces
    text, thought, _, calls, _ = whole
    assert len(text) + len(thought) <= 3 * len(body)
    assert (text + thought + repr(calls)).encode()


def _read(status: int, kind: str, parts: list[bytes]) -> tuple[str, str, str, object, object]:
    decoder, got = ResponseDecoder(max_event_bytes=256 * CAP), []
    failure: HolySheepError | None
    try:
        decoder.receive_response(status, {"content-type": kind})
        for part in parts:
            got += decoder.receive_data(part)
            if decoder.complete:
                break
        else:
            got += decoder.receive_eof()
        failure = decoder.failure()
    except HolySheepError as error:
        failure = error
    if isinstance(failure, InvalidResponseError):
        return "", "", "InvalidResponseError", (), None  # what came before it depends on the split
    assert failure is None or (str(failure).encode() and repr(failure).encode())
    tools = decoder.tools or ToolCallAssembler()
    limited, ended = decoder.finish_reason == "length", decoder.finish_reason is not None
    calls, _ = tools.finish(limited=limited, ended=ended)
    for call in calls:
        assert isinstance(msgspec.json.decode(call.arguments), dict)
    if failure is None:
        assert decoder.finish_reason or decoder.done
    text, thought = ("".join(part) for part in zip(*got, strict=True)) if got else ("", "")
    return text, thought, type(failure).__name__, calls, decoder.finish_reason


def stitcher(data: bytes) -> None:
    """A text cut anywhere and continued obediently, or replayed, is that text or is rejected.

    Bytes: where to cut, the size of the continuation's pieces, and the text.
    """
    if len(data) < 3:
        return
    text = data[2:].decode(errors="ignore")
    seen = text[: data[0] * len(text) // 255]
    if not is_provable(seen):
        return  # the request goes out again: another technique
    rest, size = text[len(seen) :], data[1] % 16 + 1
    anchor = choose_anchor(seen, 32)
    assert seen.endswith(anchor)
    _joined(Stitcher(seen, anchor=anchor), rest, size)  # unproven: whatever comes, no exception
    replayed = _joined(Stitcher(seen, replay=True), text, size)
    # White space and marks at the splice point can be read in several ways.
    if has_words(rest[:1]):
        assert replayed == rest, (seen, rest, replayed)
        obedient = _joined(Stitcher(seen, anchor=anchor, last=True), anchor + rest, size)
        assert obedient in (rest, None), (seen, rest, obedient)


def _joined(stitcher: Stitcher, said: str, size: int) -> str | None:
    pieces = [stitcher.feed(said[i : i + size]) for i in range(0, len(said), size)]
    shown = "".join(pieces) + stitcher.close()
    return None if stitcher.rejected else shown


_HEADS = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"",
)


def chunked(data: bytes) -> None:
    """What is read past h11 is what h11 would have read, however reads split it."""
    head = _HEADS[data[0] % len(_HEADS)] if data else b""
    cuts, body = halves(data[1:])
    expected = judged(Wire([head + body]), past_h11=False)
    for pieces in ([head + body], [head, *split(body, cuts)], split(head + body, cuts)):
        assert judged(Stream(Wire(pieces)), past_h11=True) == expected


class Wire(httpcore.NetworkStream):
    """A connection on which each read brings the next piece."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        pass

    def close(self) -> None:
        pass


def judged(stream, *, past_h11: bool) -> tuple[list[object], bytes]:
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
            elif isinstance(event, h11.Data):
                body += event.data
            else:
                seen.append(event)
                if isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
                    return seen, body
                if past_h11 and isinstance(event, h11.Response):
                    while data := stream.read_body(None):
                        body += data
    except h11.RemoteProtocolError:
        return [*seen, "no HTTP"], body


TARGETS = {target.__name__: target for target in (sse, response, stitcher, chunked)}
