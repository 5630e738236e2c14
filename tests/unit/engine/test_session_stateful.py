"""The session under whatever order of things Hypothesis thinks of, and the twins beside each other.

A model that knows its text answers every request, in a manner of its own, and the world does
the rest: splits, comments, damage, refusals, cuts, silence. Whatever happens, the reader has
a beginning of the text, in order and once, or all of it, or the error says what he has.
"""

import asyncio

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from holysheep_core import HolySheepError, RetryBudget, RetryConfig, Timeouts
from holysheep_core.catalog import Catalog
from holysheep_core.engine.actions import Finish, Send, Wait
from holysheep_core.engine.session import Session
from holysheep_core.engine.settings import Settings
from holysheep_core.engine.state import SessionStateError
from holysheep_core.errors import StreamCutError
from holysheep_core.routing.providers import Provider
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.routing.routes import build_chain
from holysheep_core.simulator import (
    Scenario,
    Simulator,
    cut,
    error_event,
    malformed,
    refuse,
    reply,
)
from holysheep_core.simulator.answers import answer as think
from holysheep_core.types import ChatRequest
from support.drivers import run_async, run_sync
from support.sse import choice, event

TEXTS = [
    "The quick brown fox jumps over the lazy dog and then goes home to sleep.",
    "안녕, 양 세 마리! Then `x = [1, 2]`:\n```py\nfor i in x:\n    print(i)\n```\n끝났어요 👋.",
    "One\n\n- two\n- three\n\nfour, five.",
    "Short.",
    "",
]
CALL = ("pay", '{"amount": 1000, "to": "서울"}')
MOST_REQUESTS = 40
HTML, JSON = {"content-type": "text/html"}, {"content-type": "application/json"}


class Exchanges(RuleBasedStateMachine):
    """One call. Each step is a thing that the server, the network or the clock does."""

    @initialize(
        text=st.sampled_from(TEXTS),
        manner=st.sampled_from(["exact", "obedient", "restart"]),
        calls=st.sampled_from([(), (CALL,), (CALL, ("look", "{}"))]),
        coalesce=st.booleans(),
        begun=st.integers(0, 60),
        mends=st.booleans(),
    )
    def begin(self, text, manner, calls, coalesce, begun, mends):
        self.mends = mends  # in the end, the server is well
        calls = calls or (() if text else (CALL,))
        self.scenario = Scenario(text=text, manner=manner, tool_calls=calls)
        request = ChatRequest("gpt-4.1", [{"role": "user", "content": "go"}])
        chosen = Settings(
            budget=RetryBudget(),
            retry=RetryConfig(jitter=0),
            timeouts=Timeouts(stall=10, first_token=20),
            coalesce=coalesce,
        )
        chain = build_chain(
            request,
            (Provider("k", "https://one.test/v1"),),
            chosen.fallback,
            RouteStates(),
            Catalog(),
        )
        self.now, self.got, self.requests = 100.0, [], 0
        self.events, self.calls = [], []
        self.session = Session(
            request,
            chain,
            chosen,
            now=self.now,
            notify=self.events.append,
            wall=lambda: 0.0,
            rng=lambda: 0.0,
        )
        self.outcome = None
        self.reading, self.answered = False, False
        self.wire, self.ended = b"", False
        if begun:  # or hardly a call would come as far as a splice point
            self.act()
            self.streams()
            self.says(begun, [])

    # -- what is going on -------------------------------------------------------------------

    def is_open(self):
        return self.reading and self.answered

    def take(self, deltas):
        for delta in deltas:
            assert delta.text or delta.reasoning or delta.tool_calls
            assert not self.calls, "nothing comes after tool calls"
            self.got.append(delta.text)
            self.calls += delta.tool_calls
        self.reading = self.session.wants_data(self.now)

    def text(self):
        return "".join(self.got)

    @precondition(lambda self: not self.reading and self.outcome is None)
    @rule()
    def act(self):
        try:
            action = self.session.next_action(self.now)
        except HolySheepError as error:
            assert error.partial == self.text()
            assert len(error.attempts) == self.requests
            self.outcome = error
            return
        if isinstance(action, Finish):
            self.outcome = action.completion
        elif isinstance(action, Wait):
            assert 0 < action.seconds <= 60
            self.now += action.seconds
        else:
            assert isinstance(action, Send)
            self.requests += 1
            self.reading, self.answered = True, False
            self.mind = think(self.scenario, msgspec.json.decode(action.body))
            self.left, self.wire, self.ended = self.mind.text, b"", False
            self.parts = [
                choice({"tool_calls": [{"index": i, "id": f"c{i}", "function": part}]})
                for i, (name, arguments) in enumerate(self.mind.tool_calls)
                for part in (
                    {"name": name, "arguments": ""},
                    {"arguments": arguments[:5]},
                    {"arguments": arguments[5:]},
                )
            ]

    @precondition(lambda self: self.outcome is not None)
    @rule()
    def stays_over(self):
        assert not self.session.wants_data(self.now)
        with pytest.raises(SessionStateError):
            self.session.receive_data(choice({"content": "late"}), self.now)
        try:
            action = self.session.next_action(self.now)
        except HolySheepError as error:
            assert error is self.outcome
        else:
            assert action == Finish(self.outcome)

    # -- the answer begins ------------------------------------------------------------------

    @precondition(lambda self: self.reading and not self.answered)
    @rule()
    def streams(self):
        self.answered = True
        self.session.receive_response(200, {"content-type": "text/event-stream"}, self.now)
        self.reading = self.session.wants_data(self.now)

    @precondition(lambda self: self.reading and not self.answered)
    @rule(
        status=st.sampled_from([429, 503, 500, 401, 400, 200]),
        hint=st.sampled_from([{}, {"retry-after": "1"}, {"retry-after": "90"}]),
    )
    def refuses(self, status, hint):
        if status == 200:
            self.session.receive_response(200, HTML, self.now)
            self.take(self.session.receive_data(b"<html>", self.now))
            self.reading = self.session.wants_data(self.now)
            return
        self.session.receive_response(status, {**JSON, **hint}, self.now)
        self.take(self.session.receive_data(b'{"error": {"message": "no"}}', self.now))
        self.take(self.session.receive_eof(self.now))

    @precondition(lambda self: self.reading and not self.answered and not self.got)
    @rule()
    def answers_whole(self):
        message = {"content": self.mind.text}
        calls = self.mind.tool_calls
        if calls:
            message["tool_calls"] = [
                {"id": f"c{i}", "function": {"name": name, "arguments": arguments}}
                for i, (name, arguments) in enumerate(calls)
            ]
        body = {"choices": [{"message": message, "finish_reason": self.mind.finish_reason}]}
        self.session.receive_response(200, JSON, self.now)
        self.take(self.session.receive_data(msgspec.json.encode(body), self.now))
        self.take(self.session.receive_eof(self.now))

    # -- the answer goes on -----------------------------------------------------------------

    def send(self, data, cuts=()):
        """Put bytes on the wire; the last of them may stay there until the next come."""
        self.wire += data
        for size in (*cuts, None):
            if not self.reading:
                return
            piece, self.wire = self.wire[:size], self.wire[size:] if size else b""
            if piece:
                self.take(self.session.receive_data(piece, self.now))

    @precondition(is_open)
    @rule(size=st.integers(1, 40), cuts=st.lists(st.integers(1, 60), max_size=3))
    def says(self, size, cuts):
        said, self.left = self.left[:size], self.left[size:]
        self.send(choice({"content": said}), cuts)

    @precondition(lambda self: self.is_open() and not self.left)
    @rule(cuts=st.lists(st.integers(1, 60), max_size=2))
    def calls_tools(self, cuts):
        if self.parts:
            self.send(self.parts.pop(0), cuts)

    @precondition(lambda self: self.is_open() and not self.left and not self.parts)
    @rule(signs=st.sampled_from(["reason", "done", "both"]), cuts=st.lists(st.integers(1, 60)))
    def finishes(self, signs, cuts):
        self.ended = True
        reason = choice({}, finish_reason=self.mind.finish_reason)
        self.send({"reason": reason, "done": b"", "both": reason}[signs], cuts)
        if signs != "reason":
            self.send(b"data: [DONE]\n\n", cuts)

    @precondition(is_open)
    @rule(noise=st.sampled_from([b": hi\n\n", b"\n", b"data: ping\n\n", b"event: x\n\n"]))
    def makes_noise(self, noise):
        self.send(noise)

    @precondition(lambda self: self.is_open() and not self.ended)
    @rule(size=st.integers(1, 9))
    def damages_an_event(self, size):
        self.left = self.left[size:]
        self.send(b'data: {"choices":[{"del\n\n')

    @precondition(lambda self: self.is_open() and not self.ended)
    @rule()
    def reports_an_error(self):
        self.send(event(error={"message": "upstream failed"}))

    @precondition(lambda self: self.reading)
    @rule()
    def breaks(self):
        self.take(self.session.receive_error(StreamCutError("reset"), self.now))

    @precondition(is_open)
    @rule(half=st.booleans())
    def ends(self, half):
        if half and self.left:
            self.send(choice({"content": self.left[:3]})[:-20])
        if self.reading:
            self.take(self.session.receive_eof(self.now))

    @precondition(lambda self: self.reading)
    @rule(seconds=st.floats(0.1, 30))
    def is_silent(self, seconds):
        self.now += seconds
        deadline = self.session.deadline
        if deadline is not None and self.now >= deadline:
            self.take(self.session.receive_error(StreamCutError("late"), self.now))
        else:
            self.session.receive_silence(self.now)

    # -- the promises -----------------------------------------------------------------------

    @invariant()
    def the_reader_has_a_beginning_of_the_text(self):
        if hasattr(self, "session"):
            assert self.scenario.text.startswith(self.text())
            assert self.requests <= MOST_REQUESTS

    @invariant()
    def tool_calls_are_whole(self):
        for call in getattr(self, "calls", ()):
            assert (call.name, call.arguments) in self.scenario.tool_calls

    @invariant()
    def a_completion_is_whole(self):
        outcome = getattr(self, "outcome", None)
        if outcome is None or isinstance(outcome, HolySheepError):
            return
        assert outcome.text == self.text() == self.scenario.text
        assert list(outcome.tool_calls) == self.calls
        assert len(outcome.tool_calls) == len(self.scenario.tool_calls)
        assert len(outcome.attempts) == self.requests

    def teardown(self):
        """From anywhere, the call ends: whole if the server is well from now on, or with an error."""
        for _ in range(20 * MOST_REQUESTS):
            if getattr(self, "outcome", self) is not None:
                break
            if not self.reading:
                self.act()
            elif self.mends:
                self.answer_well()
            else:
                self.breaks()
        assert getattr(self, "outcome", self) is not None
        self.the_reader_has_a_beginning_of_the_text()
        self.tool_calls_are_whole()
        self.a_completion_is_whole()

    def answer_well(self):
        if not self.answered:
            self.streams()
        for _ in range(20):
            if self.is_open() and self.left:
                self.says(7, [5, 30])
        while self.is_open() and self.parts:
            self.calls_tools([9])
        if self.is_open():
            self.finishes("both", [3])
        if self.reading:
            self.ends(half=False)


Exchanges.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, derandomize=True
)
TestExchanges = Exchanges.TestCase


FAULTS = st.one_of(
    # No "rst": how much of what was sent is read before a reset is chance, in either driver.
    st.builds(cut, st.integers(0, 80), st.sampled_from(["fin", "eof"])),
    st.builds(error_event, st.integers(0, 80)),
    st.builds(malformed, st.integers(0, 80)),
    st.sampled_from([401, 429, 500, 503]).map(refuse),
    st.just(refuse(429, retry_after=90)),
    st.just(reply(200, "<p>", HTML)),
)
SCRIPTS = st.builds(
    Scenario,
    text=st.sampled_from(TEXTS[:3]),
    faults=st.lists(FAULTS, max_size=3),
    manner=st.sampled_from(["exact", "obedient", "restart", "repeat", "different"]),
    piece=st.integers(1, 9),
    split=st.none() | st.integers(1, 30),
    tool_calls=st.sampled_from([(), (CALL,)]),
    done=st.booleans(),
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(SCRIPTS)
def test_both_drivers_agree_on_any_exchange(simulator: Simulator, scenario):
    sync = run_sync(simulator.add(scenario))
    assert sync == asyncio.run(run_async(simulator.add(scenario)))
