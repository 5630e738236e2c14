"""Promise 1 in LangChain: cut at every character, in every way, with every manner of continuation."""

import asyncio

import pytest

from holysheep_core.simulator import cut
from support.models import langchain


def model(play, at, by, manner):
    script = play(faults=[cut(at, by)], manner=manner)
    return langchain(script)


def stream(llm):
    return "".join(chunk.text for chunk in llm.stream("go"))


def invoke(llm):
    return llm.invoke("go").text


async def astream(llm):
    return "".join([chunk.text async for chunk in llm.astream("go")])


async def ainvoke(llm):
    return (await llm.ainvoke("go")).text


@pytest.mark.parametrize("manner", ["preamble", "repeat", "restart", "obedient"])
@pytest.mark.parametrize("by", ["rst", "fin", "eof"])
@pytest.mark.parametrize("ask", [stream, pytest.param(invoke, marks=pytest.mark.slow)])
def test_whole_once_in_order_cut_at_every_character(play, text, ask, by, manner):
    for at in range(len(text) + 1):
        assert ask(model(play, at, by, manner)) == text, at


@pytest.mark.parametrize("manner", ["preamble", "repeat", "restart", "obedient"])
@pytest.mark.parametrize("by", ["rst", "fin", "eof"])
@pytest.mark.parametrize("ask", [astream, pytest.param(ainvoke, marks=pytest.mark.slow)])
def test_whole_once_in_order_cut_at_every_character_async(play, text, ask, by, manner):
    async def sweep():
        for at in range(len(text) + 1):
            assert await ask(model(play, at, by, manner)) == text, at

    asyncio.run(sweep())
