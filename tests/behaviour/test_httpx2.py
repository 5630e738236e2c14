"""An answer is the same whether httpx or httpx2 brings it, and who uses neither loads neither."""

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

from holysheep_core import (
    ConfigurationError,
    Connections,
    HolySheepError,
    RetryConfig,
    StreamingRetryHandler,
    Timeouts,
    create_resilient_async_client,
    create_resilient_client,
)
from holysheep_core.simulator import cut, refuse, stall
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import CALL, MODEL
from support.libraries import OLD, load, with_both

FAST = RetryConfig(base_delay=0.001)


class ByCore:
    def __init__(self, url, **settings):
        self.made = StreamingRetryHandler("k", base_url=url, config=FAST, **settings)

    def say(self):
        return "".join(self.made.stream_with_retry(*CALL))

    async def asay(self):
        return "".join([token async for token in self.made.astream_with_retry(*CALL)])


class ByLangChain:
    def __init__(self, url, **settings):
        self.made = ChatHolySheep(model=MODEL, api_key="k", base_url=url, retry=FAST, **settings)

    def say(self):
        return "".join(chunk.text for chunk in self.made.stream("go"))

    async def asay(self):
        return "".join([chunk.text async for chunk in self.made.astream("go")])


class ByLlamaIndex:
    def __init__(self, url, **settings):
        self.made = HolySheep(model=MODEL, api_key="k", api_base=url, retry=FAST, **settings)

    def say(self):
        return "".join(response.delta for response in self.made.stream_complete("go"))

    async def asay(self):
        return "".join([each.delta async for each in await self.made.astream_complete("go")])


FACES = [ByCore, ByLangChain, ByLlamaIndex]


def said(face, url, library, own, **settings):
    """Return what a sync stream says, with a client of one's own or of ours."""
    net = load(library)
    with ExitStack() as stack:
        if own:
            settings["http_client"] = stack.enter_context(net.Client())
        else:
            settings["connections"] = Connections(library=library)
        return face(url, **settings).say()


def said_async(face, url, library, own, **settings):
    async def run():
        net = load(library)
        if not own:
            settings["connections"] = Connections(library=library)
            return await face(url, **settings).asay()
        async with net.AsyncClient() as client:
            return await face(url, http_async_client=client, **settings).asay()

    return asyncio.run(run())


both_ways = pytest.mark.parametrize("say", [said, said_async])
whose = pytest.mark.parametrize("own", [True, False], ids=["own client", "ours"])


@with_both
@both_ways
@whose
@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("by", ["rst", "fin", "eof"])
def test_a_cut_answer_arrives_whole(play, text, face, say, own, library, by):
    script = play(faults=[refuse(503), cut(at=20, by=by), cut(at=5, by=by)])
    assert say(face, script.base_url, library, own) == text
    assert len(script.requests) == 4


@with_both
@both_ways
@whose
def test_a_stall_is_noticed_and_resumed(play, text, say, own, library):
    script = play(faults=[stall(20)])
    started = time.monotonic()
    timeouts = Timeouts(stall=0.3, first_token=0.3)
    assert say(ByCore, script.base_url, library, own, timeouts=timeouts) == text
    assert 0.3 < time.monotonic() - started < 5
    assert len(script.requests) == 2


@with_both
@both_ways
@whose
def test_a_server_that_is_gone_is_the_same_error(say, own, library):
    with pytest.raises(HolySheepError, match=r"No connection to http://127\.0\.0\.1:9") as caught:
        say(ByCore, "http://127.0.0.1:9/v1", library, own, fallback_models=[])
    assert type(caught.value.__cause__).__module__.partition(".")[0] == library


@with_both
def test_a_client_that_was_closed_is_a_configuration_error(play, library):
    net = load(library)
    client = net.Client()
    client.close()
    with pytest.raises(ConfigurationError, match="http_client has been closed"):
        ByCore(play().base_url, http_client=client).say()


@with_both
@pytest.mark.parametrize("face", FACES)
def test_clients_are_not_taken_for_each_other(play, library, face):
    net = load(library)
    url = play().base_url
    with net.Client() as client, pytest.raises(ConfigurationError, match="needs an httpx"):
        face(url, http_async_client=client).say()
    with pytest.raises(ConfigurationError, match=r"httpx2\.Client"):
        face(url, http_client=net.AsyncClient()).say()


@with_both
def test_a_resilient_client_is_one_of_the_library(play, library):
    net, url = load(library), play().base_url
    with create_resilient_client(Connections(library=library)) as client:
        assert isinstance(client, net.Client)
        assert client.get(f"{url}/models").status_code == 200
        with pytest.raises(net.ConnectError):
            client.get("http://127.0.0.1:9/v1/models")

    async def run():
        async with create_resilient_async_client(Connections(library=library)) as client:
            assert isinstance(client, net.AsyncClient)
            assert (await client.get(f"{url}/models")).status_code == 200
            with pytest.raises(net.ConnectError):
                await client.get("http://127.0.0.1:9/v1/models")

    asyncio.run(run())


def test_without_httpx2_the_setting_says_what_to_do(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install httpx2"):
        Connections(library="httpx2")


def test_no_other_library_is_known():
    with pytest.raises(ConfigurationError, match="httpx, httpx2"):
        Connections(library="requests")


PROGRAM = """
import sys
import holysheep_core
assert not {"httpx", "httpx2", "httpcore", "httpcore2"} & set(sys.modules)
from holysheep_core.simulator import Simulator
with Simulator() as simulator:
    settings = {"connections": holysheep_core.Connections(library=sys.argv[1])}
    with holysheep_core.StreamingRetryHandler("k", base_url=simulator.base_url, **settings) as h:
        assert h.complete("gpt-4.1", [{"role": "user", "content": "go"}]).text
print("httpx2" in sys.modules)
"""


@with_both
def test_who_does_not_use_a_library_does_not_load_it(library):
    command = [sys.executable, "-c", PROGRAM, library]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (ran.stdout, ran.stderr) == (f"{library == 'httpx2'}\n", "")


ALIASED = """
import httpx2
httpx2.alias_httpx()
from holysheep_core import StreamingRetryHandler
from holysheep_core.simulator import Scenario, Simulator, cut
with Simulator() as simulator:
    url = simulator.add(Scenario(text="one two three four", faults=[cut(at=8)])).base_url
    with StreamingRetryHandler("k", base_url=url) as handler:
        print(handler.complete("gpt-4.1", [{"role": "user", "content": "go"}]).text)
"""


@OLD
def test_an_application_that_puts_httpx2_in_httpxs_place_has_its_answers():
    command = [sys.executable, "-c", ALIASED]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (ran.stdout, ran.stderr) == ("one two three four\n", "")
