"""What a user is to check when no connection could be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holysheep_core.errors import APIConnectionError, ConnectTimeoutError, HolySheepError, TLSError
from holysheep_core.types import Attempt

_CONNECTION = "Check base_url, the network, and the proxy (HTTPS_PROXY, NO_PROXY)."
_TLS = (
    "Check that base_url has the right scheme, host and port. Where a company's proxy opens TLS, "
    "set SSL_CERT_FILE to its certificate, or pass connections=Connections(verify=…)."
)


def with_advice(
    error: HolySheepError, attempts: Sequence[Attempt], seconds: float
) -> HolySheepError:
    """Add to an error without any response what was tried, for how long, and what to check.

    Args:
        error: The last failure; another kind of error is left as it is.
        attempts: The requests of the call.
        seconds: How long the call took.

    Returns:
        The same error.
    """
    advice = _ADVICE.get(type(error))
    if advice is None or any(each.status_code for each in attempts):
        return error
    often = "once" if len(attempts) == 1 else f"{len(attempts)} times"
    said = str(error).rstrip(". ")
    error.args = (f"{said}. Tried {often} in {seconds:.1f} s. {advice}",)
    return error


_ADVICE: Mapping[type[HolySheepError], str] = {
    TLSError: _TLS,
    APIConnectionError: _CONNECTION,
    ConnectTimeoutError: _CONNECTION,
}
