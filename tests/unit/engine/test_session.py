"""The session: every path without a socket, a clock or chance."""

from contextlib import suppress

import msgspec
import pytest

from holysheep_core import (
    ConfigurationError,
    DeadlineExceededError,
    FallbackConfig,
    HolySheepError,
    InvalidJSONOutputError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    ResumeConfig,
    RetryBudget,
    RetryConfig,
    SpendLimit,
    StillWaiting,
    StreamCutError,
    StreamingRetryExhausted,
    StreamInterruptedError,
    Timeouts,
    TokenLimitError,
    UnknownFinishReason,
)
from holysheep_core.catalog import Catalog
from holysheep_core.engine.actions import Finish, Send, Wait
from holysheep_core.engine.clocks import LINGER
from holysheep_core.engine.session import Session
from holysheep_core.engine.settings import Settings
from holysheep_core.engine.state import SessionStateError, State
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.routing.routes import build_chain
from holysheep_core.simulator import MANNERS, Scenario
from holysheep_core.simulator.answers import answer
from holysheep_core.types import ChatRequest
from support.sse import END, choice, event, said

REFUSED = msgspec.json.encode({"error": {"message": "no", "code": None}})


class Call:
    """A session under test, with time as a number."""

    def __init__(
        self, *, providers=(), route_states=None, params=None, gated=False, key="k", **settings
    ):
        self.events = []
        self.now = 100.0
        request = ChatRequest("gpt-4.1", [{"role": "user", "content": "go"}], params or {})
        settings = Settings(**{"budget": RetryBudget(), **settings})
        all_providers = (Provider(key, "https://one.test/v1"), *providers)
        chain = build_chain(
            request, all_providers, settings.fallback, route_states or RouteStates(), Catalog()
        )
        self.session = Session(
            request,
            chain,
            settings,
            now=self.now,
            notify=self.events.append,
            wall=lambda: 0.0,
            rng=lambda: 0.0,
            gated=gated,
        )
        self.text = ""

    def send(self):
        """Wait as long as told, then send; returns (model, url, waited, body)."""
        waited = 0.0
        while isinstance(action := self.session.next_action(self.now), Wait):
            waited += action.seconds
            self.now += action.seconds
        assert isinstance(action, Send)
        body = msgspec.json.decode(action.body)
        return body["model"], action.url, waited, body

    def answer(self, data=b"", status=200, headers=None, *, eof=True):
        self.session.receive_response(status, headers or {}, self.now)
        return self.read(data, eof=eof)

    def read(self, data=b"", *, eof=True):
        """Read as the drivers do: only while the session wants it."""
        wanted = self.session.wants_data(self.now)
        deltas = self.session.receive_data(data, self.now) if data and wanted else []
        if eof and self.session.wants_data(self.now):
            deltas += self.session.receive_eof(self.now)
        self.text += "".join(delta.text for delta in deltas)
        return deltas

    def refuse(self, status, headers=None, body=REFUSED):
        self.answer(body, status, headers)

    def finish(self):
        action = self.session.next_action(self.now)
        assert isinstance(action, Finish)
        return action.completion


def test_a_whole_answer_needs_one_request():
    call = Call()
    call.send()
    call.answer(said("Hello") + END)
    completion = call.finish()
    assert (completion.text, completion.finish_reason, completion.resumes) == ("Hello", "stop", 0)
    assert [attempt.outcome for attempt in completion.attempts] == ["completed"]


def test_a_lasting_503_asks_the_primary_twice_then_the_next_and_ends_with_the_error():
    call = Call()
    asked = []
    with pytest.raises(OverloadedError) as caught:
        while True:
            asked.append(call.send()[0])
            call.refuse(503)
    assert asked.count("gpt-4.1") == 2
    assert len(asked) == len(caught.value.attempts) <= 7


def test_a_503_sends_at_most_four_requests_within_three_seconds():
    call = Call()
    times = []
    with pytest.raises(OverloadedError):
        while True:
            call.send()
            times.append(call.now - 100.0)
            call.refuse(503)
    assert len([at for at in times if at <= 3.0]) <= 4


@pytest.mark.parametrize(("hint", "waited"), [("2", 2.0), ("0.5", 0.5), ("5", 5.0)])
def test_a_429_with_a_short_wait_is_sat_out_exactly(hint, waited):
    call = Call()
    call.send()
    call.refuse(429, {"retry-after": hint})
    assert call.send()[::2] == ("gpt-4.1", waited)


def test_a_429_with_a_long_wait_downgrades_at_once_and_cools_the_model_down():
    route_states = RouteStates()
    call = Call(route_states=route_states)
    call.send()
    call.refuse(429, {"retry-after": "30"})
    assert call.send()[::2] == ("gemini-2.5-flash", 0.0)
    later = Call(route_states=route_states)
    assert later.send()[0] == "gemini-2.5-flash"
    route_states.close(Route(Provider("k", "https://one.test/v1"), "gpt-4.1").key)
    assert Call(route_states=route_states).send()[0] == "gpt-4.1"


def test_a_429_without_a_hint_is_tried_once_more_with_backoff_then_downgraded():
    call = Call()
    asked = []
    for _ in range(3):
        asked.append(call.send()[::2])
        call.refuse(429)
    assert asked == [("gpt-4.1", 0.0), ("gpt-4.1", 1.0), ("gemini-2.5-flash", 0.0)]


def test_a_wait_longer_than_max_delay_ends_the_call_when_there_is_no_other_model():
    call = Call(fallback=FallbackConfig(models=[]))
    call.send()
    call.refuse(429, {"retry-after": "3600"})
    with pytest.raises(RateLimitError) as caught:
        call.session.next_action(call.now)
    assert caught.value.retry_after == 3600


def test_out_of_quota_is_not_retried_but_another_key_is_used():
    body = msgspec.json.encode({"error": {"code": "insufficient_quota"}})
    call = Call()
    call.send()
    call.refuse(429, body=body)
    with pytest.raises(QuotaExceededError):
        call.session.next_action(call.now)
    call = Call(providers=[Provider("k2", "https://two.test/v1", name="two")])
    call.send()
    call.refuse(429, body=body)
    assert call.send()[1].startswith("https://two.test")


def test_a_downgrade_in_mid_answer_resumes_it_on_the_smaller_model():
    call = Call()
    call.send()
    call.answer(said("The sheep eats grass and "))
    call.send()
    call.refuse(429, {"retry-after": "30"})
    model, _, _, body = call.send()
    call.answer(said("The sheep eats grass and sleeps.") + END)
    assert (model, call.text) == ("gemini-2.5-flash", "The sheep eats grass and sleeps.")
    assert body["messages"][1] == {"role": "assistant", "content": "The sheep eats grass and "}
    assert call.finish().downgrades == ("gemini-2.5-flash",)


def test_max_tokens_shrinks_by_what_was_received():
    call = Call(params={"max_tokens": 100})
    call.send()
    call.answer(said(" ".join(f"word{number:02}" for number in range(25))))
    # Some 43 tokens; 31 are sure. Room for an introduction and the words it is asked to repeat.
    assert 100 - 43 + 32 < call.send()[3]["max_tokens"] < 100 - 30 + 32 + 16


def test_a_stream_of_one_token_per_connection_ends_within_its_limits():
    call = Call(resume=ResumeConfig(max_resumes=8), retry=RetryConfig(max_retries=50))
    requests = 0
    with pytest.raises(StreamingRetryExhausted) as caught:
        while True:
            call.send()
            requests += 1
            call.answer(said(f"{requests}-th token. "))
    assert requests == 9
    assert caught.value.partial == call.text
    assert isinstance(caught.value.first_cause, StreamInterruptedError)


def test_resume_off_raises_the_cut_with_the_partial():
    call = Call(resume=ResumeConfig(enabled=False))
    call.send()
    call.answer(said("Half an "), eof=False)
    call.session.receive_error(StreamCutError("gone"), call.now)
    with pytest.raises(StreamCutError) as caught:
        call.session.next_action(call.now)
    assert caught.value.partial == "Half an "


def test_the_retry_budget_of_the_process_ends_retries():
    call = Call(budget=RetryBudget(capacity=10, cost=10), fallback=FallbackConfig(models=[]))
    call.send()
    call.refuse(500)
    call.send()
    call.refuse(500)
    with pytest.raises(Exception, match="HTTP 500") as caught:
        call.session.next_action(call.now)
    assert len(caught.value.attempts) == 2


def test_the_stall_clock_counts_content_and_not_comments():
    call = Call(timeouts=Timeouts(stall=10))
    call.send()
    call.answer(said("Hello there, dear reader"), eof=False)
    assert call.session.wants_data(call.now)
    for _ in range(4):
        call.now += 3
        call.read(b": keep-alive\n\n", eof=False)
    assert not call.session.wants_data(call.now)
    assert call.send()[3]["messages"][-2]["content"] == "Hello there, dear reader"


@pytest.mark.parametrize(
    ("data", "receiving"),
    [
        (b": keep-alive\n\n", "comments"),
        (choice({"images": [{"image_url": {"url": "u"}}]}), "parts"),
        (
            choice({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]}),
            "a tool call",
        ),
        (b'data: {"choices":[{"delta":{"content":"' + b"a" * 100, "an unfinished event"),
    ],
)
def test_a_sign_of_life_says_what_is_coming_in(data, receiving):
    call = Call()
    call.send()
    call.answer(said("Hello"), eof=False)
    call.now += 3
    call.read(data, eof=False)
    call.now += 3
    call.session.receive_silence(call.now)
    lives = [event for event in call.events if isinstance(event, StillWaiting)]
    assert [event.receiving for event in lives] == [receiving, ""]
    assert receiving in str(lives[0])


@pytest.mark.parametrize(("reason", "told"), [("stop", []), ("sated sk-key-sk", ["sated ***"])])
def test_an_unknown_reason_is_delivered_with_an_event_that_shows_no_key(reason, told):
    call = Call(key="sk-key-sk")
    call.send()
    call.answer(said("Hello") + choice({}, finish_reason=reason))
    assert call.finish().finish_reason == reason
    found = [event.reason for event in call.events if isinstance(event, UnknownFinishReason)]
    assert found == told


def test_the_stall_clock_does_not_count_the_readers_own_time():
    call = Call(timeouts=Timeouts(stall=10))
    call.send()
    call.answer(said("Hello"), eof=False)
    call.now += 500  # the reader thinks about it
    assert call.session.wants_data(call.now)
    assert call.session.deadline == call.now + 10


def test_a_wait_for_the_next_request_receives_nothing():
    call = Call()
    call.send()
    call.session.receive_response(429, {"retry-after": "5"}, call.now)
    call.session.receive_data(b'{"error": {"message": "slow down"', call.now)
    call.session.receive_data(b"}}", call.now)
    call.session.receive_eof(call.now)
    call.now += 3
    call.session.next_action(call.now)
    (alive,) = (event for event in call.events if isinstance(event, StillWaiting))
    assert (alive.what, alive.receiving) == ("the next request", "")


def test_total_ends_the_call_even_while_content_flows():
    call = Call(timeouts=Timeouts(total=5))
    call.send()
    call.answer(said("Hello"), eof=False)
    call.session.wants_data(call.now)
    call.now += 5
    call.session.receive_error(StreamCutError("late"), call.now)
    with pytest.raises(DeadlineExceededError) as caught:
        call.session.next_action(call.now)
    assert caught.value.partial == "Hello"


def test_an_error_after_the_finish_reason_is_no_error():
    call = Call()
    call.send()
    call.answer(said("Hello") + choice({}, finish_reason="stop"), eof=False)
    call.session.receive_error(StreamCutError("reset"), call.now)
    assert call.finish().text == "Hello"


def test_a_server_that_never_closes_a_finished_answer_is_left_after_the_linger():
    call = Call()
    call.send()
    call.answer(said("Hello") + END, eof=False)
    call.session.wants_data(call.now)
    assert call.session.deadline == call.now + LINGER


@pytest.mark.parametrize(
    ("signal", "ending", "requests"),
    [
        ("either", choice({}, finish_reason="stop"), 1),
        ("either", b"data: [DONE]\n\n", 2),  # doubt: the rest is requested once
        ("finish_reason", b"data: [DONE]\n\n", 2),
        ("finish_reason", choice({}, finish_reason="stop"), 1),
        ("done", choice({}, finish_reason="stop"), 2),
        ("done", b"data: [DONE]\n\n", 1),
    ],
)
def test_a_setting_can_demand_one_sign_of_the_end(signal, ending, requests):
    call = Call(resume=ResumeConfig(finish_signal=signal))
    call.send()
    call.answer(said("A whole answer.") + ending)
    if requests == 2:
        call.send()
        call.answer(said("A whole answer.") + END)
    assert len(call.finish().attempts) == requests


def test_json_that_does_not_parse_is_never_a_success():
    call = Call(params={"response_format": {"type": "json_object"}})
    call.send()
    call.answer(said('{"a": 1') + END)
    with pytest.raises(InvalidJSONOutputError) as caught:
        call.session.next_action(call.now)
    assert caught.value.partial == '{"a": 1'


def test_json_cut_at_every_character_ends_as_the_same_json():
    whole = '{"name": "양", "legs": [4, 4], "wool": true}'
    for at in range(1, len(whole)):
        call = Call(params={"response_format": {"type": "json_object"}})
        call.send()
        call.answer(said(whole[:at]))
        call.send()
        call.answer(said(whole) + END)
        assert call.finish().text == whole


@pytest.mark.parametrize("arguments", ['{"amount": 1000}', '{"to": "서울", "n": [1, 2]}'])
def test_a_tool_call_cut_at_every_character_is_replayed_and_comes_once(arguments):
    def piece(text):
        return choice({"tool_calls": [{"index": 0, "function": {"arguments": text}}]})

    head = choice({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "pay"}}]})
    for at in range(len(arguments)):
        call = Call()
        call.send()
        assert call.answer(head + piece(arguments[:at])) == []
        call.send()
        deltas = call.answer(head + piece(arguments) + choice({}, finish_reason="tool_calls"))
        calls = [c for delta in deltas for c in delta.tool_calls]
        assert [c.arguments for c in calls] == [arguments]


@pytest.mark.parametrize("manner", sorted(set(MANNERS) - {"different"}))
def test_text_before_a_call_loses_nothing_cut_twice_at_every_place(manner):
    arguments, text = '{"n": 400}', "양 three 39 gate400"
    scenario = Scenario(text, [("pay", arguments)], manner=manner, prefill="reject")
    wholes = 0
    for first in range(1, len(text) + len(arguments) + 1):
        for second in range(0, len(text) + len(arguments) + 2, 3):
            call = Call(resume=ResumeConfig(max_resumes=8))
            calls = []
            with suppress(StreamInterruptedError):
                for cut in (first, second, None, None, None):
                    said = simulated(scenario, call.send()[3])
                    ending = choice({}, finish_reason="tool_calls") + END if cut is None else b""
                    for delta in call.answer(b"".join(said[:cut]) + ending):
                        calls += [(each.name, each.arguments) for each in delta.tool_calls]
                    if calls:
                        break
            assert text.startswith(call.text)
            if calls:
                assert (call.text, calls) == (text, [("pay", arguments)])
                wholes += 1
    assert wholes > 200


def simulated(scenario, body):
    """The events of the simulated model's answer, without its end; a character each."""

    def call_of(**function):
        return choice({"tool_calls": [{"index": 0, "id": "c1", "function": function}]})

    said = answer(scenario, body)
    events = [choice({"content": character}) for character in said.text]
    for name, arguments in said.tool_calls:
        events.append(call_of(name=name, arguments=""))
        events += [call_of(arguments=character) for character in arguments]
    return events


def test_a_tool_call_that_ends_as_half_json_is_replayed_even_if_the_server_says_it_is_done():
    half = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a'}}]}
    call = Call()
    call.send()
    assert call.answer(choice(half) + choice({}, finish_reason="tool_calls")) == []
    assert isinstance(call.session.next_action(call.now), (Send, Wait))


def test_a_tool_call_cut_by_the_token_limit_is_an_error_and_not_asked_for_again():
    half = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a'}}]}
    call = Call()
    call.send()
    call.answer(choice(half) + choice({}, finish_reason="length"))
    with pytest.raises(TokenLimitError, match="max_tokens"):
        call.session.next_action(call.now)


def test_reasoning_is_shown_once_through_a_cut_while_reasoning():
    def thought(text):
        return choice({"reasoning_content": text})

    call = Call()
    call.send()
    first = call.answer(thought("One. Tw"))
    call.send()
    second = call.answer(thought("One. Two.") + said("Answer") + END)
    assert "".join(d.reasoning for d in (*first, *second)) == "One. Two."
    assert call.finish().text == "Answer"


def test_usage_of_a_cut_leg_is_estimated_and_marked_so():
    usage = b'data: {"usage": {"prompt_tokens": 7, "completion_tokens": 5}, "choices": []}\n\n'
    call = Call()
    call.send()
    call.answer(said("The first half of the text, "))
    call.send()
    call.answer(
        said("The first half of the text, the second half.")
        + END[: -len(b"data: [DONE]\n\n")]
        + usage
    )
    cut, last = call.finish().attempts
    assert cut.usage.estimated
    assert cut.usage.output_tokens > 0
    assert (last.usage.input_tokens, last.usage.output_tokens) == (7, 5)


def test_a_request_that_is_no_json_is_refused_before_it_is_sent():
    call = Call(params={"metadata": object()})
    with pytest.raises(ConfigurationError, match="JSON"):
        call.session.next_action(call.now)


CALLS = {
    "receive_throttled": lambda session: session.receive_throttled("limit", 1.0, 100.0),
    "receive_admission": lambda session: session.receive_admission(100.0),
    "receive_refusal": lambda session: session.receive_refusal(StreamCutError("no"), 100.0),
    "receive_response": lambda session: session.receive_response(200, {}, 100.0),
    "receive_data": lambda session: session.receive_data(b"data: x", 100.0),
    "receive_silence": lambda session: session.receive_silence(100.0),
    "receive_eof": lambda session: session.receive_eof(100.0),
    "receive_error": lambda session: session.receive_error(StreamCutError("no"), 100.0),
    "next_action": lambda session: session.next_action(100.0),
}
ALLOWED = {
    State.SCHEDULED: {"next_action"},
    State.ASKING: {"receive_throttled", "receive_admission", "receive_refusal"},
    State.ADMITTED: {"next_action"},
    State.SENT: {"receive_response", "receive_silence", "receive_error"},
    State.READING: {"receive_data", "receive_silence", "receive_eof", "receive_error"},
    State.FINISHED: {"next_action"},
    State.FAILED: {"next_action"},
    State.CLOSED: set(),
}


def in_state(state):
    call = Call(gated=state in (State.ASKING, State.ADMITTED))
    if state in (State.ASKING, State.ADMITTED):
        call.session.next_action(call.now)
        if state is State.ADMITTED:
            call.session.receive_admission(call.now)
    elif state is not State.SCHEDULED:
        call.send()
    if state in (State.READING, State.FINISHED):
        whole = said("Hi.") + END
        call.answer(whole if state is State.FINISHED else b"", eof=state is State.FINISHED)
    if state is State.FINISHED:
        assert call.finish()
    if state is State.FAILED:
        call.refuse(400)
    if state is State.CLOSED:
        call.session.close(call.now)
    assert call.session._state is state
    return call.session


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("state", State)
def test_a_call_that_the_state_does_not_allow_raises_and_changes_nothing(state, name):
    session = in_state(state)
    if name in ALLOWED[state]:
        with suppress(HolySheepError):
            CALLS[name](session)
    else:
        with pytest.raises(SessionStateError):
            CALLS[name](session)
        assert session._state is state


@pytest.mark.parametrize("state", State)
def test_closing_is_allowed_in_every_state_and_twice(state):
    session = in_state(state)
    session.close(101.0)
    session.close(102.0)
    over = (State.FINISHED, State.FAILED)
    assert session._state is (state if state in over else State.CLOSED)


def test_a_request_that_is_no_json_fails_before_it_is_said_to_be_sent():
    call = Call(params={"user": object()})
    with pytest.raises(ConfigurationError, match="JSON") as caught:
        call.send()
    assert caught.value.attempts == ()
    assert [type(event).__name__ for event in call.events] == ["StreamFailed"]


def test_a_fallback_without_a_known_price_ends_the_call_with_partial_and_attempts():
    limit = SpendLimit(usd=1.0)
    call = Call(spend_limit=limit, fallback=FallbackConfig(models=["nobody-knows"]))
    call.send()
    call.answer(said("Half an answer, and "), eof=False)
    call.session.receive_data(event(error={"message": "overloaded"}), call.now)
    with pytest.raises(ConfigurationError, match="nobody-knows") as caught:
        call.send()
    assert caught.value.partial == call.text == "Half an answer, and "
    assert len(caught.value.attempts) == 1
    assert call.session.record(call.now).outcome == "ConfigurationError"
