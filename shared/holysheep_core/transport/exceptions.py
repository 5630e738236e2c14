"""What the exceptions of httpx and httpcore mean: ours in their place."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

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


def translate(error: Exception, *, reading: bool = False) -> HolySheepError:
    """Turn what a lower layer raised into one of ours; the original becomes its `__cause__`.

    The request it holds loses its key and headers of the user's own: errors are logged, pickled
    and sent to trackers.

    Args:
        error: Any exception; what no table here knows is an error like the others.
        reading: A response was being read.
    """
    if isinstance(error, HolySheepError):
        return error
    request = _request_of(error)
    if request is not None:
        for name in set(request.headers) - _PLAIN_HEADERS:
            del request.headers[name]
    cls, text = _meaning(error, reading=reading)
    what = f"{text}{_place(request)}" if text.startswith("No connection") else text
    translated = cls(f"{what}: {error}" if str(error) else f"{what}.")
    translated.__cause__ = error
    return translated


def _meaning(error: Exception, *, reading: bool) -> tuple[type[HolySheepError], str]:
    if _is_http2(error):
        return StreamCutError, "The HTTP/2 connection failed"
    for kind, cls, text in _MEANINGS:
        if isinstance(error, kind):
            return cls, text
    unknown = f"The request failed in an unexpected way, {type(error).__name__}"
    return (StreamCutError if reading else APIConnectionError), unknown


def _is_http2(error: BaseException | None) -> bool:
    """Tell whether an error is one of the h2 library, which a client of the user's own may use.

    httpx calls them the user's fault (`LocalProtocolError`), with the original inside.
    """
    while error is not None:
        for each in (error, *error.args):
            if type(each).__module__.partition(".")[0] == "h2":
                return True
        error = error.__cause__
    return False


@contextmanager
def as_httpx() -> Iterator[None]:
    """Raise httpcore's exceptions as those of the same name that `httpx` promises its users.

    Their frames are left out: in these the head of the request is a variable, with the key.
    """
    try:
        yield
    except _CORE_ERRORS as error:
        each: BaseException | None = error
        while each is not None:
            each.__traceback__ = None
            each = each.__cause__ or each.__context__
        kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
        raise kind(str(error)) from error


_CORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


def _request_of(error: Exception) -> httpx.Request | None:
    try:
        request = getattr(error, "request", None)
    except RuntimeError:  # httpx's way to say that there is none
        return None
    return request if isinstance(request, httpx.Request) else None


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
    (ImportError, ConfigurationError, "The HTTP client needs a package that is not installed"),
    # Bodies are read past httpx.
    (httpcore.ReadTimeout, StreamStalledError, "Nothing to read in time"),
    (httpcore.ReadError, StreamCutError, "The connection broke while reading"),
)


def sending_error(client: httpx.Client | httpx.AsyncClient, error: Exception) -> HolySheepError:
    """Return ours for what `client` raised instead of sending a request.

    Raises:
        vcr.errors.CannotOverwriteExistingCassetteException: A test asks for what its cassette does
            not have; to ask again would not help, and the test is to see it.
    """
    if type(error).__module__ == "vcr.errors":
        raise error
    if not isinstance(error, RuntimeError):
        return translate(error)
    # httpx and anyio have no other class for a client that cannot be used as it is used here.
    if client.is_closed:
        refusal = ConfigurationError("The client was closed while this call was under way.")
    else:
        refusal = ConfigurationError(
            "The HTTP client cannot send from here. An async client works in one asyncio event "
            f"loop only, and a sync one in threads: {error}"
        )
    refusal.__cause__ = error
    return refusal
