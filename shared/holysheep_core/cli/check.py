"""`holysheep check`: a few tiny requests show whether migration is safe, within a minute.

Each probe is one request whose raw response is examined. Without an API key the probes use the
simulator, and the report says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from holysheep_core.catalog import learn
from holysheep_core.protocol.chunk_reader import ChunkReader
from holysheep_core.protocol.sse import server_sent_events
from holysheep_core.protocol.wire import DONE, Chunk, decode_chunk, is_json, is_json_object
from holysheep_core.routing.providers import Provider
from holysheep_core.secrets import redact_line
from holysheep_core.transport.clients import create_resilient_client
from holysheep_core.transport.exceptions import translate

_MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]–[/]"}  # noqa: RUF001
_LIMITS = re.compile(r"retry-after|ratelimit")
_BASICS = ("key", "stream")
"""If one of these fails, the remaining probes would fail too and are skipped."""

_TOOL = {
    "type": "function",
    "function": {
        "name": "pay",
        "description": "Pay an amount.",
        "parameters": {
            "type": "object",
            "properties": {"amount": {"type": "integer"}},
            "required": ["amount"],
        },
    },
}
_COUNT = [{"role": "user", "content": "Count from 1 to 8: digits and commas, nothing else."}]
_PREFILL = [*_COUNT, {"role": "assistant", "content": "1, 2, 3, 4,"}]


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
        what: Name of the check.
        good: Whether it passed; None for information without a verdict.
        said: The result as text.
    """

    what: str
    good: bool | None
    said: str


@dataclass
class ProbeResponse:
    """A raw response.

    Attributes:
        status: HTTP status; 0 without a response.
        headers: Headers, names in lower case.
        chunks: The decoded events.
        done: Whether `[DONE]` arrived.
        comments: Whether there were comments between events.
        foreign: Number of events that are not chunks.
        first: Seconds to the first text; None without text.
        body: The body or error if the response is not a stream, shortened.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: list[Chunk] = field(default_factory=list)
    done: bool = False
    comments: bool = False
    foreign: int = 0
    first: float | None = None
    body: str = ""

    @property
    def text(self) -> str:
        """The answer's text."""
        reader = ChunkReader()
        return "".join(text for chunk in self.chunks for text, _ in reader.take(chunk))

    @property
    def refusal(self) -> str:
        """The reason why there is no stream, as text; "" for a stream."""
        if self.chunks:
            return ""
        return f"status {self.status}: {self.body}" if self.status else self.body


class Probe:
    """Sends probes for one model to one provider.

    Args:
        provider: The provider.
        model: The model.
        timeout: Seconds an answer may take.

    Attributes:
        takes_prefill: Whether the model continues a prefilled answer; None if unknown.
    """

    def __init__(self, provider: Provider, model: str, timeout: float = 20.0) -> None:
        self._provider = provider
        self._model = model
        self._client = create_resilient_client(timeout=timeout)
        self.takes_prefill: bool | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str) -> ProbeResponse:
        """Send a GET request."""
        headers = {**self._provider.request_headers(), "accept": "application/json"}
        try:
            response = self._client.get(f"{self._provider.base_url}/{path}", headers=headers)
        except Exception as error:  # noqa: BLE001 - the user is to see any error
            return ProbeResponse(body=str(translate(error)))
        return ProbeResponse(response.status_code, dict(response.headers), body=response.text)

    def ask(self, messages: Sequence[Mapping[str, Any]], **params: Any) -> ProbeResponse:
        """Stream an answer."""
        model = self._provider.models.get(self._model, self._model)
        body = {"model": model, "messages": messages, "stream": True, "max_tokens": 48, **params}
        url, headers = self._provider.url, self._provider.request_headers()
        seen = ProbeResponse()
        started = time.monotonic()
        try:
            with self._client.stream("POST", url, json=body, headers=headers) as response:
                seen.status = response.status_code
                seen.headers = {name.lower(): value for name, value in response.headers.items()}
                raw = response.iter_raw()
                if seen.status != 200 or "json" in seen.headers.get("content-type", ""):  # noqa: PLR2004
                    said = b"".join(raw).decode(errors="replace")
                    seen.body = redact_line(said, self._provider.secrets, limit=200)
                    return seen
                self._read(raw, seen, started)
        except Exception as error:  # noqa: BLE001
            seen.body = str(translate(error))
        return seen

    def _read(self, raw: Iterable[bytes], seen: ProbeResponse, started: float) -> None:
        def noting(pieces: Iterable[bytes]) -> Iterable[bytes]:
            for piece in pieces:
                seen.comments = seen.comments or piece.startswith(b":") or b"\n:" in piece
                yield piece

        for event in server_sent_events(noting(raw)):
            if event.data.strip() == DONE:
                seen.done = True
                continue
            try:
                chunk = decode_chunk(event.data)
            except msgspec.ValidationError:
                chunk = None
            if chunk is None:
                seen.foreign += 1
                continue
            seen.chunks.append(chunk)
            if seen.first is None and seen.text:
                seen.first = time.monotonic() - started


def key_and_models(probe: Probe) -> tuple[list[Finding], list[str] | None]:
    """Check the list of models; the names are None without a list.

    That it is given proves nothing of the key: some servers give it to everybody.
    """
    seen = probe.get("models")
    if seen.status in (401, 403):
        return [Finding("key", False, f"not accepted (status {seen.status})")], None
    if seen.status != 200:  # noqa: PLR2004
        return [Finding("list of models", None, f"none here ({seen.status or seen.body})")], None
    try:
        names = [str(each["id"]) for each in msgspec.json.decode(seen.body)["data"]]
    except (msgspec.DecodeError, KeyError, TypeError):
        return [Finding("list of models", None, "in a shape of its own")], None
    some = ", ".join(names[:6]) + (", …" if names[6:] else "")
    return [Finding("list of models", None, f"{len(names)}: {some}")], names


def stream(probe: Probe) -> Iterable[Finding]:
    """Check a plain stream: shape, end, usage, latency, rate-limit headers."""
    seen = probe.ask(_COUNT, stream_options={"include_usage": True})
    if seen.status in (401, 403):
        yield Finding("key", False, f"not accepted (status {seen.status})")
    if seen.refusal:
        yield Finding("stream", False, seen.refusal)
        return
    yield Finding("key", True, "accepted")
    reasons = [c.choices[0].finish_reason for c in seen.chunks if c.choices]
    reason = next((each for each in reasons if each), None)
    shape = f"{len(seen.chunks)} chunks, {seen.headers.get('content-type', 'no content type')}"
    if seen.foreign:
        shape += f", {seen.foreign} foreign events"
    yield Finding("stream", bool(seen.text), shape if seen.text else "no text in it")
    ends = [f"finish_reason {reason!r}" if reason else "", "[DONE]" if seen.done else ""]
    said = " and ".join(filter(None, ends)) or "neither finish_reason nor [DONE]"
    yield Finding("end of a stream", bool(reason or seen.done), said)
    usage = next((chunk.usage for chunk in reversed(seen.chunks) if chunk.usage), None)
    counts = None if usage is None else usage.to_usage()
    yield Finding(
        "usage",
        None if counts is None else True,
        "not reported: it will be estimated"
        if counts is None
        else f"{counts.input_tokens} + {counts.output_tokens} tokens",
    )
    if seen.first is not None:
        yield Finding("first token", None, f"after {seen.first:.2f} s")
    if seen.comments:
        yield Finding("keep-alive comments", None, "sent")
    limits = [f"{name}: {value}" for name, value in seen.headers.items() if _LIMITS.search(name)]
    yield Finding("rate-limit headers", None, "; ".join(limits) or "none seen")


def tools(probe: Probe) -> Iterable[Finding]:
    """Check a tool call."""
    choice = {"type": "function", "function": {"name": "pay"}}
    ask = [{"role": "user", "content": "Pay 1000."}]
    seen = probe.ask(ask, tools=[_TOOL], tool_choice=choice)
    deltas = [chunk.choices[0].delta for chunk in seen.chunks if chunk.choices]
    parts = [part for delta in deltas if delta is not None for part in delta.tool_calls or ()]
    pieces = [part.function.arguments for part in parts if part.function is not None]
    arguments = "".join(piece for piece in pieces if isinstance(piece, str))
    good = is_json_object(arguments)
    yield Finding(
        "tool calls", good, arguments if good else seen.refusal or "no complete tool call"
    )


def json_mode(probe: Probe) -> Iterable[Finding]:
    """Check JSON mode."""
    ask = [{"role": "user", "content": 'Answer with the JSON object {"sheep": 3}.'}]
    seen = probe.ask(ask, response_format={"type": "json_object"})
    good = is_json(seen.text)
    yield Finding(
        "JSON mode", good, seen.text if good else seen.refusal or "the answer is not JSON"
    )


def prefill(probe: Probe) -> Iterable[Finding]:
    """Check whether the model continues a prefilled answer."""
    seen = probe.ask(_PREFILL)
    if seen.status in (200, 400):
        probe.takes_prefill = re.match(r"[\s,]*5", seen.text) is not None
    if probe.takes_prefill:
        yield Finding("prefill", None, "accepted: cut answers are resumed by prefill")
    else:
        why = seen.refusal or "the model starts over"
        yield Finding(
            "prefill", None, f"not accepted ({why}): cut answers are resumed by a continuation turn"
        )


PROBES: tuple[tuple[str, Callable[[Probe], Iterable[Finding]]], ...] = (
    ("a stream", stream),
    ("a tool call", tools),
    ("JSON mode", json_mode),
    ("prefill", prefill),
)


def run(provider: Provider, models: Sequence[str], console: Console, notes: Path | None) -> bool:
    """Check each model, print the findings, and record which models accept a prefill.

    Args:
        provider: The provider.
        models: The models.
        console: Receives the output.
        notes: A JSON catalog to record prefills in; None for none.

    Returns:
        Whether no check failed.
    """
    good = True
    listed: list[str] | None = None
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(models) * (len(PROBES) + 1))
        for number, model in enumerate(models):
            probe = Probe(provider, model)
            progress.update(bar, description=f"{escape(model)}: models", advance=1)
            found: list[Finding] = []
            if not number:
                found, listed = key_and_models(probe)
            if listed is not None and model not in listed:
                said = "is not in the server's list of models: is the name right?"
                found.append(Finding(model, None, said))
            for name, look in PROBES:
                progress.update(bar, description=f"{escape(model)}: {name}", advance=1)
                if all(each.good is not False or each.what not in _BASICS for each in found):
                    found += look(probe)
            probe.close()
            table = Table(title=escape(model), title_justify="left", box=None, show_header=False)
            for _ in range(3):  # long names are wrapped, not cut off
                table.add_column(overflow="fold")
            for each in found:
                said = redact_line(each.said, provider.secrets)
                table.add_row(_MARKS[each.good], escape(each.what), escape(said))
            progress.console.print(table)
            good = good and all(each.good is not False for each in found)
            if notes is not None and probe.takes_prefill is not None:
                learn(notes, model, prefill=probe.takes_prefill)
    return good
