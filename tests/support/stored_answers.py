"""What both models can do with a journal's answers, sync and async, behind one face.

Every method is a coroutine. Those of a sync way run in a thread.
"""

import asyncio
from typing import ClassVar

import pytest

from support.models import GO, langchain, llamaindex


async def drained(stream):
    return [each async for each in stream]


async def _ainvoke(llm, **given):
    return (await llm.ainvoke("go", **given)).text


async def _abatch(llm, **given):
    return (await llm.abatch(["go"], **given))[0].text


async def _astream(llm, **given):
    return "".join([part.text async for part in llm.astream("go", **given)])


async def _abound(llm, **given):
    return (await llm.bind(**given).ainvoke("go")).text


async def _achat(llm, **given):
    return (await llm.achat(GO, **given)).message.content


async def _acomplete(llm, **given):
    return (await llm.acomplete("go", **given)).text


async def _astream_chat(llm, **given):
    return "".join([part.delta async for part in await llm.astream_chat(GO, **given)])


async def _astream_complete(llm, **given):
    return "".join([part.delta async for part in await llm.astream_complete("go", **given)])


class LangChain:
    make = staticmethod(langchain)

    async def start(self, llm, **given):
        return await asyncio.to_thread(llm.start, "go", **given)

    async def follow(self, llm, name, **given):
        return await asyncio.to_thread(lambda: list(llm.follow_stream(name, **given)))

    async def stop(self, llm, name):
        return await asyncio.to_thread(llm.stop_answer, name)

    async def status(self, llm, name):
        return await asyncio.to_thread(llm.answer_status, name)

    @staticmethod
    def text(parts):
        return "".join(part.text for part in parts)

    @staticmethod
    def metadata(parts):
        return parts[-1].response_metadata

    @staticmethod
    def tools(parts):
        return [call["name"] for part in parts for call in part.tool_calls]

    calls: ClassVar = {
        "invoke": lambda llm, **given: llm.invoke("go", **given).text,
        "batch": lambda llm, **given: llm.batch(["go"], **given)[0].text,
        "stream": lambda llm, **given: "".join(part.text for part in llm.stream("go", **given)),
        "bound": lambda llm, **given: llm.bind(**given).invoke("go").text,
        "events": lambda llm, **given: str(
            llm.stream_events("go", version="v3", **given).output.text
        ),
    }


class LangChainAsync(LangChain):
    async def start(self, llm, **given):
        return await llm.astart("go", **given)

    async def follow(self, llm, name, **given):
        return await drained(llm.afollow_stream(name, **given))

    async def stop(self, llm, name):
        return await llm.astop_answer(name)

    async def status(self, llm, name):
        return await llm.aanswer_status(name)

    calls: ClassVar = {
        "ainvoke": _ainvoke,
        "abatch": _abatch,
        "astream": _astream,
        "abound": _abound,
    }


class LlamaIndex:
    make = staticmethod(llamaindex)

    async def start(self, llm, **given):
        return await asyncio.to_thread(llm.start_chat, GO, **given)

    async def follow(self, llm, name, **given):
        return await asyncio.to_thread(lambda: list(llm.follow_stream_chat(name, **given)))

    async def stop(self, llm, name):
        return await asyncio.to_thread(llm.stop_answer, name)

    async def status(self, llm, name):
        return await asyncio.to_thread(llm.answer_status, name)

    @staticmethod
    def text(parts):
        return "".join(part.delta for part in parts)

    @staticmethod
    def metadata(parts):
        return parts[-1].raw

    @staticmethod
    def tools(parts):
        blocks = parts[-1].message.blocks
        return [block.tool_name for block in blocks if block.block_type == "tool_call"]

    calls: ClassVar = {
        "chat": lambda llm, **given: llm.chat(GO, **given).message.content,
        "complete": lambda llm, **given: llm.complete("go", **given).text,
        "stream_chat": lambda llm, **given: "".join(
            part.delta for part in llm.stream_chat(GO, **given)
        ),
        "stream_complete": lambda llm, **given: "".join(
            part.delta for part in llm.stream_complete("go", **given)
        ),
    }


class LlamaIndexAsync(LlamaIndex):
    async def start(self, llm, **given):
        return await llm.astart_chat(GO, **given)

    async def follow(self, llm, name, **given):
        return await drained(await llm.afollow_stream_chat(name, **given))

    async def stop(self, llm, name):
        return await llm.astop_answer(name)

    async def status(self, llm, name):
        return await llm.aanswer_status(name)

    calls: ClassVar = {
        "achat": _achat,
        "acomplete": _acomplete,
        "astream_chat": _astream_chat,
        "astream_complete": _astream_complete,
    }


FACES = [LangChain, LangChainAsync, LlamaIndex, LlamaIndexAsync]
every_face = pytest.mark.parametrize(
    "face", [made() for made in FACES], ids=lambda f: type(f).__name__
)
CALLS = [
    pytest.param(made(), name, id=f"{made.__name__}.{name}")
    for made in FACES
    for name in made.calls
]
every_call = pytest.mark.parametrize(("face", "call"), CALLS)


async def ask(face, call, llm, **given):
    """Make a call; returns its text."""
    made = face.calls[call]
    if asyncio.iscoroutinefunction(made):
        return await made(llm, **given)
    return await asyncio.to_thread(made, llm, **given)
