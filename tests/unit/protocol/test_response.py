"""One exchange, decoded: captured streams of real servers, and the quirks of others."""

import json
import re
from pathlib import Path

import h11
import pytest

from holysheep_core import APIError, HolySheepError, InvalidResponseError
from holysheep_core.protocol.response import ResponseDecoder
from support.sse import DONE, END, event, said

SAMPLES = Path(__file__).parents[2] / "samples"


def sample(name):
    """A captured stream: status, headers and the body's bytes."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data((SAMPLES / f"{name}.sse").read_bytes())
    head, body = connection.next_event(), b""
    while isinstance(event := connection.next_event(), h11.Data):
        body += bytes(event.data)
    headers = {name.decode(): value.decode() for name, value in head.headers}
    return head.status_code, headers, body


def read(*parts, status=200, headers=None, eof=True, **settings):
    decoder = ResponseDecoder(**settings)
    decoder.receive_response(status, headers or {})
    pieces = [piece for part in parts for piece in decoder.receive_data(part)]
    if eof:
        pieces += decoder.receive_eof()
    return decoder, "".join(text for text, _ in pieces), "".join(thought for _, thought in pieces)


WHOLE = ["litellm", "litellm_front_reason", "litellm_front_tool", "llmock_py", "llmock_py_tools"]
BROKEN = ["llmock_py_disconnect", "llmock_py_truncate", "portkey_upstream_disconnect"]
REFUSED = ["litellm_broken", "litellm_rate-limited", "llmock_py_429", "llmock_py_503"]


def calls_of(decoder):
    return None if decoder.tools is None else decoder.tools.finish(limited=False, ended=True)


@pytest.mark.parametrize("name", [*WHOLE, *BROKEN, "llama_cpp_python"])
def test_a_captured_stream_reads_the_same_split_at_every_byte(name):
    status, headers, body = sample(name)
    whole, *texts = read(body, status=status, headers=headers)
    for at in range(len(body)):
        decoder, *again = read(body[:at], body[at:], status=status, headers=headers)
        assert (again, calls_of(decoder)) == (texts, calls_of(whole))
        assert type(decoder.failure()) is type(whole.failure())


@pytest.mark.parametrize("name", [*WHOLE, "llama_cpp_python"])
def test_a_captured_whole_stream_is_whole_and_its_text_is_the_contents_joined(name):
    status, headers, body = sample(name)
    decoder, text, _ = read(body, status=status, headers=headers)
    chunks = [json.loads(line[6:]) for line in re.findall(rb"data: \{.*", body)]
    choices = [choice for chunk in chunks for choice in chunk.get("choices") or ()]
    assert text == "".join(choice["delta"].get("content") or "" for choice in choices)
    assert decoder.failure() is None


@pytest.mark.parametrize("name", BROKEN)
def test_a_captured_broken_stream_is_never_taken_for_whole(name):
    status, headers, body = sample(name)
    decoder, text, _ = read(body, status=status, headers=headers)
    assert text
    assert isinstance(decoder.failure(), HolySheepError)


def test_a_captured_damaged_event_ends_the_leg_there():
    decoder, text, _ = read(sample("llmock_py_malformed")[2], eof=False)
    assert (text, decoder.torn) == ("Simulated success ", True)


def test_a_gateways_masked_disconnect_shows_as_an_error_event():
    decoder, _, _ = read(sample("litellm_front_disc")[2])
    assert isinstance(decoder.failure(), APIError)


@pytest.mark.parametrize("name", REFUSED)
def test_a_captured_refusal_is_a_typed_error_with_its_status(name):
    status, headers, body = sample(name)
    decoder, _, _ = read(body, status=status, headers=headers)
    assert decoder.failure().status_code == status


QUIRKS = {
    "no [DONE]": said("Hi") + said("", finish_reason="stop"),
    "usage in the finish chunk": said("Hi", finish_reason="stop"),
    "role null": event(choices=[{"delta": {"role": None, "content": "Hi"}}]) + END,
    "role in every chunk": event(choices=[{"delta": {"role": "assistant", "content": "Hi"}}]) + END,
    "a new id in every chunk": event(id="1", choices=[{"delta": {"content": "H"}}])
    + event(id="2", choices=[{"delta": {"content": "i"}}])
    + END,
    "usage beside choices": event(
        choices=[{"delta": {"content": "Hi"}, "finish_reason": "stop"}], usage={"prompt_tokens": 1}
    ),
    "usage null": event(choices=[{"delta": {"content": "Hi"}}], usage=None) + END,
    "logprobs null": said("Hi", logprobs=None) + END,
    "content in parts": event(choices=[{"delta": {"content": [{"type": "text", "text": "Hi"}]}}])
    + END,
    "responses events": event(type="response.output_text.delta", delta="Hi")
    + event(type="response.completed"),
    "no space after data:": b'data:{"choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}]}\n\ndata:[DONE]\n\n',
    "a ping that is no JSON": said("Hi") + b"data: ping\n\n" + END,
    "no blank line at the end": said("Hi") + said("", finish_reason="stop") + b"data: [DONE]",
    "CRLF": (said("Hi") + END).replace(b"\n", b"\r\n"),
}


@pytest.mark.parametrize("signal", ["either", "finish_reason", "done"])
def test_done_without_a_reason_is_doubt_unless_the_server_is_known_for_it(signal):
    decoder, text, _ = read(said("Hi") + DONE, finish_signal=signal)
    assert text == "Hi"
    assert decoder.doubtful == (signal != "done")
    assert (decoder.failure() is None) == (signal == "done")
    assert decoder.finish_reason is None


@pytest.mark.parametrize("name", QUIRKS)
def test_quirks_of_real_servers_make_no_difference(name):
    decoder, text, _ = read(QUIRKS[name])
    assert (text, decoder.failure()) == ("Hi", None)


@pytest.mark.parametrize("kind", ["", "text/plain", "text/event-stream", "text/event-stream;x=y"])
def test_events_are_read_whatever_they_are_called(kind):
    assert read(said("Hi") + DONE, headers={"content-type": kind})[1] == "Hi"


def test_a_whole_json_answer_is_taken_where_a_stream_was_asked_for():
    body = json.dumps({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})
    decoder, text, _ = read(body.encode(), headers={"content-type": "application/json"})
    assert (text, decoder.failure(), decoder.finish_reason) == ("Hi", None, "stop")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_comes_apart_from_the_text(field):
    _, text, thought = read(event(choices=[{"delta": {field: "hm", "content": None}}]), DONE)
    assert (text, thought) == ("", "hm")


@pytest.mark.parametrize("comment", [b": keep-alive\n\n", b":\n", b": OPENROUTER PROCESSING\n\n"])
def test_comments_alone_are_a_cut_and_not_a_foreign_page(comment):
    decoder, _, _ = read(comment * 3)
    assert not isinstance(decoder.failure(), InvalidResponseError)


def test_done_without_any_content_is_no_answer():
    assert read(DONE)[0].failure() is not None


HALF = rb"a\ud800b"
WITH_HALVES = {
    "in the text": rb'{"choices":[{"delta":{"content":"%b"}}]}' % HALF,
    "at its start": rb'{"choices":[{"delta":{"content":"\udc4bb"}}]}',
    "in the reasoning": rb'{"choices":[{"delta":{"reasoning":"%b"}}]}' % HALF,
    "in a refusal": rb'{"choices":[{"delta":{"refusal":"%b"}}]}' % HALF,
    "in an error": rb'{"error":{"message":"%b"}}' % HALF,
    "in a short error": rb'{"error":"%b"}' % HALF,
    "in the id and the model": rb'{"id":"%b","model":"%b","choices":[]}' % (HALF, HALF),
    "in arguments": rb'{"choices":[{"delta":{"tool_calls":[{"id":"%b","function":'
    rb'{"name":"%b","arguments":{"%b":"%b"}}}]}}]}' % (HALF, HALF, HALF, HALF),
    "in arguments called content": rb'{"choices":[{"delta":{"tool_calls":[{"function":'
    rb'{"name":"f","arguments":{"content":"\ud800"}}}]}}]}',
    "in an event of the Responses API": rb'{"type":"response.output_text.delta","delta":"%b"}'
    % HALF,
}


@pytest.mark.parametrize("name", WITH_HALVES)
def test_half_a_character_goes_no_further(name):
    decoder, text, thought = read(b"data: " + WITH_HALVES[name] + b"\n\n")
    whole, broken = calls_of(decoder) or ((), ())
    facts = [
        text,
        thought,
        decoder.refusal,
        decoder.id,
        decoder.model,
        str(decoder.failure()),
        repr(whole),
    ]
    assert not broken
    assert "".join(facts).encode()


def test_arguments_cut_inside_a_character_are_put_together():
    head = rb'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f",'
    first, second = rb'"arguments":"{\"a\":\"\ud83d"}}]}}]}', rb'"arguments":"\udc4b\"}"}}]}}]}'
    decoder, *_ = read(*(b"data: " + head + part + b"\n\n" for part in (first, second)))
    ((call,), broken) = decoder.tools.finish(limited=False, ended=True)
    assert (call.arguments, broken) == ('{"a":"👋"}', ())
    decoder, *_ = read(b"data: " + head + first + b"\n\n")
    assert decoder.tools.finish(limited=False, ended=True)[0] == ()


@pytest.mark.parametrize("tokens", ["1e308", "-5", '"1e400"', "1e999"])
def test_a_count_of_tokens_that_cannot_be_is_none(tokens):
    try:
        decoder, *_ = read(
            f'data: {{"choices":[],"usage":{{"prompt_tokens":{tokens}}}}}\n\n'.encode()
        )
    except InvalidResponseError:
        return
    assert decoder.usage is None or decoder.usage.input_tokens == 0


def test_an_error_code_of_thousands_of_digits_is_an_error_like_any_other():
    decoder, *_ = read(event(error={"code": "0400" + "0" * 5000}))
    assert isinstance(decoder.failure(), APIError)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n \n"])
@pytest.mark.parametrize("kind", ["", "application/json", "text/event-stream", "text/html"])
@pytest.mark.parametrize("body", ["events", "json", "comment"])
def test_the_first_bytes_tell_what_a_body_is_however_reads_split_it(body, kind, mark):
    message = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}
    bodies = {
        "events": said("Hi") + END,
        "json": json.dumps(message).encode(),
        "comment": b": hello\n\n" + said("Hi") + END,
    }
    whole = mark + bodies[body]
    for at in range(len(whole)):
        decoder, text, _ = read(whole[:at], whole[at:], headers={"content-type": kind})
        assert (text, decoder.failure()) == ("Hi", None), at
