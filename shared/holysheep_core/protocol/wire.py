"""The protocol's JSON: a request to bytes, an event's bytes to a typed chunk.

Only the fields the engine uses are decoded; msgspec skips the rest without building it, which
is what makes a chunk cost a fraction of a pydantic model. Types are as loose as real servers:
`role: null`, `content: null`, no `choices`, a new id in every chunk, usage beside choices,
events of the Responses API on this path: all of it is sent by real servers.
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
    # What some servers call the arguments
    parameters: Any = None
    input: Any = None


class ToolCallPart(msgspec.Struct, gc=False):
    """A piece of a tool call, as streamed."""

    index: Any = None
    id: Any = None
    function: FunctionPart | None = None
    # Where Cloudflare has them, for want of a function
    name: Any = None
    arguments: Any = None
    # What a server attaches to a call and wants back with it: see `families.turns`.
    extra_content: Any = None
    provider_specific_fields: Any = None
    thought_signature: Any = None


class Message(msgspec.Struct, gc=False):
    """`delta` of a streamed choice, or `message` of a whole one."""

    content: str | list[dict[str, Any]] | None = None
    reasoning_content: Any = None
    reasoning: Any = None
    reasoning_text: Any = None  # GitHub Copilot
    thinking: Any = None  # Ollama's own API, and gateways that pass it on
    refusal: Any = None
    tool_calls: list[ToolCallPart] | None = None
    function_call: FunctionPart | None = None
    role: Any = None
    # What is neither text nor a tool call: see `parts`.
    images: Any = None
    audio: Any = None
    annotations: Any = None
    reasoning_details: Any = None
    thinking_blocks: Any = None
    extra_content: Any = None  # where Gemini has the signature of a text


def text_of(value: object) -> str:
    """Return the text of a content part's field `text`."""
    if isinstance(value, dict):  # {"value": ..., "annotations": ...}, as the Assistants API has it
        value = value.get("value")
    return value if isinstance(value, str) else ""


class Choice(msgspec.Struct, gc=False):
    """One choice; only the first is asked for."""

    delta: Message | None = None
    message: Message | None = None
    finish_reason: Any = None
    finishReason: Any = None  # noqa: N815 - as Google spells it
    error: Any = None  # where OpenRouter has it, too
    usage: Any = None  # where Moonshot has it
    text: Any = None  # of the older completions API, on this path too


class UsageBlock(msgspec.Struct, gc=False):
    """Token counts, as servers name them; some send them as `12.0` or "12".

    No value is too strange to be decoded: what is no count is as good as absent.
    """

    prompt_tokens: Any = None
    completion_tokens: Any = None
    total_tokens: Any = None
    prompt_tokens_details: Any = None
    completion_tokens_details: Any = None
    # OpenAI's Responses API, Anthropic
    input_tokens: Any = None
    output_tokens: Any = None
    input_tokens_details: Any = None
    output_tokens_details: Any = None
    cache_read_input_tokens: Any = None
    cache_creation_input_tokens: Any = None
    # DeepSeek, Moonshot, xAI
    prompt_cache_hit_tokens: Any = None
    cached_tokens: Any = None
    reasoning_tokens: Any = None
    # Gemini, and gateways that pass its names on
    promptTokenCount: Any = None  # noqa: N815 - the server's name
    candidatesTokenCount: Any = None  # noqa: N815
    totalTokenCount: Any = None  # noqa: N815
    cachedContentTokenCount: Any = None  # noqa: N815
    thoughtsTokenCount: Any = None  # noqa: N815

    def to_usage(self) -> Usage | None:
        """Return our own record of it; None where it says nothing: `{}`, zeros, or no counts.

        Input includes what was read from a cache and written to it, and output includes thoughts,
        whether the server counts them in (OpenAI) or apart (Anthropic's `input_tokens`, Gemini's
        and xAI's thoughts).
        """
        prompt_details = (self.prompt_tokens_details, self.input_tokens_details)
        answer_details = (self.completion_tokens_details, self.output_tokens_details)
        anthropic = _most(self.cache_read_input_tokens)
        written = _most(
            self.cache_creation_input_tokens,
            *_inside(prompt_details, "cache_write_tokens", "cached_creation_tokens"),
            *_inside(prompt_details, "cache_creation_tokens"),
        )
        cached = _most(
            *(anthropic, self.prompt_cache_hit_tokens, self.cached_tokens),
            *(self.cachedContentTokenCount, *_inside(prompt_details, "cached_tokens")),
        )
        thoughts = _most(
            *(self.reasoning_tokens, self.thoughtsTokenCount),
            *_inside(answer_details, "reasoning_tokens"),
        )
        total = _most(self.total_tokens, self.totalTokenCount)
        prompt = _most(self.prompt_tokens, self.promptTokenCount)
        answer = _most(self.completion_tokens, self.output_tokens, self.candidatesTokenCount)
        # Anthropic counts apart what concerns its cache, and so do those who pass its names on.
        apart = not prompt and (anthropic or _most(self.cache_creation_input_tokens))
        prompt = _most(prompt, self.input_tokens)
        beside = cached + written
        if beside and (apart or prompt < beside or total == prompt + answer + beside):
            prompt += beside
        if prompt:
            answer = max(answer, total - prompt)
        if thoughts > answer:
            answer += thoughts
        if not prompt and answer:
            prompt = max(0, total - answer)
        if not prompt and not answer:
            return None
        return Usage(prompt, answer, cached, thoughts, cache_write_tokens=written)


def _inside(details: Collection[Any], *names: str) -> list[Any]:
    return [each.get(name) for each in details if isinstance(each, dict) for name in names]


def _most(*values: object) -> int:
    """Return the largest count among values; 0 if there is none."""
    return max(map(_count, values), default=0)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0
    try:
        number = int(float(value))
    except (ValueError, OverflowError):
        return 0
    return number if 0 <= number <= _MOST_TOKENS else 0


_MOST_TOKENS = 10**9  # more is no answer's count, and sums of it overflow a float


_FAILED = ("error", "response.failed", "response.error")
_WELL = (0, 200, "0", "200", "Success", "success", "SUCCESS", "OK", "ok")
_SIGNS_OF_LIFE = ("ping", "heartbeat", "keepalive", "keep-alive", "keep_alive")


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
    object: Any = None
    message: Any = None
    code: Any = None
    detail: Any = None
    msg: Any = None
    x_groq: Any = None  # holds the usage
    citations: Any = None  # Perplexity: addresses
    search_results: Any = None  # Perplexity, Baidu: addresses and titles
    search_info: Any = None  # Qwen: the same, in an object

    def is_error(self) -> bool:
        """Tell whether the event is an error, in any of the shapes that servers give one."""
        if self.error or self.type in _FAILED:
            return True
        if self.error is not None and self.error is not False and self.choices is None:
            return True  # an error without a word; beside choices "" and {} say there is none
        if self.type in _SIGNS_OF_LIFE:
            return False
        if self.choices or self.usage is not None or (self.type or "").startswith("response."):
            return False
        # An object as `message` is an answer in another API's form, and code 0 says "ok".
        said = (self.message if isinstance(self.message, str) else "", self.detail, self.msg)
        if self.code in _WELL:
            return bool(self.object == "error")
        return self.object == "error" or any(said) or self.code not in (None, "")

    def is_recognised(self) -> bool:
        """Tell whether the event carries anything of this protocol."""
        return (
            self.choices is not None
            or self.usage is not None
            or self.is_error()
            or (self.type or "").startswith("response.")
        )


decode_well_formed = msgspec.json.Decoder(Chunk).decode
REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What `decode_well_formed` raises for all that is no chunk in its plain form."""
_encode = msgspec.json.Encoder(order="deterministic").encode


def decode_chunk(data: bytes) -> Chunk | None:
    """Decode one event's data; None if it is no JSON object (torn on the way, say).

    Raises:
        msgspec.ValidationError: It is an object, but of another shape.
    """
    if data[:1] != b"{" and not data.lstrip().startswith(b"{"):
        return None
    try:
        return decode_well_formed(data)
    except msgspec.ValidationError:
        raise
    except REFUSED:
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


_IN_PIECES = ("content", "delta", "arguments", "reasoning", "reasoning_content")


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
    if "tools" in body and not body["tools"]:
        # OpenAI refuses an empty list, and what is about tools where there are none.
        for name in _ABOUT_TOOLS:
            body.pop(name, None)
    try:
        if stream_usage:
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return _encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"The request cannot be written as JSON: {error}.") from None


_ABOUT_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")


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
