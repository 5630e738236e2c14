"""What the exceptions of httpx and httpcore mean: ours in their place.

Those of httpx2 and httpcore2 have the same names, and the table is one of names.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from holysheep_core.errors import (
    APIConnectionError,
    ConfigurationError,
    ConnectTimeoutError,
    HolySheepError,
    StreamCutError,
    StreamStalledError,
    TLSError,
)
from holysheep_core.secrets import MIN_SECRET_LENGTH, redact_line
from holysheep_core.transport.library import is_of_core, is_one, names_of

if TYPE_CHECKING:
    import httpx


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
    secrets: list[str] = []
    if request is not None:
        for name in set(request.headers) - _PLAIN_HEADERS:
            value = request.headers[name]
            secrets += [value, value.partition(" ")[2]]  # "Bearer …"
            del request.headers[name]
    cls, text = _meaning(error, reading=reading)
    what = f"{text}{_place(request)}" if text.startswith("No connection") else text
    proxy = _proxy_of(error)
    if proxy:
        way = _place(request).replace(" to ", " on the way to ", 1)
        refused = text == _REFUSED_BY_PROXY
        what = f"The proxy {proxy} refused{way}" if refused else f"{text} to the proxy {proxy}{way}"
    # httpcore repeats a status line or a header that it cannot read.
    said = redact_line(str(error), [each for each in secrets if len(each) >= MIN_SECRET_LENGTH])
    translated = cls(f"{what}: {said}" if said else f"{what}.")
    translated.__cause__ = error
    return translated


def _meaning(error: Exception, *, reading: bool) -> tuple[type[HolySheepError], str]:
    if _is_tls(error):
        return TLSError, "No secure connection"
    if _is_http2(error):
        return StreamCutError, "The HTTP/2 connection failed"
    for name in names_of(error):
        if name in _MEANINGS:
            return _MEANINGS[name]
    if isinstance(error, zlib.error):
        return _MEANINGS["DecodingError"]
    if isinstance(error, ImportError):
        return ConfigurationError, "The HTTP client needs a package that is not installed"
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


def _is_tls(error: BaseException | None) -> bool:
    """Tell whether TLS itself failed while a connection was made, not the network below it."""
    connecting = False
    while error is not None:
        connecting = connecting or type(error).__name__ == "ConnectError"
        if isinstance(error, ssl.SSLError) and not isinstance(error, _NETWORK):
            return connecting
        error = error.__cause__ or error.__context__
    return False


_NETWORK = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


@contextmanager
def as_httpx(http: ModuleType) -> Iterator[None]:
    """Raise httpcore's exceptions as those of the same name that httpx promises its users.

    Their frames are left out: in these the head of the request is a variable, with the key.

    Args:
        http: httpx, or httpx2.
    """
    try:
        yield
    except Exception as error:
        kind: type[Exception] | None = getattr(http, type(error).__name__, None)
        if kind is None or not is_of_core(error):
            raise
        each: BaseException | None = error
        while each is not None:
            each.__traceback__ = None
            each = each.__cause__ or each.__context__
        raise kind(str(error)) from error


def _request_of(error: Exception) -> httpx.Request | None:
    try:
        request = getattr(error, "request", None)
    except RuntimeError:  # httpx's way to say that there is none
        return None
    return request if is_one(request, "Request") else None


def note_proxy(error: Exception, proxy: str, *, connected: bool) -> None:
    """Let `translate` name the proxy, if it is the proxy that failed.

    Args:
        error: One of httpcore's.
        proxy: The proxy, and where it is set; "" for none.
        connected: There was a TCP connection, which with a proxy is one to the proxy.
    """
    if proxy and (not connected or "ProxyError" in names_of(error)):
        marked: Any = error
        marked.holysheep_proxy = proxy


def _proxy_of(error: BaseException) -> str:
    inner = error.__cause__ or error  # httpcore's, of which httpx's is made
    return str(getattr(inner, "holysheep_proxy", ""))


def _place(request: httpx.Request | None) -> str:
    return "" if request is None else f" to {request.url.scheme}://{request.url.netloc.decode()}"


_PLAIN_HEADERS = {"accept", "accept-encoding", "content-length", "content-type", "host"}
_REFUSED_BY_PROXY = "The proxy refused"
_MEANINGS: dict[str, tuple[type[HolySheepError], str]] = {
    "ConnectTimeout": (ConnectTimeoutError, "No connection in time"),
    "PoolTimeout": (ConnectTimeoutError, "No free connection in the pool in time"),
    "ReadTimeout": (StreamStalledError, "Nothing to read in time"),
    "WriteTimeout": (APIConnectionError, "The request could not be sent in time"),
    "ReadError": (StreamCutError, "The connection broke while reading"),
    "RemoteProtocolError": (StreamCutError, "The connection ended before the answer did"),
    "DecodingError": (StreamCutError, "The answer's compression is damaged"),
    "CloseError": (StreamCutError, "The connection did not close properly"),
    "ConnectError": (APIConnectionError, "No connection"),
    "WriteError": (APIConnectionError, "The request could not be sent"),
    "LocalProtocolError": (ConfigurationError, "httpx would not send this request"),
    "UnsupportedProtocol": (ConfigurationError, "This address cannot be used"),
    "InvalidURL": (ConfigurationError, "This address cannot be used"),
    "ProxyError": (APIConnectionError, _REFUSED_BY_PROXY),
    "TransportError": (APIConnectionError, "The request failed"),
}


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
