"""One call: its request, its callbacks, and its end."""

import pytest

from holysheep_core import ChatRequest, Delta, Observer, RequestSent, ServerError, StreamCompleted
from holysheep_core.client.calls import Calls
from holysheep_core.engine.settings import Settings
from holysheep_core.journal.opening import Opening
from holysheep_core.simulator import cut, refuse
from holysheep_core.transport.clients import Clients
from holysheep_core.types import Completion, Usage
from support.calls import CALL
from support.gateways import gateway_of

REQUEST = ChatRequest(*CALL, call_id="a")
WHOLE = Completion("one two", "stop", "m", "m", "p", Usage(1, 2), ())


class Watcher(Observer):
    def __init__(self):
        self.began, self.events, self.ended = [], [], []

    def call_began(self, call_id, request):
        self.began.append((call_id, request))

    def happened(self, event):
        self.events.append(type(event))

    def call_ended(self, record, answer):
        self.ended.append((record.outcome, answer))


class Entry:
    """A journal's entry that notes what is done with it."""

    def __init__(self, *, at_once=False):
        self.done = []
        self.write_at_once = (lambda: self.done.append("write")) if at_once else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.append("left")

    def watch(self, session):
        self.done.append("watched")

    def finish(self, completion):
        self.done.append(completion.text)


@pytest.fixture
def made():
    """Make the calls of a client; its connections are closed afterwards."""

    def made(script, *observers, on_event=None):
        clients = Clients(None, None, None)
        opened.append(clients)
        return Calls(gateway_of(script), Settings(), clients, observers, on_event)

    opened = []
    yield made
    for clients in opened:
        clients.close()


def run(calls, opening=None, *, on_token=None, on_event=None, pace=None):
    return list(calls.run(lambda: opening or Opening(REQUEST), on_token, on_event, pace))


async def arun(calls, opening=None, *, on_token=None, on_event=None, pace=None):
    async def begin():
        return opening or Opening(REQUEST)

    return [each async for each in calls.arun(begin, on_token, on_event, pace)]


def test_deltas_are_followed_by_the_completion(made, play, text):
    *deltas, completion = run(made(play()))
    assert "".join(delta.text for delta in deltas) == completion.text == text


def test_nothing_happens_before_the_first_delta_is_wanted(made, play):
    script = play()
    watcher = Watcher()
    stream = made(script, watcher).run(lambda: Opening(REQUEST), None, None, None)
    assert (watcher.began, script.requests) == ([], [])
    stream.close()


def test_observers_see_the_call_from_its_beginning_to_its_end(made, play, text):
    watcher = Watcher()
    run(made(play(faults=[cut(30)]), watcher))
    assert watcher.began == [("a", REQUEST)]
    assert (watcher.events[0], watcher.events[-1]) == (RequestSent, StreamCompleted)
    assert watcher.ended == [("completed", text)]


def test_observers_see_the_end_of_a_call_that_fails_or_is_left(made, play):
    watcher = Watcher()
    calls = made(play(faults=[refuse(500, times=None)]), watcher)
    with pytest.raises(ServerError):
        run(calls)
    stream = made(play(), watcher).run(lambda: Opening(REQUEST), None, None, None)
    first = next(stream)
    stream.close()
    assert [outcome for outcome, _ in watcher.ended] == ["ServerError", "closed"]
    assert watcher.ended[0][1] == ""
    assert watcher.ended[1][1].startswith(first.text)


def test_a_failing_observer_or_listener_does_not_end_the_call(made, play, text):
    class Broken(Observer):
        def call_began(self, *_):
            raise ValueError

        happened = call_ended = call_began

    def broken(_):
        raise ValueError

    watcher = Watcher()
    assert run(made(play(), Broken(), watcher), on_event=broken)[-1].text == text
    assert watcher.ended == [("completed", text)]


def test_listeners_of_the_client_and_of_the_call_get_the_same_events(made, play):
    always, once = [], []
    calls = made(play(), on_event=always.append)
    run(calls, on_event=once.append)
    assert always == once != []
    run(calls)
    assert len(always) == 2 * len(once)


def test_on_token_gets_text_and_nothing_else(made, play, text):
    tokens = []
    given = Opening(REQUEST, (Delta("", "Hm."), Delta("one two"), WHOLE), whole=True)
    assert run(made(play()), given, on_token=tokens.append) == list(given.given)
    assert tokens == ["one two"]
    run(made(play()), on_token=tokens.append)
    assert "".join(tokens[1:]) == text


def test_a_whole_answer_is_given_without_a_request_or_an_observer(made, play):
    script, watcher = play(), Watcher()
    assert run(made(script, watcher), Opening(REQUEST, (WHOLE,), whole=True)) == [WHOLE]
    assert (script.requests, watcher.began) == ([], [])


def test_a_begun_answer_is_given_and_then_resumed(made, play, text):
    script = play()
    begun = text[:40]
    first, *_, completion = run(made(script), Opening(REQUEST, (Delta(begun),), begun))
    assert (first.text, completion.text) == (begun, text)
    assert script.requests[0].body["messages"][-2]["content"] == begun


def test_pace_is_called_before_each_request(made, play):
    script, paced = play(faults=[cut(30)]), []
    run(made(script), pace=lambda: paced.append(len(script.requests)))
    assert paced == [0, 1]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_journals_entry_is_finished_before_the_reader_has_the_completion(
    made, play, text, at_once
):
    entry, seen = Entry(at_once=at_once), []
    for each in made(play()).run(lambda: Opening(REQUEST, entry=entry), None, None, None):
        seen.append(each)
        assert entry.done.count("write") == (len(seen) if at_once else 0)
        assert (text in entry.done) is isinstance(each, Completion)
    assert entry.done[0] == "watched"
    assert entry.done[-1] == "left"


async def test_async_calls_do_the_same(made, play, text):
    watcher, tokens, events, paced = Watcher(), [], [], []

    async def take(token):
        tokens.append(token)

    async def note(event):
        events.append(type(event))

    async def pace():
        paced.append(1)

    calls = made(play(faults=[cut(30)]), watcher)
    completion = (await arun(calls, on_token=take, on_event=note, pace=pace))[-1]
    assert "".join(tokens) == completion.text == text
    assert events == watcher.events
    assert len(paced) == 2
    assert watcher.ended == [("completed", text)]
    await calls._clients.aclose()


async def test_async_calls_give_a_whole_answer_likewise(made, play):
    script, tokens = play(), []
    given = Opening(REQUEST, (Delta("one two"), WHOLE), whole=True)
    assert await arun(made(script), given, on_token=tokens.append) == list(given.given)
    assert (tokens, script.requests) == (["one two"], [])
