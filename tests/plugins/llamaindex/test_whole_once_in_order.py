"""Promise 1 in LlamaIndex: cut at every character, in every way, with every manner of continuation."""

import asyncio

import pytest

from holysheep_core.simulator import cut
from support.models import GO, llamaindex


def model(play, at, by, manner):
    script = play(faults=[cut(at, by)], manner=manner)
    return llamaindex(script)


def stream_chat(llm):
    responses = list(llm.stream_chat(GO))
    assert responses[-1].message.content == "".join(response.delta for response in responses)
    return responses[-1].message.content


def chat(llm):
    return llm.chat(GO).message.content


async def astream_chat(llm):
    responses = [response async for response in await llm.astream_chat(GO)]
    assert responses[-1].message.content == "".join(response.delta for response in responses)
    return responses[-1].message.content


async def achat(llm):
    return (await llm.achat(GO)).message.content


@pytest.mark.parametrize("manner", ["preamble", "repeat", "restart", "obedient"])
@pytest.mark.parametrize("by", ["rst", "fin", "eof"])
@pytest.mark.parametrize("ask", [stream_chat, pytest.param(chat, marks=pytest.mark.slow)])
def test_whole_once_in_order_cut_at_every_character(play, text, ask, by, manner):
    for at in range(len(text) + 1):
        assert ask(model(play, at, by, manner)) == text, at


@pytest.mark.parametrize("manner", ["preamble", "repeat", "restart", "obedient"])
@pytest.mark.parametrize("by", ["rst", "fin", "eof"])
@pytest.mark.parametrize("ask", [astream_chat, pytest.param(achat, marks=pytest.mark.slow)])
def test_whole_once_in_order_cut_at_every_character_async(play, text, ask, by, manner):
    async def sweep():
        for at in range(len(text) + 1):
            assert await ask(model(play, at, by, manner)) == text, at

    asyncio.run(sweep())
