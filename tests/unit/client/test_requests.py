"""The plugins' part of a client: streams of deltas, whole answers, closing."""

import copy
import pickle

import pytest

from holysheep_core import ChatRequest, ConfigurationError, HolySheepError, Journal, Observer
from holysheep_core.client.requests import Requests
from holysheep_core.engine.settings import Settings
from holysheep_core.simulator import refuse
from holysheep_core.transport.clients import Clients
from holysheep_core.types import Completion
from support.calls import CALL
from support.gateways import gateway_of

REQUEST = ChatRequest(*CALL)


class Closing(Observer):
    closed = 0

    def close(self):
        self.closed += 1


@pytest.fixture
def made():
    def made(script, *observers, owns_gateway=True, journal=None):
        client = Requests(
            gateway_of(script),
            Settings(),
            Clients(None, None, None),
            owns_gateway=owns_gateway,
            observers=observers,
            on_event=None,
            journal=journal,
        )
        opened.append(client)
        return client

    opened = []
    yield made
    for client in opened:
        client.close()


def test_a_stream_ends_with_its_completion_and_collect_returns_it(made, play, text):
    client, tokens = made(play()), []
    *deltas, completion = client.stream(REQUEST, on_token=tokens.append)
    assert "".join(delta.text for delta in deltas) == "".join(tokens) == text
    assert isinstance(completion, Completion)
    assert client.collect(REQUEST).text == text


def test_each_call_without_a_name_gets_one_of_its_own(made, play):
    names = []

    class Names(Observer):
        def call_began(self, call_id, request):
            assert request.call_id == call_id
            names.append(call_id)

    client = made(play("hi"), Names())
    for request in (REQUEST, REQUEST, ChatRequest(*CALL, call_id="mine")):
        client.collect(request)
    first, second, mine = names
    assert "" not in (first, second)
    assert (first != second, mine) == (True, "mine")


async def test_async_streams_do_so_too(made, play, text):
    client = made(play())
    deltas = [each async for each in client.astream(REQUEST)]
    assert "".join(delta.text for delta in deltas[:-1]) == deltas[-1].text == text
    assert (await client.acollect(REQUEST)).text == text
    await client.aclose()


@pytest.mark.parametrize("ask", [Requests.stream, Requests.astream])
def test_a_request_that_cannot_work_is_refused_before_it_is_iterated(made, play, ask):
    script = play()
    with pytest.raises(ConfigurationError, match="temperature"):
        ask(made(script), ChatRequest(*CALL, {"temperature": 9.0}))
    assert script.requests == []


async def test_an_error_of_the_call_is_raised_by_collect(made, play):
    client = made(play(faults=[refuse(401, times=None)]))
    with pytest.raises(HolySheepError):
        client.collect(REQUEST)
    with pytest.raises(HolySheepError):
        await client.acollect(REQUEST)
    await client.aclose()


@pytest.mark.parametrize("ask", [Requests.stream_again, Requests.astream_again])
def test_resuming_needs_a_journal_and_one_position(made, play, tmp_path, ask):
    with pytest.raises(ConfigurationError, match="no journal"):
        ask(made(play()), "a")
    with pytest.raises(ConfigurationError, match="offset and seen"):
        client = made(play(), journal=Journal(f"sqlite:///{tmp_path}/a.db"))
        ask(client, "a", offset=3, seen="abc")


async def test_an_answer_of_the_journal_is_streamed_again(made, play, text, tmp_path):
    script = play()
    client = made(script, journal=Journal(f"sqlite:///{tmp_path}/a.db"))
    client.collect(ChatRequest(*CALL, call_id="a"))
    first, completion = client.stream_again("a", offset=5)
    assert (first.text, completion.text) == (text[5:], text)
    assert [each async for each in client.astream_again("a", seen=text)] == [completion]
    assert len(script.requests) == 1


def test_closing_closes_the_observers(made, play):
    one, two = Closing(), Closing()
    with made(play(), one, two):
        assert (one.closed, two.closed) == (0, 0)
    assert (one.closed, two.closed) == (1, 1)


async def test_closing_in_a_task_closes_the_observers_too(made, play):
    observer = Closing()
    async with made(play(), observer) as client:
        await client.acollect(REQUEST)
    assert observer.closed == 1


@pytest.mark.parametrize("owns_gateway", [True, False])
def test_closing_leaves_the_gateway_and_closes_its_own(made, play, monkeypatch, owns_gateway):
    client, closed = made(play(), owns_gateway=owns_gateway), []
    monkeypatch.setattr(client.gateway, "close", lambda: closed.append(1))
    assert client.gateway._users
    client.close()
    assert not client.gateway._users
    assert bool(closed) is owns_gateway


def test_a_copy_is_the_same_client_and_a_pickle_is_none(made, play):
    client = made(play())
    assert copy.deepcopy(client) is client
    with pytest.raises(TypeError, match="make a new one"):
        pickle.dumps(client)
