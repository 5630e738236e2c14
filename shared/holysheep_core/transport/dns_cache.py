"""Addresses that gave an answer, for when the name service does not."""

from __future__ import annotations

import asyncio
import ipaddress
import queue
import socket
import threading
from collections.abc import Iterable
from typing import Any

import httpcore


class AddressBook:
    """Remembers where names led, and which addresses failed. May be used by many threads at once.

    Args:
        ttl: Seconds for which an address is dialled without asking again.
    """

    def __init__(self, ttl: float) -> None:
        self._ttl = ttl
        self._good: dict[tuple[str, int], tuple[str, float]] = {}
        self._failed: dict[tuple[str, int], tuple[str, ...]] = {}  # the last failure last

    def fresh(self, host: str, port: int, now: float) -> str | None:
        """Return the address that answered lately, or None if the name is to be asked for."""
        address, at = self._good.get((host, port), ("", 0.0))
        return address if address and now - at < self._ttl else None

    def last_good(self, host: str, port: int) -> str | None:
        """Return the address that answered last, however long ago."""
        return self._good.get((host, port), (None, 0.0))[0]

    def in_order(self, host: str, port: int, addresses: Iterable[str]) -> list[str]:
        """Return addresses in the name service's order, those that failed last at the end."""
        failed = self._failed.get((host, port), ())
        return sorted(addresses, key=lambda each: failed.index(each) if each in failed else -1)

    def worked(self, host: str, port: int, address: str, now: float) -> None:
        """A response came from this address."""
        if is_address(host):
            return
        self._good[host, port] = (address, now)
        failed = self._failed.get((host, port), ())
        if address in failed:
            self._failed[host, port] = tuple(each for each in failed if each != address)

    def failed(self, host: str, port: int, address: str) -> None:
        """Something failed at this address: ask for the name again, and dial others first."""
        if is_address(host):
            return
        if address == self.last_good(host, port):
            self._good[host, port] = (address, float("-inf"))
        others = [each for each in self._failed.get((host, port), ()) if each != address]
        self._failed[host, port] = (*others[-_MOST_FAILED:], address)


_MOST_FAILED = 31


def look_up(host: str, port: int, seconds: float | None) -> list[str]:
    """Ask the name service, for so many seconds at most.

    Raises:
        httpcore.ConnectError: There is no such name.
        httpcore.ConnectTimeout: No reply in time.
    """
    if is_address(host):
        return [host]
    reply: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            reply.put(_addresses(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except Exception as error:  # noqa: BLE001 - raised in the caller's thread
            reply.put(error)

    # The system's call has no time limit, so it runs in a thread that nobody need wait for.
    threading.Thread(target=ask, name="holysheep-dns", daemon=True).start()
    try:
        found = reply.get(timeout=seconds)
    except queue.Empty:
        raise httpcore.ConnectTimeout("The name service did not reply.") from None
    if isinstance(found, Exception):
        raise httpcore.ConnectError(str(found)) from found
    return list(found)


async def alook_up(host: str, port: int) -> list[str]:
    """Like `look_up`, for asyncio; the caller sets the time limit."""
    if is_address(host):
        return [host]
    loop = asyncio.get_running_loop()
    try:
        return _addresses(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError(str(error)) from error


def _addresses(found: Iterable[tuple[Any, ...]]) -> list[str]:
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_address(host: str) -> bool:
    """Tell whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
