"""One HTTP exchange, from the first byte of its answer to what it meant.

The decoder turns bytes into text, reasoning and pieces of tool calls, and notes the signs that tell
whether the answer was whole. It knows neither the call it belongs to nor the time.

What a 200 may contain: a stream of events, as asked; a whole JSON answer, from servers that
ignore `stream`; or a page, from something that is no API at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import msgspec

from holysheep_core.config.checks import FinishSignal
from holysheep_core.errors import (
    APIError,
    HolySheepError,
    InvalidResponseError,
    StreamCutError,
    StreamTruncatedError,
)
from holysheep_core.protocol.content_coding import CODINGS
from holysheep_core.protocol.error_response import refusal, request_id
from holysheep_core.protocol.sse import DEFAULT_MAX_EVENT_BYTES, SSEDecoder
from holysheep_core.protocol.tool_calls import ToolCallAssembler
from holysheep_core.protocol.wire import DONE, Chunk, Message, decode_chunk, is_half, joined
from holysheep_core.types import Usage

MAX_REFUSAL_BYTES = 64 * 1024
_OK = range(200, 300)
_HEAD_BYTES = 64

TextPiece = tuple[str, str]
"""New text and new reasoning; one of them may be empty."""


class ResponseDecoder:
    """The answer to one request.

    Args:
        finish_signal: What proves that the answer is whole.
        secrets: Texts to blank out in errors.
        coalesce: Return what one read contained as one piece.
        new_tools: Makes what collects the tool calls, which knows the request.

    Attributes:
        status: HTTP status, None before the answer begins.
        request_id: The server's id of this request.
        finish_reason: The model's reason to stop, once sent.
        finished: The answer is whole: the sign that proves it has come.
        done: `[DONE]` came, or the body was a whole JSON answer.
        error: An error event the server sent, classified.
        malformed: Sizes of events that could not be read, in bytes.
        torn: One of them was a damaged chunk, so text is missing from here on.
        has_content: Text, reasoning, a refusal or a piece of a tool call has come.
        pieces: How many such deltas; most servers send one for a token.
        tools: Pieces of tool calls; None before the first.
        usage: Tokens as reported, None before they are.
    """

    def __init__(
        self,
        *,
        finish_signal: FinishSignal = "either",
        secrets: Collection[str] = (),
        coalesce: bool = False,
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
        new_tools: Callable[[], ToolCallAssembler] = ToolCallAssembler,
    ) -> None:
        self._signal = finish_signal
        self._secrets = secrets
        self._wall = 0.0
        self._coalesce = coalesce
        self._max_bytes = max_event_bytes
        self._new_tools = new_tools
        self._sse = SSEDecoder(max_event_bytes)
        self._body: bytearray | None = None  # for answers that are no stream
        self._head = b""
        self._recognised = False
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self.request_id: str | None = None
        self.finish_reason: str | None = None
        self.done = False
        self.finished = False
        self.error: APIError | None = None
        self.malformed: list[int] = []
        self.torn = False
        self.has_content = False
        self.pieces = 0
        self._half = ""  # the first half of a character
        self.tools: ToolCallAssembler | None = None
        self.usage: Usage | None = None
        self.id = ""
        self.model = ""
        self.refusal = ""
        self.system_fingerprint: str | None = None

    @property
    def settled(self) -> bool:
        """What has come is enough to judge: the answer is whole, or it is a refusal."""
        return self.finished or self.error is not None or self.status not in (None, *_OK)

    def receive_response(
        self, status: int, headers: Mapping[str, str], *, wall: float = 0.0
    ) -> None:
        """Take status and headers (names in lower case); `wall` is Unix time, for their dates.

        Raises:
            InvalidResponseError: A page came with status 200, or what nobody here can open.
        """
        self.status, self.headers, self._wall = status, headers, wall
        self.request_id = request_id(headers)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        coding = headers.get("content-encoding", "").strip().lower()
        if status not in _OK:
            self._body = bytearray()
        elif coding not in ("", "identity", *CODINGS):
            raise self._no_api(f"a body in a coding nobody asked for ({coding[:_HEAD_BYTES]})")
        elif kind == "text/html":
            raise self._no_api("an HTML page")
        elif kind == "application/json":
            self._body = bytearray()

    def receive_data(self, data: bytes) -> list[TextPiece]:
        """Take bytes of the body and return what they say.

        Raises:
            InvalidResponseError: This is no chat completion, or an endless one.
        """
        if self._body is None:
            if len(self._head) < _HEAD_BYTES:
                self._head += data[:_HEAD_BYTES]
            pieces = self._pieces(self._sse.payloads(data))
            if self._coalesce and pieces[1:]:
                return [("".join(text for text, _ in pieces), "".join(said for _, said in pieces))]
            return pieces
        limit = self._max_bytes if self.status in _OK else MAX_REFUSAL_BYTES
        self._body += data[: limit - len(self._body)]
        if len(self._body) >= limit and self.status in _OK:
            raise self._no_api(f"a body of more than {limit:,} bytes")
        return []

    @property
    def complete(self) -> bool:
        """Nothing more is worth reading."""
        if self._body is not None and self.status not in _OK:
            return len(self._body) >= MAX_REFUSAL_BYTES
        return not self.finished and (self.torn or self.error is not None)

    def receive_eof(self) -> list[TextPiece]:
        """The body ended; return what was still unfinished in the buffer.

        Raises:
            InvalidResponseError: The body is JSON, but no chat completion.
        """
        if self._body is None:
            pieces = self._pieces([event.data for event in self._sse.flush()])
            self.torn = False  # half an event at the very end is a cut like any other
            return pieces
        if self.status not in _OK:
            return []
        chunk = self._decode(bytes(self._body))
        if chunk is None or not chunk.is_recognised():
            raise self._no_api("something that is no JSON answer")
        pieces = self._take(chunk)
        self.done = self.error is None
        self._look_for_the_end()
        return pieces

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
        if self.error is not None:
            return self.error
        if self.torn:
            return StreamCutError("An event of the stream arrived damaged.")
        if not self._recognised and not self.finished and self._is_foreign():
            return self._no_api("something that is no event stream of chat completions")
        return StreamTruncatedError("The answer ended without a finish_reason and without [DONE].")

    def _is_foreign(self) -> bool:
        if self._sse.events_seen:
            return True  # events, and not one of them of this protocol
        head = self._head.removeprefix(b"\xef\xbb\xbf").lstrip()
        return bool(head) and not head.startswith((b"data", b"event", b"id", b"retry", b":"))

    def _decode(self, data: bytes) -> Chunk | None:
        try:
            return decode_chunk(data)
        except msgspec.ValidationError as error:
            if self.finished:
                return None
            raise self._no_api(f"JSON of another shape ({error})") from None

    def _pieces(self, payloads: list[bytes]) -> list[TextPiece]:
        pieces: list[TextPiece] = []
        for data in payloads:
            if self.done or self.complete:
                break
            if data[:1] != b"{" and data.strip() == DONE:
                self.done = True
                self._look_for_the_end()
                continue
            chunk = self._decode(data)
            if chunk is not None:
                pieces += self._take(chunk)
            elif data:
                self.malformed.append(len(data))
                # A damaged chunk has lost text; a stray "ping" has not, nor has what comes
                # after the answer.
                self.torn = not self.finished and any(mark in data for mark in b'{}"')
        return pieces

    def _look_for_the_end(self) -> None:
        reason = self.finish_reason is not None
        signs = {"finish_reason": reason, "done": self.done, "either": self.done or reason}
        self.finished = signs[self._signal]

    def _take(self, chunk: Chunk) -> list[TextPiece]:
        if not self._recognised:
            self._recognised = chunk.is_recognised()
        if chunk.error is not None:
            if not self.finished:
                self._take_error(chunk)
            return []
        self._note_facts(chunk)
        if not chunk.choices:
            return self._take_response_event(chunk) if chunk.type else []
        choice = chunk.choices[0]
        if choice.finish_reason == "error":
            self._take_error(chunk)
            return []
        if choice.finish_reason:
            self.finish_reason = choice.finish_reason
            self._look_for_the_end()
        message = choice.delta or choice.message
        return [] if message is None else self._take_message(message)

    def _note_facts(self, chunk: Chunk) -> None:
        if not self.id and chunk.id:
            self.id = str(chunk.id)
        if not self.model and chunk.model:
            self.model = chunk.model
        if chunk.system_fingerprint:
            self.system_fingerprint = chunk.system_fingerprint
        if chunk.usage is not None:
            self.usage = chunk.usage.to_usage()

    def _take_message(self, message: Message) -> list[TextPiece]:
        if message.tool_calls or message.function_call is not None:
            if self.tools is None:
                self.tools = self._new_tools()
            self.tools.add(message)
            self.has_content = True
            self.pieces += 1
        if message.refusal and isinstance(message.refusal, str):
            self.refusal += message.refusal
            self.has_content = True
        text = message.content if isinstance(message.content, str) else message.text()
        if text and (self._half or is_half(text[0]) or is_half(text[-1])):
            text = self._joined(text)
        reasoning = message.reasoning_content or message.reasoning or ""
        if not isinstance(reasoning, str):
            reasoning = ""
        if not text and not reasoning:
            return []
        self.has_content = True
        self.pieces += 1
        return [(text, reasoning)]

    def _joined(self, text: str) -> str:
        """Put a character together that a server cut in two, between its UTF-16 surrogates."""
        text, self._half = self._half + text, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return joined(text)

    def _take_response_event(self, chunk: Chunk) -> list[TextPiece]:
        # Some models behind the gateway answer in the Responses API's events, on this path too.
        if chunk.type == "response.output_text.delta" and isinstance(chunk.delta, str):
            return self._take_message(Message(content=chunk.delta))
        if chunk.type == "response.completed":
            self.finish_reason = "stop"
            self._look_for_the_end()
        return []

    def _take_error(self, chunk: Chunk) -> None:
        said = {"error": chunk.error or "the model stopped with finish_reason 'error'"}
        self.error = refusal(
            None, self.headers, msgspec.json.encode(said), wall=self._wall, secrets=self._secrets
        )

    def _no_api(self, what: str) -> InvalidResponseError:
        return InvalidResponseError(
            f"The server answered {self.status} with {what}, not with a chat completion. "
            "Check that base_url is that of an OpenAI-compatible API and ends in /v1."
        )
