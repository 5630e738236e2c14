"""Manners of real streams beside the book: framing, ends and repeated answers.

Each row is what a socket sends for a request under status 200, what the reader has to get, and how
many requests that takes. A second request gets a healthy answer that is another one.
"""

import json

import pytest

from holysheep_core import RetryConfig
from support.calls import MODEL
from support.raw_server import INTERFACES, RawServer, by_async_handler, by_handler
from support.sse import DONE, END, choice, event, said

TEXT, OTHER = "Hello wide world.", "All good, recovered answer."
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
JSON = HEAD.replace(b"text/event-stream", b"application/json")
STOP = choice({}, finish_reason="stop")
SAID = said("Hello ") + said("wide ") + said("world.")


def chunks(*words, last="stop"):
    """The chunks of an answer, without any framing."""
    deltas = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
    deltas.append({"choices": [{"index": 0, "delta": {}, "finish_reason": last}]})
    return [json.dumps(delta).encode() for delta in deltas]


BARE = chunks("Hello ", "wide ", "world.")


def framed(start, end, *more):
    return b"".join(start + each + end for each in (*BARE, *more))


def message(content, **more):
    return event(choices=[{"index": 0, "message": {"content": content}, **more}])


def keepalive(data):
    ping = b"data: " + data + b"\n\n"
    return ping + said("Hello ") + ping + said("wide world.") + ping + END


def ended(*after, reason="stop"):
    return SAID + choice({}, finish_reason=reason) + b"".join(after) + DONE


def with_errors(value):
    words = [event(error=value, choices=[{"delta": {"content": w}}]) for w in ("Hello ", "wide ")]
    last = {"delta": {"content": "world."}, "finish_reason": "stop"}
    return b"".join(words) + event(error=value, choices=[last]) + DONE


SOURCE = {"type": "url_citation", "url_citation": {"url": "https://sheep.test", "title": "Sheep"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://sheep.test/a.png"}}
SEALED = {"type": "reasoning.encrypted", "data": "c2lnbmF0dXJl"}
WHOLE = {"index": 0, "message": {"content": TEXT}, "finish_reason": "stop"}
FILTER = {"prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}

WHOLE_AT_ONCE = {
    # -- framing
    "one newline between events": framed(b"data: ", b"\n", b"[DONE]"),
    "one newline, no space, CRLF": framed(b"data:", b"\r\n", b"[DONE]"),
    "one newline, ids between": framed(b"id: 7\ndata: ", b"\n", b"[DONE]"),
    "the field's name twice": framed(b"data: data: ", b"\n\n", b"[DONE]"),
    "chunks side by side in an event": b"data: " + b"".join(BARE) + b"\n\n" + DONE,
    "events glued without a newline": framed(b"data: ", b"", b"[DONE]") + b"\n\n",
    "a comma behind each event": framed(b"data: ", b",\n\n"),
    "chunks in a list": b"data: [" + b",".join(BARE) + b"]\n\n" + DONE,
    "indented chunks": b"".join(
        b"data: " + json.dumps(json.loads(each), indent=2).encode() + b"\n\n" for each in BARE
    ),
    "white space around": framed(b"data:   ", b" \t\n\n", b" [DONE] "),
    "no line at the very end": framed(b"data:", b"\n\n")[:-2],
    "an indented answer behind a comment": b": PING\n\n"
    + json.dumps({"choices": [WHOLE]}, indent=2).encode()
    + b"\n",
    "a whole answer, then the end mark": json.dumps({"choices": [WHOLE]}).encode() + b"\n\n" + DONE,
    "a new id and a role in every chunk": b"".join(
        event(id=w, choices=[{"delta": {"role": "assistant", "content": w}}])
        for w in ("Hello ", "wide ", "world.")
    )
    + END,
    "data without data": b"data:\n\ndata\n\n" + SAID + b"data: \n\n" + END,
    "carriage returns doubled": framed(b"data: ", b"\r\r\n", b"[DONE]"),
    "not a number among the fields": SAID.replace(b'"index":0', b'"index":0,"logprobs":NaN') + END,
    "the end mark quoted": SAID + STOP + b'data: "[DONE]"\n\n',
    "events called done at the end": SAID + STOP + b"event: done\ndata: {}\n\n",
    # -- signs of life
    **{
        f"keep-alive {data.decode()}": keepalive(data)
        for data in (
            *(
                b": OPENROUTER PROCESSING",
                b"null",
                b'""',
                b'"ping"',
                b"ping",
                b"{}",
                b"[]",
                b"true",
            ),
            *(
                b"[PING]",
                b'{"type": "ping"}',
                b'{"event": "heartbeat"}',
                b'{"status": "processing"}',
            ),
            *(
                b'{"type": "heartbeat", "message": "still working"}',
                b'{"choices": [], "cost": "0"}',
            ),
            *(b'{"code": 200, "msg": "ok"}', b'{"code": "Success", "message": "Success"}'),
            *(
                b'{"id": "x", "object": "chat.completion.chunk"}',
                b'{"choices": null, "errors": []}',
            ),
            b'{"choices": [], "base_resp": {"status_code": 0, "status_msg": ""}}',
        )
    },
    # -- fields
    **{f"error: {json.dumps(v)} in each chunk": with_errors(v) for v in ("", {}, [], False, 0)},
    "code and message of success in each chunk": event(
        code=0, message="Success", sid="x", choices=[WHOLE]
    )
    + event(code=0, message="Success", choices=[], usage={"total_tokens": 3}),
    "Azure's filter before, without choices": event(id="", choices=[], **FILTER) + SAID + END,
    "Azure's filter amid, without a delta": SAID
    + event(choices=[{"index": 0, "content_filter_offsets": {}, "finish_reason": None}])
    + event(choices=[{"index": 0, "delta": None, "finish_reason": None}])
    + END,
    "usage counted in every chunk": b"".join(
        event(choices=[{"delta": {"content": w}}], usage={"completion_tokens": n})
        for n, w in enumerate(("Hello ", "wide ", "world."), 1)
    )
    + END,
    "a list of texts": choice({"content": ["Hello ", "wide world."]}) + END,
    "one part that is no list": choice({"content": {"type": "text", "text": TEXT}}) + END,
    "choices as an object": event(choices={"0": {"delta": {"content": TEXT}}}) + END,
    "a null choice before": event(choices=[None, {"delta": {"content": TEXT}}]) + END,
    "a second choice unasked": event(
        choices=[{"index": 0, "delta": {"content": TEXT}}, {"index": 1, "delta": {"content": "No"}}]
    )
    + END,
    "Copilot's reasoning": choice({"reasoning_text": "Hm", "reasoning_opaque": "x"}) + SAID + END,
    "reasoning as an object": choice({"reasoning": {"content": "Hm"}}) + SAID + END,
    "one reasoning under two names": choice({"reasoning": "Hm", "reasoning_content": "Hm"})
    + SAID
    + END,
    # -- the answer again
    "a message with all of it at the end": SAID + event(choices=[WHOLE]) + DONE,
    "the same with delta null": SAID + event(choices=[{**WHOLE, "delta": None}]) + DONE,
    "the same beside an empty delta": SAID + event(choices=[{**WHOLE, "delta": {}}]) + DONE,
    "the same as a whole answer": SAID
    + event(object="chat.completion", choices=[WHOLE], usage={"total_tokens": 9})
    + DONE,
    "a message so far beside each delta": event(
        choices=[{"delta": {"content": "Hello "}, "message": {"content": "Hello "}}]
    )
    + event(
        choices=[{"delta": {"content": "wide world."}, "message": {"content": TEXT}}],
    )
    + END,
    "a message in place of every delta": message("Hello ") + message("wide world.") + END,
    # -- the end
    "two reasons": ended(STOP),
    "usage before the reason": SAID + event(choices=[], usage={"total_tokens": 3}) + END,
    "usage behind the reason, in a choice without one": ended(
        event(
            choices=[{"delta": {"role": "assistant", "content": ""}, "finish_reason": None}],
            usage={"total_tokens": 3},
        )
    ),
    "a cost behind the reason": ended(event(choices=[], cost="0.1")),
    "sources behind the reason": ended(choice({"annotations": [SOURCE]})),
    "a signature behind the reason": ended(choice({"reasoning_details": [SEALED]})),
    "an image behind the reason": ended(choice({"images": [IMAGE]})),
    "empty fields behind the reason": ended(
        choice({"content": "", "refusal": "", "tool_calls": [], "reasoning": None})
    ),
    "a page behind the reason": SAID + STOP + b"<html>\n<h1>504</h1>\n</html>\n",
    "an error behind the reason": SAID + STOP + b'event: error\ndata: {"message": "x"}\n\n',
    "a reason in an object": ended(reason={"type": "stop", "matched": 2}),
    "a reason of the model's own": ended(reason="<|eot_id|>"),
    "a reason with white space": ended(reason=" STOP\n"),
    "a reason for calls, and none": ended(reason="tool_calls"),
}
OTHER_BODIES = {
    "lines of JSON": JSON + b"\n".join(BARE) + b"\n",
    "lines of JSON and the end mark": JSON + b"\n".join((*BARE, b"[DONE]")),
    "a list of all chunks": JSON + b"[" + b",".join(BARE) + b"]",
    "white space before a whole answer": JSON
    + b"\n \n\n"
    + json.dumps({"choices": [WHOLE]}).encode(),
    "a whole answer, indented": JSON + json.dumps({"choices": [WHOLE]}, indent=2).encode(),
    "a status of success that is not 200": HEAD.replace(b"200 OK", b"202 Accepted") + SAID + END,
    "a page's type": HEAD.replace(b"text/event-stream", b"text/html") + SAID + END,
    "guardrails that let it pass": HEAD.replace(b"200 OK", b"246 Soft") + SAID + END,
}
ONE_REQUEST = {name: HEAD + body for name, body in WHOLE_AT_ONCE.items()} | OTHER_BODIES
ASKED_AGAIN = {
    "no choices": JSON + b'{"id": "x", "choices": []}',
    "null choices": JSON + b'{"id": "x", "choices": null}',
    "a null message": JSON + b'{"choices": [{"message": null, "finish_reason": "stop"}]}',
    "no content at all": b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n",
    "a reason for calls, and nothing": HEAD + choice({}, finish_reason="tool_calls") + DONE,
    "an indented event cut": HEAD + b'data: {\n  "choices": [\n',
    "a chunk and half of one in an event": HEAD + b"data: " + BARE[0][:-9] + b"\n\n",
}


def ask(run, *answers):
    server = RawServer([[{"after_s": 0, "bytes": answer}] for answer in answers])
    settings = {"config": RetryConfig(base_delay=0.01, jitter=0)}
    try:
        return (*run(settings, server.url, {"model": MODEL, "params": {}}), server.requests)
    finally:
        server.close()


@pytest.mark.parametrize("run", INTERFACES)
@pytest.mark.parametrize("name", ONE_REQUEST)
def test_an_answer_in_the_manners_of_a_real_server_is_whole_at_once(name, run):
    assert ask(run, ONE_REQUEST[name], HEAD + said(OTHER) + END) == (TEXT, [], 1)


@pytest.mark.parametrize("run", INTERFACES)
@pytest.mark.parametrize("name", ASKED_AGAIN)
def test_no_answer_in_the_manners_of_a_real_server_is_asked_for_again(name, run):
    assert ask(run, ASKED_AGAIN[name], HEAD + said(OTHER) + END) == (OTHER, [], 2)


CUT = [
    *("one newline between events", "the field's name twice", "chunks side by side in an event"),
    *("events glued without a newline", "indented chunks", "a message with all of it at the end"),
    *("error: {} in each chunk", "usage counted in every chunk", "sources behind the reason"),
]


@pytest.mark.parametrize("run", [by_handler, by_async_handler])
@pytest.mark.parametrize("head", [JSON, HEAD], ids=["JSON", "events"])
def test_a_whole_json_answer_cut_anywhere_is_asked_for_again(head, run):
    body = json.dumps({"id": "x", "choices": [WHOLE], "usage": {"total_tokens": 9}}).encode()
    for end in range(1, len(body), 9):
        assert ask(run, head + body[:end], HEAD + said(OTHER) + END) == (OTHER, [], 2), body[:end]


@pytest.mark.parametrize("run", [by_handler, by_async_handler])
@pytest.mark.parametrize("name", CUT)
def test_such_an_answer_cut_anywhere_is_whole_all_the_same(name, run):
    body, again = WHOLE_AT_ONCE[name], HEAD + said(TEXT) + END
    for end in range(1, len(body), 11):
        text, calls, _ = ask(run, HEAD + body[:end], again)
        assert (text, calls) == (TEXT, []), body[:end]
