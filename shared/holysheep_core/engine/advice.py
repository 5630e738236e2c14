"""What an error without any text says of the requests of its call, and what is to be checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from holysheep_core.errors import (
    APIConnectionError,
    APIError,
    ConnectTimeoutError,
    HolySheepError,
    TLSError,
)
from holysheep_core.types import Attempt

_CONNECTION = "Check base_url, the network, and the proxy (HTTPS_PROXY, NO_PROXY)."
_TLS = (
    "Check that base_url has the right scheme, host and port. Where a company's proxy opens TLS, "
    "set SSL_CERT_FILE to its certificate, or pass connections=Connections(verify=…)."
)


def with_advice(
    error: HolySheepError, attempts: Sequence[Attempt], seconds: float
) -> HolySheepError:
    """Add to an error the wait it asks for, what was tried, and what to check if nothing answered.

    A single request that was answered says all by its own message: that error stays as it is.

    Args:
        error: The last failure of a call that gave no text.
        attempts: The requests of the call.
        seconds: How long the call took.

    Returns:
        The same error.
    """
    answered = any(each.status_code for each in attempts)
    advice = None if answered else _ADVICE.get(type(error))
    parts = []
    if isinstance(error, APIError) and error.retry_after:
        parts.append(f"The server asks for a wait of {error.retry_after:g} s.")
    if len(attempts) > 1 or (attempts and advice is not None):
        parts.append(f"Tried {_tried(attempts)} in {seconds:.1f} s.")
    if advice is not None:
        parts.append(advice)
    if parts:
        said = str(error).rstrip(". ")
        error.args = (" ".join([f"{said}.", *parts]),)
    return error


def _tried(attempts: Sequence[Attempt]) -> str:
    """Return how often, and where if there was more than one place.

    >>> _tried([Attempt(1, "a", "gpt-4.1", "request", 0.0)])
    'once'
    """
    routes = Counter((each.provider, each.model) for each in attempts)
    if len(routes) == 1:
        return _times(len(attempts))
    several = len({provider for provider, _ in routes}) > 1
    named = (f"{provider}/{model}" if several else model for provider, model in routes)
    counted = (
        f"{name} {_times(count)}" for name, count in zip(named, routes.values(), strict=True)
    )
    return f"{_times(len(attempts))} ({', '.join(counted)})"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


_ADVICE: Mapping[type[HolySheepError], str] = {
    TLSError: _TLS,
    APIConnectionError: _CONNECTION,
    ConnectTimeoutError: _CONNECTION,
}
"""What an error says where no connection could be made."""
