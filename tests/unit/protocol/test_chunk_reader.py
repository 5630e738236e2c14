"""The end of an answer and the beginning of another: every reason at every place."""

import pytest

from holysheep_core.errors import QuotaExceededError
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


def test_so_does_one_after_a_single_chunk():
    first = chunk("a", "Once", role="assistant")
    decoder, text = read(first + chunk("b", "", role="assistant") + chunk("b", "Once more"))
    assert (text, decoder.second_answer) == ("Once", True)


@pytest.mark.parametrize(
    "parts",
    [
        [chunk("a", "H", role="assistant"), chunk("b", "i"), chunk("c", "!")],
        [chunk("a", "H", role="assistant"), chunk("a", "i!", role="assistant")],
        [chunk(n, c, role="assistant") for n, c in (("a", ""), ("b", "Hi"), ("c", "!"))],
        [chunk(n, c, role="assistant") for n, c in (("a", "H"), ("b", "i"), ("c", "!"))],
    ],
    ids=["ids", "roles", "both from the start", "both beside each text"],
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


# -- what repeats, follows or stands beside an answer --------------------------------------------

WORDS = [said("Two "), said("sheep, "), said("two sheep.")]
TEXT = "Two sheep, two sheep."
CALL = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}


def again(content, **more):
    message = {"role": "assistant", "content": content, **more}
    return event(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])


@pytest.mark.parametrize("content", [TEXT, f" {TEXT}", f"{TEXT}\n", TEXT[:-1], "", None])
def test_a_message_behind_deltas_is_the_answer_again(content):
    whole = b"".join(WORDS) + again(content) + DONE
    for at in range(len(whole)):
        decoder, text = read(whole[:at], whole[at:])
        assert text.strip() == TEXT
        assert decoder.failure() is None


def test_what_such_a_message_has_beyond_the_deltas_is_added():
    assert read(*WORDS, again(f"{TEXT} And a dog."))[1] == f"{TEXT} And a dog."
    assert read(*WORDS, again([{"type": "text", "text": f"{TEXT} End."}]))[1] == f"{TEXT} End."
    assert read(said("  Hi"), again("Hi there"))[1] == "  Hi there"


def test_a_message_that_is_another_text_is_not_lost():
    assert read(said("Thinking. "), again("Hello."))[1] == "Thinking. Hello."


def test_a_server_that_has_a_message_for_every_delta_repeats_nothing():
    decoder, text = read(again("Ha"), again("Ha"), again("Ha!"), DONE)
    assert (text, decoder.failure()) == ("HaHaHa!", None)


@pytest.mark.parametrize("call_id", ["a", "b", ""])
def test_calls_of_such_a_message_are_those_that_came(call_id):
    entry = {"id": call_id, "function": CALL["function"]}
    decoder, _ = read(choice({"tool_calls": [CALL]}), again(None, tool_calls=[entry]), DONE)
    calls, broken = decoder.tools.finish(limited=False, ended=True)
    assert ([call.id for call in calls], broken) == (["a"], ())
    decoder, _ = read(said("Hm."), again("Hm.", tool_calls=[entry]), DONE)
    assert len(decoder.tools.finish(limited=False, ended=True)[0]) == 1


def test_a_second_answer_in_a_stream_is_not_the_first_again():
    decoder, _ = read(said("Two "))
    decoder.begin_again()
    assert decoder.receive_data(again("Two ")) == [("Two ", "")]


LATE = {
    "sources": {
        "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.test"}}]
    },
    "a signature": {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]},
    "an image": {"images": [{"type": "image_url", "image_url": {"url": "https://a.test/a.png"}}]},
    "audio's end": {"audio": {"expires_at": 1}},
}


@pytest.mark.parametrize("delta", LATE.values(), ids=LATE)
def test_what_is_no_part_of_the_text_does_not_undo_the_end(delta):
    decoder, _ = read(said("Hi"), choice({}, finish_reason="stop"), choice(delta))
    assert decoder.finished
    assert decoder.parts.finish()


def test_nor_does_white_space_which_is_the_texts():
    decoder, text = read(said("Hi"), choice({}, finish_reason="stop"), said("\n"))
    assert (text, decoder.finished) == ("Hi\n", True)


@pytest.mark.parametrize("delta", [{"content": "!"}, {"tool_calls": [CALL]}, {"reasoning": "Hm"}])
def test_what_is_the_answer_does(delta):
    decoder, _ = read(said("Hi"), choice({}, finish_reason="stop"), choice(delta))
    assert not decoder.finished


@pytest.mark.parametrize("empty", ["", {}, [], False, 0, None])
def test_an_empty_error_beside_choices_is_none(empty):
    chunks = [
        event(error=empty, choices=[{"delta": {"content": "Hi"}}]),
        event(error=empty, choices=[{"delta": {}, "finish_reason": "stop"}]),
        event(error=empty, choices=[], usage={"prompt_tokens": 1}),
    ]
    decoder, text = read(*chunks, DONE)
    assert (text, decoder.failure()) == ("Hi", None)


@pytest.mark.parametrize("before", [b"", said("Hi")])
def test_an_error_in_a_choice_keeps_its_reason(before):
    error = {"code": 402, "message": "Insufficient credits"}
    decoder, _ = read(before, choice({"content": ""}, finish_reason="error", error=error), DONE)
    assert isinstance(decoder.failure(), QuotaExceededError)


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_text", "thinking"])
@pytest.mark.parametrize("value", ["Hm", {"text": "Hm"}, {"content": "Hm"}])
def test_reasoning_is_a_sign_of_life_under_every_name(field, value):
    decoder = ResponseDecoder()
    decoder.receive_response(200, {})
    if isinstance(value, str) or field.startswith("reasoning_c") or field == "reasoning":
        assert decoder.receive_data(choice({field: value})) == [("", "Hm")]
        assert decoder.progress
    decoder.receive_data(said("Hi"))
    assert decoder.has_content


@pytest.mark.parametrize("kind", ["ping", "heartbeat", "keepalive", "keep-alive"])
def test_a_sign_of_life_with_words_is_no_error(kind):
    decoder, text = read(event(type=kind, message="still here"), said("Hi"))
    assert (text, decoder.error) == ("Hi", None)


def test_a_field_that_nobody_knows_is_a_sign_of_life():
    empty = choice({"role": "assistant", "content": "", "x": None})
    decoder, _ = read(empty, choice({}), choice({}, finish_reason=None))
    assert (decoder.progress, decoder.growth) == (0, 0)
    for count in range(1, 4):
        decoder.receive_data(choice({"thought_of_another_kind": "Hm"}))
        assert (decoder.growth, decoder.has_content) == (count, False)
    decoder.receive_data(said("Hi") + choice({}, finish_reason="stop"))
    assert decoder.failure() is None
