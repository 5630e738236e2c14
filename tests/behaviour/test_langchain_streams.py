"""Every public way to stream from `ChatHolySheep`: the text once, and the right blocks."""

import asyncio
import warnings

import pytest
from langchain.agents import create_agent
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool

from holysheep_core.simulator import cut, error_event, reply
from support.models import langchain
from support.parts import IMAGE
from support.sse import END, choice, said
from support.versions import skip_where_tasks_have_no_context

CALLS = [("pay", '{"amount": 1}'), ("pay", '{"amount": 2}')]
VERSIONS = ["v0", "v1"]
SSE = {"content-type": "text/event-stream"}


def total(chunks):
    chunks = list(chunks)
    return sum(chunks[1:], chunks[0])


async def gathered(parts):
    return [each async for each in parts]


# -- every way: (model or chain) -> the whole message ---------------------------------------


def stream(llm):
    return total(llm.stream("go"))


def astream(llm):
    return total(asyncio.run(gathered(llm.astream("go"))))


def transform(llm):
    return total(llm.transform(iter(["go"])))


def atransform(llm):
    async def prompts():
        yield "go"

    return total(asyncio.run(gathered(llm.atransform(prompts()))))


def of_events(version):
    def ask(llm):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # version 1 is deprecated
            events = asyncio.run(gathered(llm.astream_events("go", version=version)))
        return total(
            event["data"]["chunk"] for event in events if event["event"] == "on_chat_model_stream"
        )

    return ask


def v3(llm):
    return llm.stream_events("go", version="v3").output


def av3(llm):
    async def ask():
        stream = await llm.astream_events("go", version="v3")
        return await stream

    return asyncio.run(ask())


def log(llm):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated
        patches = asyncio.run(gathered(llm.astream_log("go", diff=True)))
    operations = [operation for patch in patches for operation in patch.ops]
    return total(each["value"] for each in operations if each["path"] == "/streamed_output/-")


def with_streaming_callbacks(llm):
    return llm.model_copy(update={"streaming": True}).invoke("go")


WAYS = {
    "stream": stream,
    "astream": astream,
    "transform": transform,
    "atransform": atransform,
    "astream_events v1": of_events("v1"),
    "astream_events v2": of_events("v2"),
    "stream_events v3": v3,
    "astream_events v3": av3,
    "astream_log": log,
    "streaming=True": with_streaming_callbacks,
}
every_way = pytest.mark.parametrize("way", WAYS)
every_version = pytest.mark.parametrize("version", VERSIONS)


def plain(blocks):
    """Blocks without the indexes by which they were joined, and without made-up ids."""
    return [{k: v for k, v in block.items() if k not in ("index", "id")} for block in blocks]


def text_of(blocks):
    return "".join(block["text"] for block in blocks if block["type"] == "text")


@every_way
@every_version
@pytest.mark.parametrize(
    "fault", [cut(at=1), cut(at=35, by="eof"), error_event(at=70)], ids=["rst", "eof", "error"]
)
def test_the_text_comes_once_through_a_fault(play, text, way, version, fault):
    llm = langchain(play(faults=[fault]), output_version=version)
    message = WAYS[way](llm)
    assert message.text == text
    assert plain(message.content_blocks) == [{"type": "text", "text": text}]


@every_way
@every_version
@pytest.mark.parametrize("at", [None, 5, 12, 25])
def test_blocks_of_a_stream_are_those_of_invoke(play, way, version, at):
    faults = [] if at is None else [cut(at=at)]
    script = {"tool_calls": CALLS, "reasoning": "Hm, well.", "faults": faults}
    message = WAYS[way](langchain(play("I pay.", **script), output_version=version))
    asked = langchain(play("I pay.", **script), output_version=version).invoke("go")
    assert plain(message.content_blocks) == plain(asked.content_blocks)
    assert [block["type"] for block in message.content_blocks] == [
        *("reasoning", "text", "tool_call", "tool_call")
    ]
    assert [call["args"] for call in message.tool_calls] == [{"amount": 1}, {"amount": 2}]
    assert len({call["id"] for call in message.tool_calls}) == 2


@every_way
@every_version
def test_an_answer_of_calls_alone_has_blocks_of_calls_alone(play, way, version):
    message = WAYS[way](langchain(play("", tool_calls=CALLS), output_version=version))
    assert [block["type"] for block in message.content_blocks] == ["tool_call"] * 2
    assert message.text == ""


@every_way
@every_version
def test_a_call_that_the_model_broke_is_invalid_everywhere(play, way, version):
    broken = ("pay", '{"amount":')
    llm = langchain(play("I pay.", tool_calls=[CALLS[0], broken]), output_version=version)
    message = WAYS[way](llm)
    assert [call["args"] for call in message.tool_calls] == [{"amount": 1}]
    assert [call["name"] for call in message.invalid_tool_calls] == ["pay"]
    kinds = [block["type"] for block in message.content_blocks]
    assert kinds[:2] == ["text", "tool_call"]
    # LangChain itself leaves invalid calls out of the blocks of a message without v1's content.
    assert kinds[2:] in ([], ["invalid_tool_call"])
    assert "tool_call_chunk" not in kinds


@every_way
@every_version
def test_parts_of_one_kind_are_not_joined_with_each_other(play, way, version):
    other = {**IMAGE, "image_url": {"url": "https://sheep.test/2.png"}}
    thoughts = [
        {"type": "reasoning.text", "text": "One. ", "signature": "a", "index": 0},
        {"type": "reasoning.text", "text": "Two.", "signature": "b", "index": 1},
    ]
    body = b"".join(choice({"reasoning_details": [each]}) for each in thoughts)
    body += said("Sheep.") + choice({"images": [IMAGE, other]}) + END
    script = play("", faults=[reply(200, body, SSE, times=None)])
    message = WAYS[way](langchain(script, output_version=version))
    blocks = message.content_blocks
    assert text_of(blocks) == "Sheep."
    images = [block for block in blocks if block["type"] == "image"]
    assert [image.get("url", "") for image in images] == ["", "https://sheep.test/2.png"]
    found = [block for block in blocks if block["type"] == "reasoning"]
    assert "".join(block["reasoning"] for block in found) == "One. Two."
    kept = [b["extras"]["reasoning_details"]["signature"] for b in found if "extras" in b]
    assert kept == ["a", "b"]


@every_way
@every_version
def test_a_refusal_is_a_block(play, way, version):
    body = choice({"refusal": "I may "}) + choice({"refusal": "not."}) + END
    llm = langchain(play("", faults=[reply(200, body, SSE, times=None)]), output_version=version)
    assert plain(WAYS[way](llm).content_blocks) == [{"type": "refusal", "refusal": "I may not."}]


# -- version 3's own projections ------------------------------------------------------------


@every_version
def test_the_projections_of_version_3_are_whole(play, text, version):
    script = {"tool_calls": CALLS, "reasoning": "Hm, well.", "faults": [cut(at=30)]}
    with_all = langchain(play(**script), output_version=version)
    found = with_all.stream_events("go", version="v3")
    assert "".join(found.text) == str(found.text) == text
    found = with_all.stream_events("go", version="v3")
    assert "".join(found.reasoning) == "Hm, well."
    found = with_all.stream_events("go", version="v3")
    assert [call["args"] for call in found.tool_calls.get()] == [{"amount": 1}, {"amount": 2}]
    events = list(with_all.stream_events("go", version="v3"))
    ends = [event["content"] for event in events if event["event"] == "content-block-finish"]
    assert [block["type"] for block in ends] == ["reasoning", "text", "tool_call", "tool_call"]
    numbers = [event["index"] for event in events if event["event"] == "content-block-start"]
    assert numbers == [0, 1, 2, 3]


# -- chains and graphs ----------------------------------------------------------------------


@every_version
def test_a_chain_streams_the_text_once(play, text, version):
    llm = langchain(play(faults=[cut(at=30)]), output_version=version)
    assert total((llm | RunnableLambda(lambda message: message)).stream("go")).text == text
    pieces = (chunk.text for chunk in (RunnableLambda(lambda value: value) | llm).stream("go"))
    assert "".join(pieces) == text


def agent(play, version):
    paid = []

    @tool
    def pay(amount: int) -> str:
        """Pay somebody."""
        paid.append(amount)
        return "paid"

    def first(text, at, _):
        return text[at:]

    script = play("I pay.", tool_calls=CALLS, faults=[cut(at=3), cut(at=12)], manner=first)
    return create_agent(langchain(script, output_version=version), [pay]), paid


ASKED = {"messages": [("user", "go")]}


def of_first_answer(parts):
    chunks = [chunk for chunk, _ in parts if chunk.type == "AIMessageChunk"]
    return total(chunk for chunk in chunks if chunk.id == chunks[0].id)


@every_version
@pytest.mark.parametrize("with_async", [False, True])
def test_an_agent_streams_blocks_and_runs_each_call_once(play, version, with_async):
    runnable, paid = agent(play, version)
    if with_async:
        skip_where_tasks_have_no_context()
        parts = asyncio.run(gathered(runnable.astream(ASKED, stream_mode="messages")))
    else:
        parts = list(runnable.stream(ASKED, stream_mode="messages"))
    blocks = of_first_answer(parts).content_blocks
    assert [block["type"] for block in blocks] == ["text", "tool_call", "tool_call"]
    assert text_of(blocks) == "I pay."
    assert sorted(paid) == [1, 2]


@every_version
@pytest.mark.parametrize("with_async", [False, True])
def test_an_agents_state_has_the_same_blocks(play, version, with_async):
    runnable, paid = agent(play, version)
    state = asyncio.run(runnable.ainvoke(ASKED)) if with_async else runnable.invoke(ASKED)
    blocks = state["messages"][1].content_blocks
    assert [block["type"] for block in blocks] == ["text", "tool_call", "tool_call"]
    assert sorted(paid) == [1, 2]
