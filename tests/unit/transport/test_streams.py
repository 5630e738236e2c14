"""Streams that keep to a moving deadline."""

import errno

import pytest

from holysheep_core.transport.dns_cache import AddressBook
from holysheep_core.transport.streams import AsyncBackend, Backend


class _Reset:
    """A connection that was reset as soon as it was made, as asyncio and as a socket shows it."""

    aclose = close = None

    def __init__(self, *, by_error):
        self._by_error = by_error

    def get_extra_info(self, info):
        if self._by_error:
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    def connect_tcp(self, *_):
        return self


class _AsyncReset(_Reset):
    async def connect_tcp(self, *_):
        return self


@pytest.mark.parametrize("by_error", [True, False])
async def test_a_connection_reset_at_once_has_no_address_to_remember_and_fails_when_used(by_error):
    book = AddressBook(60)
    Backend(_Reset(by_error=by_error), book).connect_tcp("sheep.test", 80)
    await AsyncBackend(_AsyncReset(by_error=by_error), book).connect_tcp("sheep.test", 80)
    assert book.last_good("sheep.test", 80) is None
