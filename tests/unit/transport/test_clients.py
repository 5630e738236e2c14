"""HTTP clients: shared, one per event loop, and closed when they can no longer be used."""

import asyncio
import gc
import threading

import pytest

from holysheep_core import ConfigurationError, StreamingRetryHandler
from holysheep_core.simulator import cut
from holysheep_core.transport.clients import Clients
from support.calls import ASK


def test_one_sync_client_serves_all_threads():
    clients, seen = Clients(), []
    threads = [threading.Thread(target=lambda: seen.append(clients.sync())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, seen))) == 1
    clients.close()


def test_each_event_loop_has_a_client_of_its_own_that_is_closed_with_it():
    clients = Clients()

    async def twice():
        first = await clients.for_running_loop()
        assert await clients.for_running_loop() is first
        return first

    one, two = asyncio.run(twice()), asyncio.run(twice())
    assert one is not two
    assert one.is_closed
    assert two.is_closed
    assert len(clients._own_async) == 1, "closed loops are forgotten"


def test_a_sync_client_is_closed_when_its_owner_is_garbage():
    clients = Clients()
    client = clients.sync()
    del clients
    gc.collect()
    assert client.is_closed


async def test_an_async_client_is_closed_when_its_owner_is_garbage():
    clients = Clients()
    client = await clients.for_running_loop()
    del clients
    gc.collect()
    await asyncio.sleep(0.01)
    assert client.is_closed


def test_one_handler_works_in_many_loops_one_after_the_other(play, text):
    script = play()
    handler = StreamingRetryHandler("k", base_url=script.base_url)
    for _ in range(3):
        assert asyncio.run(handler.acomplete("gpt-4.1", ASK)).text == text


def test_connections_are_used_again(play, simulator, text):
    script = play()
    with StreamingRetryHandler("k", base_url=script.base_url) as handler:
        before = simulator.connections
        for _ in range(5):
            assert handler.complete("gpt-4.1", ASK).text == text
        assert simulator.connections <= before + 1


def test_a_closed_handler_can_be_used_again(play, text):
    script = play()
    handler = StreamingRetryHandler("k", base_url=script.base_url)
    handler.close()
    assert handler.complete("gpt-4.1", ASK).text == text
    handler.close()


def test_no_key_is_said_when_the_handler_is_made():
    with pytest.raises(ConfigurationError, match="HOLYSHEEP_API_KEY"):
        StreamingRetryHandler()


def test_a_call_whose_client_is_closed_under_it_ends_in_a_typed_error_with_the_partial(play, text):
    handler = StreamingRetryHandler("k", base_url=play(faults=[cut(20)]).base_url)
    shown = ""
    with pytest.raises(ConfigurationError, match="closed while") as caught:
        for token in handler.stream_with_retry("gpt-4.1", ASK):
            shown += token
            handler.close()
    assert caught.value.partial == shown
    assert text.startswith(shown)


async def test_likewise_in_async(play, text):
    handler = StreamingRetryHandler("k", base_url=play(faults=[cut(20)]).base_url)
    shown = ""
    with pytest.raises(ConfigurationError, match="closed while") as caught:
        async for token in handler.astream_with_retry("gpt-4.1", ASK):
            shown += token
            await handler.aclose()
    assert caught.value.partial == shown
    assert text.startswith(shown)
