"""The protocol's JSON: a request to bytes, an event's bytes to a typed chunk.

Only the fields the engine uses are decoded; msgspec skips the rest without building it, which
is what makes a chunk cost a fraction of a pydantic model. Types are as loose as real servers:
`role: null`, `content: null`, no `choices`, a new id in every chunk, usage beside choices,
events of the Responses API on this path: all seen in the wild.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from holysheep_core.errors import ConfigurationError
from holysheep_core.types import ChatRequest, Usage

DONE = b"[DONE]"


class FunctionPart(msgspec.Struct, gc=False):
    """A piece of a function call."""

    name: Any = None
    arguments: Any = None


class ToolCallPart(msgspec.Struct, gc=False):
    """A piece of a tool call, as streamed."""

    index: Any = None
    id: Any = None
    function: FunctionPart | None = None


class Message(msgspec.Struct, gc=False):
    """`delta` of a streamed choice, or `message` of a whole one."""

    content: str | list[dict[str, Any]] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    refusal: Any = None
    tool_calls: list[ToolCallPart] | None = None
    function_call: FunctionPart | None = None

    def text(self) -> str:
        """Return the content as text, whichever of its two shapes was sent."""
        if isinstance(self.content, list):
            return "".join(_text_of(part.get("text")) for part in self.content)
        return self.content or ""


def _text_of(value: object) -> str:
    if isinstance(value, dict):  # {"value": ..., "annotations": ...}, as the Assistants API has it
        value = value.get("value")
    return value if isinstance(value, str) else ""


class Choice(msgspec.Struct, gc=False):
    """One choice; only the first is asked for."""

    delta: Message | None = None
    message: Message | None = None
    finish_reason: str | None = None


class Details(msgspec.Struct, gc=False):
    """Parts of a usage figure."""

    cached_tokens: Any = None
    reasoning_tokens: Any = None


class UsageBlock(msgspec.Struct, gc=False):
    """Token counts, as servers name them; some send them as `12.0` or "12"."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None

    def to_usage(self) -> Usage:
        """Return our own record of it."""
        prompt, completion = self.prompt_tokens_details, self.completion_tokens_details
        return Usage(
            _count(self.prompt_tokens),
            _count(self.completion_tokens),
            _count(prompt and prompt.cached_tokens),
            _count(completion and completion.reasoning_tokens),
        )


def _count(value: object) -> int:
    try:
        number = int(float(value or 0))  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if 0 <= number <= _MOST_TOKENS else 0


_MOST_TOKENS = 10**9  # more is no answer's count, and sums of it overflow a float


class Chunk(msgspec.Struct, gc=False):
    """One event of a stream, or a whole answer sent where a stream was asked for."""

    id: Any = None
    model: str | None = None
    system_fingerprint: str | None = None
    choices: list[Choice] | None = None
    usage: UsageBlock | None = None
    error: Any = None
    type: str | None = None
    delta: Any = None

    def is_recognised(self) -> bool:
        """Tell whether the event carries anything of this protocol."""
        return (
            self.choices is not None
            or self.usage is not None
            or self.error is not None
            or (self.type or "").startswith("response.")
        )


_chunk_decoder = msgspec.json.Decoder(Chunk)
_encode = msgspec.json.Encoder(order="deterministic").encode


def decode_chunk(data: bytes) -> Chunk | None:
    """Decode one event's data; None if it is no JSON object (torn on the way, say).

    Raises:
        msgspec.ValidationError: It is an object, but of another shape.
    """
    if data[:1] != b"{" and not data.lstrip().startswith(b"{"):
        return None
    try:
        return _chunk_decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _with_half_characters(data)


def _with_half_characters(data: bytes) -> Chunk | None:
    """Decode JSON whose escapes hold half a character, as gateways in JavaScript can send it."""
    if b"\\ud" not in data and b"\\uD" not in data:
        return None
    try:
        return msgspec.convert(_mended(json.loads(data), _IN_PIECES), Chunk)
    except msgspec.ValidationError:
        raise
    except (ValueError, RecursionError):
        return None


_IN_PIECES = ("content", "delta", "arguments")


def _mended(value: Any, in_pieces: Collection[str], name: str = "") -> Any:
    """Replace half characters, which no encoder takes and which would fail far from here.

    The ends of a text that comes in pieces stay: the next piece may begin with the other half.
    """
    if isinstance(value, str):
        start = name in in_pieces and is_half(value[:1])
        end = name in in_pieces and is_half(value[-1:]) and len(value) > start
        return value[:start] + joined(value[start : len(value) - end]) + value[len(value) - end :]
    if isinstance(value, list):
        return [_mended(item, in_pieces) for item in value]
    if isinstance(value, dict):
        inside = () if name == "arguments" else in_pieces  # there, names are the user's
        return {joined(key): _mended(item, inside, key) for key, item in value.items()}
    return value


def is_half(character: str) -> bool:
    """Tell whether a character is one of UTF-16's surrogates, and so half of one."""
    return "\ud800" <= character <= "\udfff"


def joined(text: str) -> str:
    """Put characters together that came as two surrogates; a lone one becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def encode_request(request: ChatRequest, *, model: str, stream_usage: bool) -> bytes:
    """Encode a request body that asks for a stream.

    Args:
        request: What to ask.
        model: The model's name at the provider asked.
        stream_usage: Whether to ask for a usage chunk at the end.

    Raises:
        ConfigurationError: A message or a parameter is no JSON.
    """
    body: dict[str, Any] = {**request.params, "model": model, "messages": list(request.messages)}
    body["stream"] = True
    try:
        if stream_usage:
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return _encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"The request cannot be written as JSON: {error}.") from None


def is_json_object(text: str) -> bool:
    """Tell whether a text is exactly one JSON object (strictly: no repair, no trailing text)."""
    return isinstance(strict_json(text), dict)


def is_json(text: str) -> bool:
    """Tell whether a text is exactly one JSON value, in a Markdown fence or not.

    Models without a JSON mode of their own fence it, and both frameworks' parsers take that.
    """
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text[3:-3].removeprefix("json")
    return strict_json(text) is not _NOT_JSON


_NOT_JSON = object()


def strict_json(text: str) -> object:
    """Return the value that a text is in JSON; an object of its own if it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return _NOT_JSON


def asks_for_json(params: Mapping[str, Any]) -> bool:
    """Tell whether the request binds the answer to JSON."""
    wanted = params.get("response_format")
    return isinstance(wanted, Mapping) and wanted.get("type") in ("json_object", "json_schema")
