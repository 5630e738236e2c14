"""The models of both plugins, and every way to ask them or the engine. Each way returns the text."""

import asyncio

import pytest
from llama_index.core.llms import ChatMessage

from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK, MODEL, handler, url_of

GO = [ChatMessage(role="user", content="go")]


def langchain(server, **settings):
    return ChatHolySheep(**{"model": MODEL, "api_key": "k", "base_url": url_of(server), **settings})


def llamaindex(server, **settings):
    return HolySheep(**{"model": MODEL, "api_key": "k", "api_base": url_of(server), **settings})


# -- pieces, as they come -------------------------------------------------------------------


def handler_pieces(server, *, model=MODEL, **settings):
    with handler(server, **settings) as client:
        yield from client.stream_with_retry(model, ASK)


def langchain_pieces(server, **settings):
    return (chunk.text for chunk in langchain(server, **settings).stream("go"))


def llamaindex_pieces(server, **settings):
    return (response.delta for response in llamaindex(server, **settings).stream_chat(GO))


# -- the text -------------------------------------------------------------------------------


def handler_stream(server, **settings):
    return "".join(handler_pieces(server, **settings))


def handler_astream(server, **settings):
    async def run():
        async with handler(server, **settings) as client:
            return "".join([token async for token in client.astream_with_retry(MODEL, ASK)])

    return asyncio.run(run())


def langchain_stream(server, **settings):
    return "".join(langchain_pieces(server, **settings))


def langchain_invoke(server, **settings):
    return langchain(server, **settings).invoke("go").text


def langchain_batch(server, **settings):
    return langchain(server, **settings).batch(["go"])[0].text


def langchain_astream(server, **settings):
    async def run():
        return "".join([chunk.text async for chunk in langchain(server, **settings).astream("go")])

    return asyncio.run(run())


def llamaindex_stream(server, **settings):
    return "".join(llamaindex_pieces(server, **settings))


def llamaindex_complete(server, **settings):
    return llamaindex(server, **settings).complete("go").text


def llamaindex_astream(server, **settings):
    async def run():
        stream = await llamaindex(server, **settings).astream_chat(GO)
        return "".join([response.delta async for response in stream])

    return asyncio.run(run())


def llamaindex_achat(server, **settings):
    async def run():
        return (await llamaindex(server, **settings).achat(GO)).message.content

    return asyncio.run(run())


OF_MODELS = (
    langchain_stream,
    langchain_invoke,
    langchain_batch,
    langchain_astream,
    llamaindex_stream,
    llamaindex_complete,
    llamaindex_astream,
)
SIX = (
    handler_stream,
    handler_astream,
    langchain_stream,
    langchain_invoke,
    llamaindex_stream,
    llamaindex_achat,
)
every_model = pytest.mark.parametrize("make", [langchain, llamaindex])
every_way = pytest.mark.parametrize("ask", SIX)
every_way_of_models = pytest.mark.parametrize("ask", OF_MODELS)


# -- LangChain's own calls, either way ------------------------------------------------------


def invoke(llm, *args, **kwargs):
    return llm.invoke(*args, **kwargs)


def ainvoke(llm, *args, **kwargs):
    return asyncio.run(llm.ainvoke(*args, **kwargs))


either = pytest.mark.parametrize("ask", [invoke, ainvoke])
