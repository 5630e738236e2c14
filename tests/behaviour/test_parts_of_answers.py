"""Images, audio, citations and blocks of reasoning: whole through cuts, in both frameworks."""

import asyncio
import base64

import pytest
from langchain_core.messages import AIMessage, HumanMessage, message_to_dict, messages_from_dict
from llama_index.core.llms import ChatMessage

from holysheep_core import (
    APIGateway,
    InvalidResponseError,
    Journal,
    Provider,
    StreamingRetryHandler,
)
from holysheep_core.simulator import reply
from support.calls import ASK, MODEL, handler
from support.llamaindex_ways import GO, WAYS
from support.models import langchain, llamaindex
from support.parts import CITATION, IMAGE, PNG, TEXT, events
from support.sse import END, choice, said
from support.versions import older

SSE = {"content-type": "text/event-stream"}
KINDS = ["reasoning", "image", "citation", "audio"]
BYTES = bytes(5) + b"\x04\x10\x41"


def answer(*bodies):
    """Faults that answer one request after the other with these events; the last repeats."""
    *first, last = [reply(200, b"".join(body), SSE) for body in bodies]
    return [*first, reply(200, last.body, SSE, times=None)]


@pytest.fixture
def serving(play):
    return lambda *bodies: play(TEXT, faults=answer(*bodies))


def check(completion):
    assert completion.text == TEXT
    assert completion.reasoning == "Two sheep."
    assert [part.kind for part in completion.parts] == KINDS
    audio = completion.parts[-1].value
    assert (base64.b64decode(audio["data"]), audio["transcript"]) == (BYTES, "Baa")


def test_a_completion_has_all_parts_in_sync_and_async_calls(serving):
    with handler(serving(events())) as client:
        check(client.complete(MODEL, ASK))
        check(asyncio.run(client.acomplete(MODEL, ASK)))


def test_parts_are_whole_and_once_whatever_the_place_of_the_cut(serving):
    whole = events()
    for cut in range(1, len(whole) - 1):
        rest = [said(TEXT), *whole[5:]] if cut > 4 else whole  # a continuation has no reasoning
        with handler(serving(whole[:cut], rest)) as client:
            check(client.complete(MODEL, ASK))


def test_an_image_alone_is_an_answer(serving):
    script = serving([choice({"images": [IMAGE]}), END])
    with handler(script) as client:
        completion = client.complete(MODEL, ASK)
    assert (completion.text, [part.kind for part in completion.parts]) == ("", ["image"])
    assert len(script.requests) == 1


def test_a_refusal_is_a_part(serving):
    with handler(serving([choice({"refusal": "I may "}), choice({"refusal": "not."}), END])) as c:
        completion = c.complete(MODEL, ASK)
    assert completion.refusal == "I may not."
    assert completion.parts[0].value == {"type": "refusal", "refusal": "I may not."}


def test_a_journal_keeps_the_parts_of_a_finished_answer(serving, tmp_path):
    script = serving(events())
    with StreamingRetryHandler(
        "k", base_url=script.base_url, journal=Journal(f"sqlite:///{tmp_path}/answers.db")
    ) as client:
        client.complete(MODEL, ASK, call_id="a")
        check(list(client.stream_again("a"))[-1])
    assert len(script.requests) == 1


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("version", ["v0", "v1"])
def test_langchain_has_them_as_content_blocks(serving, streaming, version):
    model = langchain(serving(events()), output_version=version)
    message = model.invoke("go")
    if streaming:
        chunks = list(model.stream("go"))
        message = sum(chunks[1:], chunks[0])
    blocks = message.content_blocks
    assert "".join(b["text"] for b in blocks if b["type"] == "text") == message.text == TEXT
    thoughts = [block for block in blocks if block["type"] == "reasoning"]
    assert "".join(block["reasoning"] for block in thoughts) == "Two sheep."
    kept = [b["extras"]["reasoning_details"] for b in thoughts if "extras" in b]
    assert [each["signature"] for each in kept] == ["c2lnbmF0dXJl"]
    (image,) = [block for block in blocks if block["type"] == "image"]
    assert (image["base64"], image["mime_type"]) == (PNG, "image/png")
    (audio,) = [block for block in blocks if block["type"] == "audio"]
    assert base64.b64decode(audio["base64"]) == BYTES
    notes = [note for b in blocks if b["type"] == "text" for note in b.get("annotations", ())]
    assert notes == [
        {
            "type": "citation",
            "url": "https://sheep.test",
            "title": "Sheep",
            "start_index": 0,
            "end_index": 5,
        }
    ]
    if version == "v0":
        assert message.content == TEXT
        assert message.additional_kwargs["images"] == [IMAGE]
        assert message.additional_kwargs["annotations"] == [CITATION]


def test_langchains_async_answers_have_the_same_blocks(serving):
    model = langchain(serving(events()))

    async def both():
        return await model.ainvoke("go"), [chunk async for chunk in model.astream("go")]

    message, chunks = asyncio.run(both())
    assert message.content_blocks == model.invoke("go").content_blocks
    assert sum(chunks[1:], chunks[0]).content_blocks == message.content_blocks


def sent_back(message, content):
    """Blocks of reasoning go back as they came; images, audio and citations do not."""
    (block, *_) = [each for each in message.content_blocks if each["type"] == "reasoning"]
    details = [block["extras"]["reasoning_details"]]
    return {"role": "assistant", "content": content, "reasoning_details": details}


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_a_langchain_conversation_goes_on_after_an_answer_with_parts(serving, version):
    script = serving(events())
    model = langchain(script, output_version=version)
    message = model.invoke("go")
    (kept,) = messages_from_dict([message_to_dict(message)])
    assert kept.content_blocks == message.content_blocks
    assert model.invoke([HumanMessage("go"), kept, HumanMessage("on")]).text == TEXT
    content = [{"type": "text", "text": TEXT}] if version == "v1" else TEXT
    assert script.requests[-1].body["messages"][1] == sent_back(message, content)


def test_an_answer_without_parts_is_read_as_langchain_reads_it(play):
    message = langchain(play(TEXT)).invoke("go")
    assert message.content_blocks == [{"type": "text", "text": TEXT}]
    assert isinstance(message, AIMessage)


@pytest.mark.parametrize("way", [name for name in WAYS if "chat" in name])
def test_llamaindex_has_them_as_blocks_and_in_raw(serving, way):
    script = serving(events())
    model = llamaindex(script)
    last = asyncio.run(WAYS[way](model))[-1]
    thinking, text, image, citation, audio = last.message.blocks
    assert (thinking.content, text.text, last.message.content) == ("Two sheep.", TEXT, TEXT)
    assert thinking.additional_information["reasoning_details"][0]["signature"] == "c2lnbmF0dXJl"
    assert image.resolve_image(as_base64=True).read().decode() == PNG
    assert image.image_mimetype == "image/png"
    assert (citation.source, citation.title) == ("https://sheep.test", "Sheep")
    assert audio.resolve_audio().read() == BYTES
    assert sorted(last.raw["parts"]) == ["annotations", "audio", "images", "reasoning_details"]
    kept = last.message
    if not older("llama-index-core", "0.14.16"):  # older ones cannot read the audio that they wrote
        kept = ChatMessage.model_validate_json(kept.model_dump_json())
    assert model.chat([*GO, kept, *GO]).message.content == TEXT
    information = thinking.additional_information
    assert script.requests[-1].body["messages"][1] == {
        "role": "assistant",
        "content": TEXT,
        "reasoning_details": information["reasoning_details"],
    }


def test_a_part_that_no_block_can_hold_breaks_nothing(serving):
    broken = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,###"}}, {"x": 1}]
    script = serving([said(TEXT), choice({"images": broken}), END])
    assert langchain(script).invoke("go").content_blocks[0]["text"] == TEXT
    response = llamaindex(script).chat(GO)
    assert response.message.content == TEXT
    assert response.raw["parts"]["images"] == broken


@pytest.mark.parametrize("body", [said("a" * 5000) + END, b'{"choices": [' + b" " * 5000])
def test_a_provider_sets_the_cap_of_an_event(serving, body):
    url = serving([body]).base_url
    with StreamingRetryHandler(gateway=APIGateway([Provider("k", url)])) as client:
        if body.startswith(b"data"):
            assert client.complete(MODEL, ASK).text == "a" * 5000
    capped = APIGateway([Provider("k", url, max_event_bytes=4096)])
    with (
        StreamingRetryHandler(gateway=capped) as client,
        pytest.raises(InvalidResponseError, match="4,096"),
    ):
        client.complete(MODEL, ASK)
