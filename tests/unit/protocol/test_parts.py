"""Parts of an answer: kept as the server wrote them, pieces joined, none twice."""

import base64

import pytest

from holysheep_core.protocol.chunk_reader import ChunkReader
from holysheep_core.protocol.parts import PartCollector, joined_parts, kind_of, reasoning_of
from holysheep_core.protocol.response import ResponseDecoder
from holysheep_core.protocol.wire import Choice, Chunk, Message
from holysheep_core.types import Part
from support.parts import AUDIO, CITATION, IMAGE, TEXT, THOUGHT, events


def collected(*messages):
    parts = PartCollector()
    thoughts = [parts.take(message) for message in messages]
    return parts.finish(), thoughts


def read(body, size):
    decoder = ResponseDecoder()
    decoder.receive_response(200, {"content-type": "text/event-stream"})
    pieces = []
    for at in range(0, len(body), size):
        pieces += decoder.receive_data(body[at : at + size])
    pieces += decoder.receive_eof()
    assert decoder.failure() is None
    return decoder, pieces


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_an_answer_with_all_parts_is_the_same_at_every_split(size):
    decoder, pieces = read(b"".join(events()), size)
    assert "".join(text for text, _ in pieces) == TEXT
    assert "".join(thought for _, thought in pieces) == "Two sheep."
    thought, image, citation, audio = decoder.parts.finish()
    assert thought.value == {**THOUGHT[0], "text": "Two sheep.", "signature": "c2lnbmF0dXJl"}
    assert (image, citation) == (
        Part("image", "images", IMAGE),
        Part("citation", "annotations", CITATION),
    )
    assert audio.value["transcript"] == "Baa"
    assert base64.b64decode(audio.value["data"]) == bytes(3) + bytes(2) + b"\x04\x10\x41"


@pytest.mark.parametrize("field", ["images", "audio", "annotations", "thinking_blocks"])
@pytest.mark.parametrize("value", [None, [], {}, [[]], "no", 7, [None, {}]])
def test_a_field_that_holds_no_part_is_no_part(field, value):
    parts, _ = collected(Message(**{field: value}))
    assert parts == ()


@pytest.mark.parametrize(
    ("pieces", "blocks"),
    [
        ([{"index": 0, "text": "a"}, {"index": 0, "text": "b"}], ["ab"]),
        ([{"text": "a"}, {"text": "b"}], ["ab"]),
        ([{"index": 0, "text": "a"}, {"index": 1, "text": "b"}], ["a", "b"]),
        ([{"text": "a", "signature": "s"}, {"text": "b"}], ["a", "b"]),
        ([{"text": "a"}, {"text": "", "signature": "s"}, {"text": "b"}], ["a", "b"]),
        (
            [
                {"type": "reasoning.summary", "summary": "a"},
                {"type": "reasoning.text", "text": "b"},
            ],
            ["a", "b"],
        ),
        (
            [
                {"type": "reasoning.encrypted", "data": "x"},
                {"type": "reasoning.encrypted", "data": "y"},
            ],
            ["", ""],
        ),
        ([{"id": "r1", "text": "a"}, {"id": "r2", "text": "b"}], ["a", "b"]),
        ([{"thinking": [{"type": "text", "text": "a"}]}, {"thinking": [{"text": "b"}]}], ["ab"]),
    ],
)
@pytest.mark.parametrize("field", ["reasoning_details", "thinking_blocks", "content"])
def test_pieces_of_reasoning_are_joined_by_block(pieces, blocks, field):
    pieces = [{"type": "thinking", **piece} for piece in pieces]
    parts, thoughts = collected(*(Message(**{field: [piece]}) for piece in pieces))
    assert [reasoning_of(part.value) for part in parts] == blocks
    assert "".join(thoughts) == "".join(blocks)


def test_what_is_encrypted_is_never_joined_or_changed():
    pieces = [
        {"type": "redacted_thinking", "data": "AAAA"},
        {"type": "redacted_thinking", "data": "AA"},
    ]
    parts, _ = collected(*(Message(thinking_blocks=[piece]) for piece in pieces))
    assert [part.value for part in parts] == pieces


def test_reasoning_that_is_sent_in_three_fields_is_shown_once():
    delta = Message(
        reasoning="Hm.",
        reasoning_details=[{"type": "reasoning.text", "text": "Hm."}],
        thinking_blocks=[{"type": "thinking", "thinking": "Hm."}],
    )
    reader = ChunkReader()
    assert reader.take(Chunk(choices=[Choice(delta=delta)])) == [("", "Hm.")]
    delta.reasoning = None
    assert ChunkReader().take(Chunk(choices=[Choice(delta=delta)])) == [("", "Hm.")]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"type": "text", "text": "a"}, "text"),
        ({"type": "output_text", "text": "a"}, "text"),
        ({"text": "a"}, "text"),
        ({"type": "image_url", "image_url": {"url": "u"}}, "image"),
        ({"type": "output_image", "image_base64": "AA"}, "image"),
        ({"inline_data": {"mime_type": "image/png", "data": "AA"}}, "image"),
        ({"inlineData": {"mimeType": "audio/mp3", "data": "AA"}}, "audio"),
        ({"inlineData": {"mimeType": "application/pdf", "data": "AA"}}, "other"),
        ({"type": "input_audio"}, "audio"),
        ({"type": "thinking", "thinking": []}, "reasoning"),
        ({"type": "reasoning", "text": "a"}, "reasoning"),
        ({"type": "redacted_thinking", "data": "AA"}, "reasoning"),
        ({"type": "refusal", "refusal": "no"}, "refusal"),
        ({"type": "reference", "reference_ids": [1]}, "citation"),
        ({"type": "executable_code", "code": "1"}, "other"),
        ({"type": 7}, "other"),
        ({}, "other"),
    ],
)
def test_the_kind_of_a_content_part_is_told_by_its_type(value, kind):
    assert kind_of(value) == kind


def test_a_content_list_gives_text_reasoning_refusal_and_parts():
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes", "annotations": [CITATION]},
        {"type": "image_url", "image_url": {"url": "https://sheep.test/1.png"}},
        {"type": "refusal", "refusal": "No more."},
        {"type": "executable_code", "code": "1 + 1"},
    ]
    reader = ChunkReader()
    assert reader.take(Chunk(choices=[Choice(delta=Message(content=content))])) == [("Yes", "Hm.")]
    assert reader.refusal == "No more."
    kinds = [part.kind for part in reader.parts.finish()]
    assert kinds == ["reasoning", "citation", "image", "other"]


def test_every_part_is_a_sign_of_life_and_content():
    for field, value in (("images", [IMAGE]), ("audio", AUDIO[0]), ("annotations", [CITATION])):
        reader = ChunkReader()
        reader.take(Chunk(choices=[Choice(delta=Message(**{field: value}))]))
        assert (reader.progress, reader.has_content) == (1, True)


def test_a_resumed_answer_keeps_its_parts_and_takes_no_second_reasoning():
    thought, half = Part("reasoning", "x", {"text": "a"}), Part("audio", "audio", {"data": "AA"})
    image, other = Part("image", "images", IMAGE), Part("image", "images", {"url": "2"})
    audio = Part("audio", "audio", {"data": "AAAA"})
    before = (thought, image, half)
    assert joined_parts(before, ()) == before
    new = (Part("reasoning", "x", {"text": "b"}), image, other, audio)
    assert joined_parts(before, new) == (thought, image, other, audio)


@pytest.mark.parametrize(
    ("fields", "urls"),
    [
        ({"citations": ["https://a.test", "https://a.test", "https://b.test"]}, "ab"),
        ({"citations": ["https://a.test"], "search_results": [{"url": "https://a.test"}]}, "a"),
        ({"search_info": {"search_results": [{"url": "https://a.test"}]}}, "a"),
        ({"citations": [7, None, {}, {"url": 7}, {"url": []}, ""]}, ""),
        ({"citations": "https://a.test", "search_info": 7, "x_groq": 7}, ""),
        ({"x_groq": {"usage": []}}, ""),
    ],
)
def test_sources_beside_the_choices_are_taken_once(fields, urls):
    reader = ChunkReader()
    for _ in range(3):
        reader.take(Chunk(**fields))
    found = [part.value["url"] for part in (reader.parts.finish() if reader.parts else ())]
    assert found == [f"https://{name}.test" for name in urls]


@pytest.mark.parametrize("block", [[], {}, 7, "no", {"prompt_tokens": None}])
def test_a_usage_that_says_nothing_is_none_wherever_it_stands(block):
    reader = ChunkReader()
    reader.take(Chunk(x_groq={"usage": block}))
    reader.take(Chunk(choices=[Choice(usage=block)]))
    assert reader.usage is None
