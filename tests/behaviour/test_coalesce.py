"""`coalesce=True`: what one read brings is one chunk, and nothing else changes."""

import httpx
import pytest
from llama_index.core.base.llms.types import ChatMessage

from holysheep_core import StreamingRetryHandler
from holysheep_core.protocol.response import ResponseDecoder
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

WORDS = ["양 ", "한 ", "마리, ", "two ", "sheep."]
EVENTS = "".join(
    f'data: {{"choices":[{{"delta":{{"reasoning":"r{n}","content":"{word}"}}}}]}}\n\n'
    for n, word in enumerate(WORDS)
)
END = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
BODY = (EVENTS + END).encode()


def in_one_read(**kinds):
    def answer(_request):
        return httpx.Response(
            200, headers={"content-type": "text/event-stream"}, stream=httpx.ByteStream(BODY)
        )

    return {"http_client": httpx.Client(transport=httpx.MockTransport(answer)), **kinds}


@pytest.mark.parametrize("coalesce", [True, False])
def test_one_read_is_one_piece_however_the_body_is_split(coalesce):
    for at in range(1, len(BODY)):
        decoder = ResponseDecoder(coalesce=coalesce)
        decoder.receive_response(200, {})
        first, second = decoder.receive_data(BODY[:at]), decoder.receive_data(BODY[at:])
        assert "".join(text for text, _ in first + second) == "".join(WORDS)
        assert "".join(thought for _, thought in first + second) == "r0r1r2r3r4"
        assert decoder.pieces == len(WORDS)
        assert decoder.finished
        if coalesce:
            assert len(first) <= 1
            assert len(second) <= 1
        else:
            assert len(first + second) == len(WORDS)


def test_the_engine_gives_one_delta():
    handler = StreamingRetryHandler("k", coalesce=True, **in_one_read())
    tokens = []
    messages = [{"role": "user", "content": "go"}]
    assert list(handler.stream_with_retry("m", messages, on_token=tokens.append)) == tokens
    assert tokens == ["".join(WORDS)]


def test_langchain_gets_one_chunk_and_the_last():
    llm = ChatHolySheep(model="m", api_key="k", coalesce=True, **in_one_read())
    assert [chunk.content for chunk in llm.stream("go")] == ["".join(WORDS), ""]
    llm = ChatHolySheep(model="m", api_key="k", **in_one_read())
    assert [chunk.content for chunk in llm.stream("go")] == [*WORDS, ""]


def test_llamaindex_gets_one_response_and_the_last():
    llm = HolySheep(model="m", api_key="k", coalesce=True, **in_one_read())
    responses = list(llm.stream_chat([ChatMessage(role="user", content="go")]))
    assert [response.delta for response in responses] == ["".join(WORDS), ""]
