"""Network streams for asyncio, on real sockets."""

import asyncio
import socket
import ssl
import struct

import httpcore
import pytest
import trustme

from holysheep_core.transport.asyncio_backend import AsyncioBackend

RESET = struct.pack("ii", 1, 0)


@pytest.fixture
async def peer():
    """Yield a listener's port, and a function that returns the next connection it took."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        loop, taken = asyncio.get_running_loop(), []

        async def accept():
            link, _ = await loop.sock_accept(listener)
            link.setblocking(True)
            taken.append(link)
            return link

        yield listener.getsockname()[1], accept
        for link in taken:
            link.close()


@pytest.fixture
async def pair(peer):
    port, accept = peer
    stream = await AsyncioBackend().connect_tcp("127.0.0.1", port, timeout=5)
    yield stream, await accept()
    await stream.aclose()


async def test_what_arrives_is_read_in_order_until_the_end(pair):
    stream, peer = pair
    peer.sendall(b"one")
    assert await stream.read(100, 5) == b"one"
    peer.sendall(b"two")
    peer.sendall(b"three")
    await asyncio.sleep(0.05)
    assert await stream.read(100, 5) == b"twothree"
    peer.sendall(b"last")
    peer.shutdown(socket.SHUT_WR)
    assert await stream.read(100, 5) == b"last"
    assert await stream.read(100, 5) == b""
    assert await stream.read(100, 5) == b""


async def test_a_read_ends_when_its_time_is_up_and_the_next_one_has_its_own(pair):
    stream, peer = pair
    started = asyncio.get_running_loop().time()
    for seconds in (0.2, 0.05, 0.1):
        with pytest.raises(httpcore.ReadTimeout):
            await stream.read(100, seconds)
    assert 0.3 < asyncio.get_running_loop().time() - started < 2
    peer.sendall(b"still there")
    assert await stream.read(100, None) == b"still there"


async def test_one_timer_serves_all_reads_of_a_connection(pair):
    stream, peer = pair
    loop = asyncio.get_running_loop()
    before = len(loop._scheduled)
    for _ in range(50):
        peer.sendall(b"x")
        assert await stream.read(100, 60) == b"x"
    assert len(loop._scheduled) <= before + 2


async def test_a_reset_is_an_error_after_what_came_before_it(pair):
    stream, peer = pair
    peer.sendall(b"words")
    assert await stream.read(100, 5) == b"words"
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    peer.close()
    with pytest.raises(httpcore.ReadError):
        await stream.read(100, 5)
    with pytest.raises(httpcore.WriteError):
        await stream.write(b"x", 5)


async def test_a_cancelled_read_loses_nothing(pair):
    stream, peer = pair
    reading = asyncio.create_task(stream.read(100, 5))
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    peer.sendall(b"kept")
    assert await stream.read(100, 5) == b"kept"


async def test_a_reader_who_pauses_holds_up_the_sender_and_gets_all_of_it(pair):
    stream, peer = pair
    size = 8 * 1024 * 1024
    sending = asyncio.create_task(asyncio.to_thread(peer.sendall, b"x" * size))
    await asyncio.sleep(0.2)
    assert not sending.done()
    assert stream._inbox._size < 1024 * 1024
    got = 0
    while got < size:
        got += len(await stream.read(65536, 5))
    assert got == size
    await sending


async def test_a_write_that_nobody_reads_ends_in_time(pair):
    stream, _ = pair
    with pytest.raises(httpcore.WriteTimeout):
        await stream.write(b"x" * 32 * 1024 * 1024, 0.1)


async def test_closing_is_seen_by_the_peer_at_once(pair):
    stream, peer = pair
    await stream.aclose()
    peer.settimeout(1)
    assert await asyncio.to_thread(peer.recv, 1) == b""


async def test_an_idle_connection_that_was_closed_is_known_to_be(pair):
    stream, peer = pair
    assert not stream.get_extra_info("is_readable")
    peer.close()
    assert stream.get_extra_info("is_readable")  # before the loop has had a turn, even
    await asyncio.sleep(0.01)
    assert stream.get_extra_info("is_readable")


async def test_what_httpcore_asks_for_is_answered(pair):
    stream, peer = pair
    assert stream.get_extra_info("server_addr") == peer.getsockname()
    assert stream.get_extra_info("client_addr") == peer.getpeername()
    assert stream.get_extra_info("socket").fileno() > 0
    assert stream.get_extra_info("ssl_object") is None


async def test_nobody_there_is_a_connect_error():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(httpcore.ConnectError):
        await AsyncioBackend().connect_tcp("127.0.0.1", port, timeout=5)
    with pytest.raises(httpcore.ConnectError):
        await AsyncioBackend().connect_tcp("nowhere.invalid", 443, timeout=30)


async def test_nobody_who_answers_is_a_timeout():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]  # more than the backlog takes
        for link in waiting:
            link.setblocking(False)
            link.connect_ex(("127.0.0.1", port))
        with pytest.raises(httpcore.ConnectTimeout):
            await AsyncioBackend().connect_tcp("127.0.0.1", port, timeout=0.3)
        for link in waiting:
            link.close()


async def test_tls_is_spoken_and_certificates_are_checked():
    authority = trustme.CA()

    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(serving)

    async def echo(reader, writer):
        writer.write(await reader.readexactly(4))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with server:
        plain = await AsyncioBackend().connect_tcp("127.0.0.1", port, timeout=5)
        stream = await plain.start_tls(trusting, "localhost", 5)
        assert stream.get_extra_info("ssl_object").version() == "TLSv1.3"
        await stream.write(b"ping", 5)
        assert await stream.read(100, 5) == b"ping"
        assert await stream.read(100, 5) == b""
        await stream.aclose()
        for context, name in (
            (trusting, "other.test"),
            (ssl.create_default_context(), "localhost"),
        ):
            plain = await AsyncioBackend().connect_tcp("127.0.0.1", port, timeout=5)
            with pytest.raises(httpcore.ConnectError, match="certificate verify failed"):
                await plain.start_tls(context, name, 5)


async def test_a_tls_handshake_that_stalls_is_a_timeout(pair):

    stream, _ = pair
    with pytest.raises(httpcore.ConnectTimeout):
        await stream.start_tls(ssl.create_default_context(), "localhost", 0.2)
