"""A SOCKS proxy is spoken to without a time limit by httpcore; ours ends the wait."""

import asyncio
import socket
import time

import httpcore
import pytest

from holysheep_core.transport.asyncio_backend import AsyncioBackend
from holysheep_core.transport.dialling import AsyncBackend, Backend
from holysheep_core.transport.dns_cache import AddressBook


@pytest.fixture
def silent():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_proxy_that_says_nothing_ends_with_the_connect_limit(silent):
    started = time.monotonic()
    stream = Backend(httpcore.SyncBackend(), AddressBook(60), httpcore).connect_tcp(
        "127.0.0.1", silent, 0.2
    )
    stream.write(b"\x05\x01\x00")
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(4096)
    stream.close()
    assert time.monotonic() - started < 2


async def test_so_it_does_in_async(silent):
    backend = AsyncBackend(AsyncioBackend(), AddressBook(60), httpcore)
    stream = await backend.connect_tcp("127.0.0.1", silent, 0.2)
    await stream.write(b"\x05\x01\x00")
    with pytest.raises(httpcore.ReadTimeout):
        await asyncio.wait_for(stream.read(4096), 2)
    await stream.aclose()
