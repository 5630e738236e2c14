"""The requests of `holysheep check`, and their raw responses."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from holysheep_core.cli.words import Words
from holysheep_core.protocol.chunk_reader import ChunkReader
from holysheep_core.protocol.sse import server_sent_events
from holysheep_core.protocol.wire import DONE, Chunk, decode_chunk
from holysheep_core.routing.providers import Provider
from holysheep_core.secrets import redact_line
from holysheep_core.transport.clients import create_resilient_client
from holysheep_core.transport.exceptions import translate


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
        words: The language of the findings; English by default.

    Attributes:
        takes_prefill: Whether the model continues a prefilled answer; None if unknown.
    """

    def __init__(
        self,
        provider: Provider,
        model: str,
        timeout: float = 20.0,
        words: Words | None = None,
    ) -> None:
        self.words = words or Words()
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
