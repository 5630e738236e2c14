"""LangChain's content blocks of messages that were put together by hand."""

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_holysheep.blocks import PROVIDER, register
from support.parts import CITATION, IMAGE, PNG

register()


def blocks_of(kind=AIMessage, content="Sheep.", **fields):
    metadata = {"model_provider": PROVIDER}
    return kind(content=content, response_metadata=metadata, **fields).content_blocks


@pytest.mark.parametrize("extra", [{}, {"images": []}, {"images": "no"}, {"images": [7]}])
def test_a_message_without_parts_has_langchains_own_blocks(extra):
    assert blocks_of(additional_kwargs=extra) == [{"type": "text", "text": "Sheep."}]
    whole = blocks_of(AIMessageChunk, additional_kwargs=extra, chunk_position="last")
    assert whole == [{"type": "text", "text": "Sheep."}]
    block = {"type": "text", "text": "Sheep.", "index": "lc_text"}  # to be joined with others
    assert blocks_of(AIMessageChunk, additional_kwargs=extra) == [block]


def test_a_chunk_that_another_hand_made_is_left_to_langchain():
    (block,) = blocks_of(AIMessageChunk, content=[{"type": "text", "text": "Sheep."}])
    assert block == {"type": "text", "text": "Sheep."}


def test_an_image_stands_between_the_text_and_the_tool_calls():
    call = {"name": "pay", "args": {"n": 1}, "id": "c-1"}
    text, image, called = blocks_of(tool_calls=[call], additional_kwargs={"images": [IMAGE]})
    assert (text["text"], image["base64"], called["type"]) == ("Sheep.", PNG, "tool_call")


def test_a_citation_of_an_answer_without_text_has_an_empty_text():
    (block,) = blocks_of(content="", additional_kwargs={"annotations": [CITATION]})
    assert (block["text"], block["annotations"][0]["url"]) == ("", "https://sheep.test")


def test_encrypted_reasoning_stands_beside_the_text_of_the_reasoning():
    encrypted = {"type": "reasoning.encrypted", "data": "AAAA"}
    extra = {"reasoning_content": "Hm.", "reasoning_details": [encrypted]}
    said, kept, _ = blocks_of(additional_kwargs=extra)
    assert said == {"type": "reasoning", "reasoning": "Hm."}
    assert (kept["reasoning"], kept["extras"]) == ("", {"reasoning_details": encrypted})


@pytest.mark.parametrize("value", [{"type": "executable_code", "code": "1"}, {"type": "image"}])
def test_what_no_standard_block_can_hold_is_kept_as_it_is(value):
    extra = {"content_parts": [value]}
    assert blocks_of(additional_kwargs=extra)[1] == {"type": "non_standard", "value": value}


def test_a_refusal_is_a_block_that_langchains_own_helper_finds():
    message = AIMessage(
        "",
        additional_kwargs={"refusal": "I cannot help with that."},
        response_metadata={"model_provider": PROVIDER},
    )
    assert message.content_blocks == [{"type": "refusal", "refusal": "I cannot help with that."}]
    refusal = pytest.importorskip("langchain_core.output_parsers._refusal", reason="core < 1.7.5")
    with pytest.raises(refusal.ModelRefusalError, match="cannot help"):
        refusal.raise_if_refused(message)


@pytest.mark.parametrize("kind", [AIMessage, AIMessageChunk])
def test_a_filter_that_ended_an_answer_is_a_refusal_without_words(kind):
    metadata = {"model_provider": PROVIDER, "finish_reason": "content_filter"}
    message = kind("Half", response_metadata=metadata)
    if kind is AIMessageChunk:
        message.chunk_position = "last"
    extras = {"category": "content_filter"}
    refusal = {"type": "refusal", "refusal": "", "extras": extras}
    assert message.content_blocks == [{"type": "text", "text": "Half"}, refusal]
