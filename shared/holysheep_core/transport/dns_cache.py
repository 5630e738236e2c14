"""Addresses that worked, for when the name service does not."""

from __future__ import annotations

import ipaddress
import socket


class AddressBook:
    """Remembers where names led. May be used by many threads at once.

    Args:
        ttl: Seconds for which an address is dialled without asking again.
    """

    def __init__(self, ttl: float) -> None:
        self._ttl = ttl
        self._good: dict[tuple[str, int], tuple[str, float]] = {}

    def fresh(self, host: str, port: int, now: float) -> str | None:
        """Return an address that worked lately, or None if the name is to be asked for."""
        address, at = self._good.get((host, port), ("", 0.0))
        return address if address and now - at < self._ttl else None

    def last_good(self, host: str, port: int) -> str | None:
        """Return the address that worked last, however long ago."""
        return self._good.get((host, port), (None, 0.0))[0]

    def worked(self, host: str, port: int, address: str, now: float) -> None:
        """A name was resolved and led to this address."""
        if not is_address(host):
            self._good[host, port] = (address, now)

    def failed(self, host: str, port: int) -> None:
        """The address did not answer: ask for the name again."""
        address = self.last_good(host, port)
        if address is not None:
            self._good[host, port] = (address, float("-inf"))


def is_name_failure(error: BaseException | None) -> bool:
    """Tell whether a connection failed because its name could not be resolved."""
    while error is not None:
        if isinstance(error, socket.gaierror):
            return True
        error = error.__cause__ or error.__context__
    return False


def is_address(host: str) -> bool:
    """Tell whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
