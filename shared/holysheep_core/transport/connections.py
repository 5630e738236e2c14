"""How connections are made and kept: the settings.

HTTP/1.1 only. HTTP/2 was offered once and taken out: with httpcore's implementation of it, a server
that ends a connection (nginx does after 1,000 requests) fails the streams that are under way on it,
a stream that is left is not reset, and the waits for a free stream and for the connection's locks
have no time limit. None of that can be corrected from outside. One connection for each stream, as
here, has none of these faults.
"""

from __future__ import annotations

import importlib.util
import os
import ssl
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import ConfigurationError

LIBRARIES = ("httpx", "httpx2")
_PROXIES = ("http", "https", "socks5", "socks5h")


@refuses_unknown()
@dataclass(frozen=True)
class Connections:
    """The pool, the protocol and the way to the server. Clocks are in `Timeouts`.

    Attributes:
        max_connections: Most connections at a time; None for no cap. A stream keeps its
            connection for as long as it lasts, so a cap of 20 lets the 21st stream wait for one
            of the others to end, which reads like a stall. How many calls run at once is
            the caller's decision (and `RateLimits`').
        max_keepalive: Most idle connections that are kept for the next request.
        keepalive_expiry: Seconds they are kept; less than the 60 s after which many proxies and
            servers close them, since a request on a connection that is just being closed is lost.
        proxy: "http://…", "https://…" or "socks5://…"; None for what the environment says
            (`HTTPS_PROXY`, `NO_PROXY`, …).
        dns_ttl: Seconds for which an address that worked is dialled without asking DNS again; 0
            to ask for each connection. Where DNS fails, the last address that worked is dialled
            however old it is. Certificates are checked against the name in either case.
        verify: TLS settings, for a certificate authority of your own; None for the usual ones.
        library: What requests are made with: "httpx", or "httpx2" (Python 3.11 or newer), which is
            to be installed beside it.
    """

    max_connections: int | None = None
    max_keepalive: int = 100
    keepalive_expiry: float = 30.0
    proxy: str | None = field(default=None, repr=False)  # it may hold a password
    dns_ttl: float = 60.0
    verify: ssl.SSLContext | None = field(default=None, repr=False)
    library: Literal["httpx", "httpx2"] = "httpx"

    def __post_init__(self) -> None:
        if self.max_connections is not None:
            check_count("max_connections", self.max_connections, minimum=1)
        check_count("max_keepalive", self.max_keepalive)
        check_number("keepalive_expiry", self.keepalive_expiry)
        check_number("dns_ttl", self.dns_ttl)
        if self.proxy is not None and not _is_proxy(self.proxy):
            raise ConfigurationError(
                f"proxy: needs a URL that begins with one of {', '.join(_PROXIES)}."
            )
        given: object = self.verify  # whatever it is, not what its type says
        if given is not None and not isinstance(given, ssl.SSLContext):
            if isinstance(given, (str, os.PathLike)):
                made = f"ssl.create_default_context(cafile={os.fspath(given)!r})"
                raise ConfigurationError(f"verify takes no path: {made}.")
            raise ConfigurationError(
                f"verify={given!r}: needs an ssl.SSLContext. Turning checks off is not "
                "possible: anyone on the way could read the API key."
            )
        if self.library not in LIBRARIES:
            raise ConfigurationError(
                f"library={self.library!r}: needs one of {', '.join(LIBRARIES)}."
            )
        if self.library == "httpx2" and importlib.util.find_spec("httpx2") is None:
            raise ConfigurationError(
                'library="httpx2" needs the httpx2 package, and that Python 3.11 or newer: '
                "pip install httpx2."
            )


def _is_proxy(url: object) -> bool:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
    except ValueError:
        return False
    return parts.scheme in _PROXIES and bool(parts.hostname)
