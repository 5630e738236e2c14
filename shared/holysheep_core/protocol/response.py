"""One HTTP exchange, from the first byte of its answer to what it meant.

The decoder turns bytes into text, reasoning and pieces of tool calls, and notes the signs that tell
whether the answer was whole. It knows neither the call it belongs to nor the time.

What a 200 may contain: a stream of events, as asked; a whole JSON answer, from servers that
ignore `stream`; or a page, from something that is no API at all. The first byte of the body
tells which, since content types are often wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec

from holysheep_core.config.checks import FinishSignal
from holysheep_core.errors import (
    APIError,
    HolySheepError,
    InvalidResponseError,
    StreamCutError,
    StreamTruncatedError,
)
from holysheep_core.protocol.body_kind import (
    BOM,
    FIELDS,
    HEAD_BYTES,
    BodyKind,
    has_choices,
    is_cut_chunk,
    is_cut_json,
    is_error_text,
    is_refusal_text,
    kind_of_body,
)
from holysheep_core.protocol.choices import as_one
from holysheep_core.protocol.chunk_reader import ChunkReader, TextPiece
from holysheep_core.protocol.content_coding import CODINGS
from holysheep_core.protocol.error_body import names_failure
from holysheep_core.protocol.error_response import refusal, request_id
from holysheep_core.protocol.finish_reasons import Ending
from holysheep_core.protocol.glued_events import values_in
from holysheep_core.protocol.lenient import decode_leniently, has_other_fields, lost_no_text
from holysheep_core.protocol.sse import DEFAULT_MAX_EVENT_BYTES, ErrorData, SSEDecoder
from holysheep_core.protocol.tool_calls import ToolCallAssembler
from holysheep_core.protocol.wire import DONE, REFUSED, Chunk, decode_chunk, decode_well_formed
from holysheep_core.secrets import Secrets, redact_line

MAX_REFUSAL_BYTES = 64 * 1024
_OK = range(200, 300)
_LONGEST_CODING = 64

__all__ = ["ResponseDecoder", "TextPiece"]


class ResponseDecoder(ChunkReader):
    """The answer to one request.

    Args:
        finish_signal: What proves that the answer is whole.
        secrets: Texts to blank out in errors.
        coalesce: Return what one read contained as one piece.
        max_event_bytes: Cap on one event, and on a body that is no stream.
        new_tools: Makes what collects the tool calls, which knows the request.

    Attributes:
        status: HTTP status, None before the answer begins.
        request_id: The server's id of this request.
        error: An error event the server sent, classified.
        malformed: Sizes of events that could not be read, in bytes.
        torn: One of them was a damaged chunk, so text is missing from here on.
        complete: Nothing more is worth reading.
    """

    def __init__(
        self,
        *,
        finish_signal: FinishSignal = "either",
        secrets: Secrets = (),
        coalesce: bool = False,
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
        new_tools: Callable[[], ToolCallAssembler] = ToolCallAssembler,
    ) -> None:
        super().__init__(finish_signal, new_tools)
        self._secrets = secrets
        self._wall = 0.0
        self._coalesce = coalesce
        self._max_bytes = max_event_bytes
        self._sse = SSEDecoder(max_event_bytes, bare_json=True)
        self._body: bytearray | None = None  # for answers that are no stream
        self._head: bytes | None = b""  # until the first byte tells what the body is
        self._seen_head = b""
        self._kind = ""
        self._rest: list[bytes] = []  # of a read in which a second answer began
        self._pending = 0
        self._noted_progress = 0
        self._cut_at_first = False
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.request_id: str | None = None
        self.error: APIError | None = None
        self.malformed: list[int] = []
        self.torn = False
        self.complete = False

    @property
    def settled(self) -> bool:
        """What has come is enough to judge: it is whole, ended in doubt, or is a refusal."""
        ended = self.finished or self.done or self.ending is Ending.FAILED
        return ended or self.error is not None or self.status not in (None, *_OK)

    @property
    def redacted_reason(self) -> str:
        """The reason to stop, as an error or event may show it."""
        return redact_line(self.finish_reason or "", self._secrets)

    def receive_response(
        self, status: int, headers: Mapping[str, str], *, wall: float = 0.0
    ) -> None:
        """Take status and headers (names in lower case); `wall` is Unix time, for their dates.

        Raises:
            InvalidResponseError: The body is in a coding that nobody here can open.
        """
        self.status, self.headers, self._wall = status, headers, wall
        self.request_id = request_id(headers, self._secrets)
        self._kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        coding = headers.get("content-encoding", "").strip().lower()
        if status not in _OK:
            self._body, self._head = bytearray(), None
        elif coding not in ("", "identity", *CODINGS):
            raise self._no_api(f"a body in a coding nobody asked for ({coding[:_LONGEST_CODING]})")

    def receive_data(self, data: bytes) -> list[TextPiece]:
        """Take bytes of the body and return what they say.

        Raises:
            InvalidResponseError: This is no chat completion, or an endless one.
        """
        if self._head is not None:
            data = self._open(data)
        if self._body is not None:
            return self._take_body(data)
        payloads = self._sse.payloads(data)
        pieces = self._pieces(payloads)
        if not payloads:
            self._note_growth(data)
        if self._coalesce and pieces[1:]:
            return [("".join(text for text, _ in pieces), "".join(said for _, said in pieces))]
        return pieces

    def receive_second_answer(self) -> list[TextPiece]:
        """Begin the second answer of this stream and return what came of it in the same read."""
        self.begin_again()
        rest, self._rest = self._rest, []
        return self._pieces(rest)

    def look_for_the_end(self) -> None:
        """Judge whether what came is whole, and whether to read on."""
        super().look_for_the_end()
        broken = self.torn or self.error is not None or self.ending is Ending.FAILED
        self.complete = broken and not self.finished

    def receive_eof(self) -> list[TextPiece]:
        """The body ended; return what was still unfinished in the buffer.

        Raises:
            InvalidResponseError: The body is JSON, but no chat completion.
        """
        if self._head is not None:
            self._open(b"", final=True)
        if self._body is None:
            is_first = not self._sse.events_seen
            last = [event.data for event in self._sse.flush()]
            # Half an event at the very end is a cut like any other, in the first event too.
            self._cut_at_first = is_first and any(map(is_cut_chunk, last))
            pieces = self._pieces(last)
            self.torn = False
            return pieces
        if self.status not in _OK:
            return []
        return self._whole_answer(bytes(self._body))

    def failure(self) -> HolySheepError | None:
        """Return what is wrong with the answer as it stands, or None if it is whole."""
        if self.status not in _OK:
            return refusal(
                self.status,
                self.headers,
                bytes(self._body or b""),
                wall=self._wall,
                secrets=self._secrets,
            )
        if self.finished and (self.finish_reason or self.has_content):
            return None  # whatever came after that
        if self.error is not None or self.torn:
            return self.error or StreamCutError("An event of the stream arrived damaged.")
        if not self._recognised and not self.done and self._is_foreign():
            return self._foreign()
        return self._missing_end()

    def _missing_end(self) -> HolySheepError:
        if self.ending is Ending.FAILED:
            reason = self.redacted_reason
            return StreamCutError(f"The answer broke off with finish_reason {reason!r}.")
        if self.doubtful:
            return StreamTruncatedError(
                "The answer ended with [DONE], but without a finish_reason. If this server never "
                "sends one, set Provider(finish_signal='done')."
            )
        return StreamTruncatedError("The answer ended without a finish_reason and without [DONE].")

    # -- what the body is -------------------------------------------------------------------

    def _open(self, data: bytes, *, final: bool = False) -> bytes:
        """Tell from the first bytes what the body is; return what there is to read of it."""
        data = (self._head or b"") + data
        kind = kind_of_body(data, self._kind, final=final)
        if kind is None:
            self._head = data
            return b""
        self._head = None
        if kind is BodyKind.PAGE:
            raise self._no_api("an HTML page")
        if kind is BodyKind.JSON:
            self._body = bytearray()
        if final:  # else it is noted when it turns out to hold no event
            self._seen_head = data[:HEAD_BYTES]
        return data

    def _take_body(self, data: bytes) -> list[TextPiece]:
        body = self._body if self._body is not None else bytearray()
        limit = self._max_bytes if self.status in _OK else MAX_REFUSAL_BYTES
        body += data[: limit - len(body)]
        self.complete = len(body) >= limit
        if len(body) >= limit and self.status in _OK:
            raise self._no_api(f"a body of more than {limit:,} bytes")
        self.growth += self.status in _OK and bool(data)
        return []

    def _whole_answer(self, body: bytes) -> list[TextPiece]:
        """Read a body that is no stream: one JSON answer, or one chunk a line."""
        body = body.removeprefix(BOM)
        chunk = self._decode(body)
        known = chunk is not None and (chunk.is_recognised() or has_choices(body))
        if chunk is not None and (known or names_failure(body)):
            chunk.choices = as_one(chunk.choices)
            pieces = self._take(chunk, body)
            self.done = self.error is None
            self.look_for_the_end()
            if self.done and self.ending is None and self._signal == "either":
                self.finished = True  # a whole JSON value cannot have been cut
            return pieces
        lines = [line for line in body.splitlines() if line.strip()]
        pieces = self._pieces(lines)
        if not self._recognised and chunk is None and is_refusal_text(body[:HEAD_BYTES]):
            self._take_error(body)
        if not self._recognised and chunk is None and is_cut_json(body):
            self._cut_at_first = True
        if self._recognised or self._cut_at_first:
            return pieces
        raise self._no_api("something that is no JSON answer")

    def _foreign(self) -> HolySheepError:
        """Return the error of a body that is neither events nor JSON.

        A proxy that says in plain words what went wrong, under a 200, is in the right place.
        """
        said = self._seen_head
        if not self._sse.events_seen and is_refusal_text(said):
            return refusal(None, self.headers, said, wall=self._wall, secrets=self._secrets)
        return self._no_api("something that is no event stream of chat completions")

    def _is_foreign(self) -> bool:
        if self._cut_at_first:
            return False
        if self._sse.events_seen:
            return True  # events, and not one of them of this protocol
        head = self._seen_head.removeprefix(BOM).lstrip()
        begun = any(name.startswith(head) for name in FIELDS)  # cut in the name of a field
        return bool(head) and not begun and not head.startswith(FIELDS)

    def _note_growth(self, data: bytes) -> None:
        if len(self._seen_head) < HEAD_BYTES and not self._sse.events_seen:
            self._seen_head += data[: HEAD_BYTES - len(self._seen_head)]
        pending = self._sse.pending
        self.growth += pending > self._pending
        self._pending = pending

    # -- events -----------------------------------------------------------------------------

    def _decode(self, data: bytes) -> Chunk | None:
        """Decode what the typed decoder refused: half characters, fields of other types."""
        self.has_halves = True
        with suppress(msgspec.ValidationError):
            chunk = decode_chunk(data)
            if chunk is not None:
                return chunk
        return decode_leniently(data) if data.lstrip()[:1] == b"{" else None

    def _pieces(self, payloads: list[bytes]) -> list[TextPiece]:
        pieces: list[TextPiece] = []
        for position, data in enumerate(payloads):
            if self.done or self.complete:
                break
            if type(data) is ErrorData and data.strip() != DONE:
                self._take_error(data)
                continue
            try:
                chunk: Chunk | None = decode_well_formed(data)
            except REFUSED:
                if data.strip() == DONE:
                    self.done = True
                    self.look_for_the_end()
                    continue
                chunk = self._decode(data)
            if chunk is None:
                payloads[position + 1 : position + 1] = self._values_of(data)  # read next
            elif (
                self._one_id
                and self.has_content
                and chunk.id != self.id
                and self.begins_again(chunk)
            ):
                self.second_answer, self._rest = True, payloads[position:]
                break
            elif chunk.choices and not chunk.error:
                new = self.take(chunk)
                if new:
                    pieces += new
                else:
                    self._note_silent(data)
            else:
                pieces += self._take(chunk, data)
        return pieces

    def _take(self, chunk: Chunk, data: bytes) -> list[TextPiece]:
        """Take what is no chunk of an answer, or not only that."""
        silent = not chunk.choices and chunk.usage is None
        if chunk.is_error() or (silent and names_failure(data)):
            self._recognised = True
            self._take_error(data)
            return []
        return self.take(chunk)

    def _note_silent(self, data: bytes) -> None:
        """Note a chunk without text: a field that nobody here knows is a sign of life."""
        if self.progress == self._noted_progress:
            self.growth += has_other_fields(data)
        self._noted_progress = self.progress

    def _values_of(self, data: bytes) -> list[bytes]:
        """Return the values that an event's data is made of; what is not whole is damage."""
        values = values_in(data)
        if values is None:
            self._take_unreadable(data)
        elif data and not values:
            self.malformed.append(len(data))
        return values or []

    def _take_unreadable(self, data: bytes) -> None:
        if not data:
            return
        if is_error_text(data[:MAX_REFUSAL_BYTES]):
            self._take_error(data)
            return
        self.malformed.append(len(data))
        # A damaged chunk has lost text, unless it shows that it had none; a stray "ping" has not,
        # nor has what comes after the answer.
        damaged = any(mark in data for mark in b'{}"')
        lost = damaged and not self.finished and not lost_no_text(data)
        self.torn = self.torn or lost
        self.look_for_the_end()

    def _take_error(self, data: bytes) -> None:
        if self.finished:
            return
        self._recognised = True
        *_, last = data.splitlines() or [data]
        if last[:1] == b"{" and self._decode(last) is not None:
            data = last  # before it, half an event that a gateway did not end
        self.error = refusal(
            None, self.headers, bytes(data), wall=self._wall, secrets=self._secrets
        )
        self.look_for_the_end()

    def _note_error(self, error: object) -> None:
        self._take_error(msgspec.json.encode({"error": error}))

    def _no_api(self, what: str) -> InvalidResponseError:
        return InvalidResponseError(
            f"The server answered {self.status} with {what}, not with a chat completion. "
            "Check that base_url is that of an OpenAI-compatible API and ends in /v1."
        )
