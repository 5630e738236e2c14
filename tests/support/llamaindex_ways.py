"""The eight ways to ask LlamaIndex's model; each gives the list of responses."""

import pytest

from support.models import GO


async def drained(stream):
    return [response async for response in await stream]


async def now(value):
    return value


WAYS = {
    "chat": lambda llm: now([llm.chat(GO)]),
    "complete": lambda llm: now([llm.complete("go")]),
    "stream_chat": lambda llm: now(list(llm.stream_chat(GO))),
    "stream_complete": lambda llm: now(list(llm.stream_complete("go"))),
    "achat": lambda llm: one(llm.achat(GO)),
    "acomplete": lambda llm: one(llm.acomplete("go")),
    "astream_chat": lambda llm: drained(llm.astream_chat(GO)),
    "astream_complete": lambda llm: drained(llm.astream_complete("go")),
}


every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


async def one(awaited):
    return [await awaited]


def text_of(response):
    return response.message.content if hasattr(response, "message") else response.text
