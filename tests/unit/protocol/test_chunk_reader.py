"""The end of an answer and the beginning of another: every reason at every place."""

import pytest

from holysheep_core.protocol.finish_reasons import Ending
from holysheep_core.protocol.response import ResponseDecoder
from support.sse import DONE, choice, event, said

REASONS = {
    "stop": Ending.NORMAL,
    "MAX_TOKENS": Ending.LIMIT,
    "safety": Ending.FILTERED,
    "vibes": Ending.UNKNOWN,
}


def read(*parts, **settings):
    decoder = ResponseDecoder(**settings)
    decoder.receive_response(200, {})
    pieces = [piece for part in parts for piece in decoder.receive_data(part)]
    return decoder, "".join(text for text, _ in pieces)


@pytest.mark.parametrize(("reason", "ending"), REASONS.items())
def test_a_reason_of_its_own_ends_an_answer_at_once(reason, ending):
    decoder, text = read(said("Hi"), choice({}, finish_reason=reason))
    assert (text, decoder.ending, decoder.finish_reason) == ("Hi", ending, reason)
    assert decoder.finished
    assert decoder.proven
    assert decoder.failure() is None


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_beside_content_ends_an_answer_only_if_nothing_follows(reason):
    decoder, _ = read(said("Hi", finish_reason=reason))
    assert decoder.finished
    assert not decoder.proven
    decoder.receive_data(said(" there"))
    assert not decoder.finished
    decoder.receive_data(said("!", finish_reason=reason) + DONE)
    assert decoder.finished
    assert decoder.proven


@pytest.mark.parametrize("reason", ["abort", "network_error", "ERROR"])
def test_a_failed_end_is_a_cut(reason):
    decoder, _ = read(said("Hi"), choice({}, finish_reason=reason), DONE)
    assert decoder.complete
    assert "broke off" in str(decoder.failure())


@pytest.mark.parametrize("first", ["length", "content_filter"])
def test_a_second_reason_does_not_hide_that_the_answer_is_not_whole(first):
    decoder, _ = read(said("Hi"), choice({}, finish_reason=first), choice({}, finish_reason="stop"))
    assert decoder.finish_reason == first


def chunk(number, content=None, **delta):
    if content is not None:
        delta["content"] = content
    return event(id=number, choices=[{"delta": delta}])


def test_a_new_id_with_a_second_role_after_content_begins_another_answer():
    first = chunk("a", "", role="assistant") + chunk("a", "Once")
    decoder, text = read(first + chunk("b", "", role="assistant") + chunk("b", "Once more"))
    assert (text, decoder.second_answer) == ("Once", True)
    assert decoder.receive_second_answer() == [("Once more", "")]
    assert decoder.id == "b"


@pytest.mark.parametrize(
    "parts",
    [
        [chunk("a", "H", role="assistant"), chunk("b", "i"), chunk("c", "!")],
        [chunk("a", "H", role="assistant"), chunk("a", "i!", role="assistant")],
        [chunk(n, c, role="assistant") for n, c in (("a", ""), ("b", "Hi"), ("c", "!"))],
    ],
    ids=["ids", "roles", "both from the start"],
)
def test_new_ids_or_roles_alone_are_a_servers_habit(parts):
    decoder, text = read(*parts)
    assert (text, decoder.second_answer) == ("Hi!", False)


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_a_character_cut_in_two_is_one(field):
    halves = b'data: {"choices":[{"delta":{"%s":"a \\ud83d"}}]}\n\n' % field.encode()
    halves += b'data: {"choices":[{"delta":{"%s":"\\ude00 b"}}]}\n\n' % field.encode()
    decoder = ResponseDecoder()
    decoder.receive_response(200, {})
    pieces = decoder.receive_data(halves)
    assert "".join(text + thought for text, thought in pieces) == "a 😀 b"


def test_deltas_and_growing_events_are_signs_of_life_and_comments_are_none():
    decoder, _ = read(b": hi\n\n", b"\n")
    assert (decoder.progress, decoder.growth) == (0, 0)
    decoder.receive_data(b'data: {"choices":[{"delta":{"content":"')
    decoder.receive_data(b"xxxx")
    assert (decoder.progress, decoder.growth) == (0, 2)
    call = {"index": 0, "function": {"name": "f", "arguments": "{"}}
    decoder.receive_data(b'"}}]}\n\n' + choice({"tool_calls": [call]}))
    assert decoder.progress == 2


ERRORS = [
    event(error={"message": "boom"}),
    event(object="error", message="boom", code=500),
    event(detail="boom"),
    event(code=500, msg="boom", success=False),
    event(type="error", code="server_error", message="boom"),
    b"event: error\ndata: boom\n\n",
    b'event: error\ndata: {"message": "boom"}\n\n',
    b"data: upstream error: boom\n\n",
    b': PING\n\n{"error": {"message": "boom"}}\n\n',
]


@pytest.mark.parametrize("after", [b"", DONE], ids=["nothing", "[DONE]"])
@pytest.mark.parametrize("before", [b"", said("Hi")], ids=["first", "amid"])
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_of_any_shape_is_no_success_wherever_it_comes(error, before, after):
    whole = before + error + after
    for at in range(len(whole)):
        decoder, text = read(whole[:at], whole[at:])
        decoder.receive_eof()
        assert text == ("Hi" if before else "")
        assert "boom" in str(decoder.failure())
    ended = said("Hi") + choice({}, finish_reason="stop")
    assert read(ended, error, after)[0].failure() is None
