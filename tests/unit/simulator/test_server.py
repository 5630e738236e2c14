"""The simulator does to a client what it was told to do."""

import json
import threading

import httpx
import pytest

from holysheep_core import ResumeConfig, StreamingRetryHandler
from holysheep_core.resume.transcript import Transcript
from holysheep_core.simulator import (
    MANNERS,
    Scenario,
    Simulator,
    cut,
    error_event,
    malformed,
    refuse,
    reply,
    slow,
    stall,
)
from holysheep_core.simulator.answers import sample
from holysheep_core.types import ChatRequest

ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "go"}], "stream": True}


def post(script, **body):
    return httpx.post(f"{script.base_url}/chat/completions", json={**ASK, **body}, timeout=5)


def contents(body):
    chunks = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    return "".join(c["delta"].get("content") or "" for chunk in chunks for c in chunk["choices"])


def test_a_fault_free_stream_is_whole_and_ends_with_both_signs(play, text):
    body = post(play()).text
    assert contents(body) == text
    assert '"finish_reason":"stop"' in body
    assert body.endswith("data: [DONE]\n\n")


def test_an_answer_is_given_unstreamed_if_asked_for(play, text):
    answer = post(play(), stream=False).json()
    assert answer["choices"][0]["message"]["content"] == text
    assert answer["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize(
    ("by", "error"), [("rst", httpx.ReadError), ("fin", httpx.RemoteProtocolError)]
)
def test_a_cut_is_seen_on_the_socket(play, by, error):
    with pytest.raises(error):
        post(play(faults=[cut(10, by)]))


def test_a_clean_early_end_shows_no_error_and_no_finish(play, text):
    for at in range(len(text) + 1):
        body = post(play(faults=[cut(at, "eof")])).text
        assert contents(body) == text[:at]
        assert '"finish_reason":"stop"' not in body


def test_a_stall_is_silent_and_notices_that_the_client_leaves(play):
    script = play(faults=[stall(10)])
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{script.base_url}/chat/completions", json=ASK, timeout=0.2)
    for _ in range(100):
        if script.requests[0].client_gone:
            break
        threading.Event().wait(0.01)
    assert script.requests[0].client_gone


def test_a_slow_start_sends_headers_and_a_comment_first(play):
    assert post(play(faults=[slow(0.05)])).text.startswith(": waiting")


def test_events_in_the_stream(play):
    assert '"error"' in post(play(faults=[error_event(5)])).text
    assert '[{"del\n' in post(play(faults=[malformed(5)])).text


def test_refusals_have_their_status_headers_and_body(play):
    answer = post(play(faults=[refuse(429, retry_after=7, code="rate_limit_exceeded")]))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert post(play(faults=[reply(200, "<p>", {"content-type": "text/html"})])).text == "<p>"


def test_faults_are_dealt_out_one_a_request_and_by_model(play):
    script = play(faults=[refuse(503, times=2, model="gpt-4.1"), refuse(500)])
    models = ["gpt-4.1", "other", "gpt-4.1", "gpt-4.1"]
    assert [post(script, model=model).status_code for model in models] == [503, 500, 503, 200]


@pytest.mark.parametrize("manner", MANNERS)
def test_a_continuation_is_given_in_the_manner_asked_for(play, text, manner):
    script = play(manner=manner)
    turn = f"It ended with {json.dumps(text[20:30], ensure_ascii=False)}. Go on."
    partial = {"role": "assistant", "content": text[:30]}
    go_on = [*ASK["messages"], partial, {"role": "user", "content": turn}]
    expected = MANNERS[manner](text, 30, text[20:30])
    assert contents(post(script, messages=go_on).text) == expected


def test_an_earlier_answer_in_a_conversation_is_not_taken_for_a_partial(play, text):
    earlier = [{"role": "assistant", "content": "Something else."}, *ASK["messages"]]
    assert contents(post(play(), messages=earlier).text) == text


NEXT = ["And then?", 'What is "sheep", or "\\d"?', '5" of what?', '""', "Go on."]


@pytest.mark.parametrize("asked", NEXT)
def test_a_conversation_gets_an_answer_at_each_of_its_turns(play, text, asked):
    for at in range(1, len(text) + 1):  # one that only began alike was whole, too
        earlier = [*ASK["messages"], {"role": "assistant", "content": text[:at]}]
        turn = {"role": "user", "content": asked}
        assert contents(post(play(manner="exact"), messages=[*earlier, turn]).text) == text, at


def test_a_question_about_the_last_word_of_a_whole_answer_is_a_question(play, text):
    turn = {"role": "user", "content": f'Why "{text[-2:]}"?'}
    earlier = [*ASK["messages"], {"role": "assistant", "content": text}]
    assert contents(post(play(manner="exact"), messages=[*earlier, turn]).text) == text


@pytest.mark.parametrize("prompt", ["en", "ko", 'The 5" of "it" end with {tail}, so "go on".'])
def test_a_request_to_go_on_is_known_by_the_end_it_quotes(play, text, prompt):
    script = play(manner="exact")
    for at in range(1, len(text) + 1):
        transcript = Transcript(ChatRequest("m", ASK["messages"]), ResumeConfig(prompt=prompt))
        transcript.add_text(text[:at])
        transcript.differed()  # a continuation, however little there is of it
        question = transcript.next_request()
        assert question.technique == "continuation"
        answer = post(script, messages=question.request.messages)
        assert contents(answer.text) == text[at:], at


def test_a_cut_answer_late_in_a_conversation_is_continued(play, text):
    earlier = [*ASK["messages"], {"role": "assistant", "content": text}, *ASK["messages"]]
    script = play(faults=[cut(40)], manner="exact")
    with StreamingRetryHandler(api_key="k", base_url=script.base_url) as handler:
        assert handler.complete("gpt-4.1", earlier).text == text
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 3),
        ({"type": "array", "items": {"type": "string"}}, ["Bo"]),
        ({"enum": ["a", "b"]}, "a"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": 5}}}, 5),
        ({"type": "object", "properties": {"n": {"type": "number"}}}, {"n": 3}),
    ],
)
def test_values_are_made_to_fit_a_schema_from_what_the_prompt_offers(schema, value):
    assert sample(schema, "Call 'Bo' with 3.") == value


def test_a_port_that_is_taken_is_an_error_at_once(simulator):
    port = int(simulator.base_url.split(":")[2].split("/")[0])
    with pytest.raises(OSError, match="in use"):
        Simulator(port=port).start()


@pytest.mark.parametrize(
    ("host", "port", "error"),
    [("127.0.0.1", 99999, OverflowError), ("127.0.0.1", "x", OSError), (5, 0, TypeError)],
)
def test_whatever_keeps_it_from_listening_is_raised_by_start(host, port, error):
    before = threading.active_count()
    broken = Simulator(host=host, port=port)
    with pytest.raises(error):
        broken.start()
    broken.stop()
    assert threading.active_count() == before


@pytest.mark.parametrize("path", ["/nowhere/v1/chat/completions", "/v1/embeddings", "/"])
def test_what_it_does_not_have_is_a_404(simulator, path):
    root = simulator.base_url.removesuffix("/v1")
    assert httpx.post(root + path, json={}).status_code == 404


def test_stopping_leaves_no_thread_behind():
    before = threading.active_count()
    with Simulator(scenario=Scenario(text="a")) as running:
        assert httpx.get(f"{running.base_url}/models").json()["data"]
    assert threading.active_count() == before
