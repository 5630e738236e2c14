"""What the exceptions of httpx and httpcore mean: ours in their place."""

from __future__ import annotations

import zlib

import httpcore
import httpx

from holysheep_core.errors import (
    APIConnectionError,
    ConfigurationError,
    ConnectTimeoutError,
    HolySheepError,
    StreamCutError,
    StreamStalledError,
)


def translate(error: Exception) -> HolySheepError:
    """Turn an httpx exception into one of ours; the original becomes its `__cause__`.

    The request it holds loses its key and headers of the user's own: errors are logged, pickled
    and sent to trackers.
    """
    request = getattr(error, "_request", None)
    if request is not None:
        for name in set(request.headers) - _PLAIN_HEADERS:
            del request.headers[name]
    for kind, cls, text in _MEANINGS:
        if isinstance(error, kind):
            what = f"{text}{_place(request)}" if text.startswith("No connection") else text
            translated = cls(f"{what}: {error}" if str(error) else f"{what}.")
            translated.__cause__ = error
            return translated
    raise error


def _place(request: httpx.Request | None) -> str:
    return "" if request is None else f" to {request.url.scheme}://{request.url.netloc.decode()}"


_PLAIN_HEADERS = {"accept", "accept-encoding", "content-length", "content-type", "host"}
_MEANINGS: tuple[tuple[type[Exception], type[HolySheepError], str], ...] = (
    (httpx.ConnectTimeout, ConnectTimeoutError, "No connection in time"),
    (httpx.PoolTimeout, ConnectTimeoutError, "No free connection in the pool in time"),
    (httpx.ReadTimeout, StreamStalledError, "Nothing to read in time"),
    (httpx.WriteTimeout, APIConnectionError, "The request could not be sent in time"),
    (httpx.ReadError, StreamCutError, "The connection broke while reading"),
    (httpx.RemoteProtocolError, StreamCutError, "The connection ended before the answer did"),
    (httpx.DecodingError, StreamCutError, "The answer's compression is damaged"),
    (zlib.error, StreamCutError, "The answer's compression is damaged"),
    (httpx.CloseError, StreamCutError, "The connection did not close properly"),
    (httpx.ConnectError, APIConnectionError, "No connection"),
    (httpx.WriteError, APIConnectionError, "The request could not be sent"),
    (httpx.LocalProtocolError, ConfigurationError, "httpx would not send this request"),
    (httpx.UnsupportedProtocol, ConfigurationError, "This address cannot be used"),
    (httpx.InvalidURL, ConfigurationError, "This address cannot be used"),
    (httpx.ProxyError, APIConnectionError, "The proxy refused"),
    (httpx.TransportError, APIConnectionError, "The request failed"),
    # Bodies are read past httpx.
    (httpcore.ReadTimeout, StreamStalledError, "Nothing to read in time"),
    (httpcore.ReadError, StreamCutError, "The connection broke while reading"),
)
FAILURES = tuple(kind for kind, _, _ in _MEANINGS)
"""What a driver catches."""


def client_closed_error(
    client: httpx.Client | httpx.AsyncClient, refusal: RuntimeError
) -> HolySheepError:
    """Return ours for a client that was closed under a call, for which httpx has no class.

    Raises:
        RuntimeError: The client is open, so it was something else.
    """
    if not client.is_closed:
        raise refusal
    error = ConfigurationError("The client was closed while this call was under way.")
    error.__cause__ = refusal
    return error
