"""`raw` and `additional_kwargs` of responses have what tools look for, where they look for it."""

import copy
import json
import pickle

import pytest
from llama_index.core.callbacks.token_counting import get_tokens_from_response
from llama_index.core.llms import ChatResponse

from holysheep_core.simulator import cut, reply
from llamaindex_holysheep.raw import Raw
from support.llamaindex_ways import every_way
from support.models import llamaindex
from support.openai_like import openai_like
from support.sse import END, choice

SSE = {"content-type": "text/event-stream"}
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 30,
    "total_tokens": 50,
    "prompt_tokens_details": {"cached_tokens": 7},
    "completion_tokens_details": {"reasoning_tokens": 11},
}
COUNTS = {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50}


def event(data):
    return f"data: {json.dumps(data)}\n\n".encode()


@pytest.fixture
def answering(play):
    note = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A"}}
    usage = {"id": "x", "choices": [], "usage": USAGE}
    body = choice({"content": "Baa.", "annotations": [note]}) + event(usage) + END
    return play("", faults=[reply(200, body, SSE, times=None)])


@every_way
async def test_tokens_are_where_tools_look(answering, way):
    *_, last = await way(llamaindex(answering))
    assert {k: last.raw["usage"][k] for k in COUNTS} == COUNTS
    assert last.additional_kwargs == COUNTS
    usage = last.raw.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (20, 30, 50)
    assert usage.prompt_tokens_details.cached_tokens == 7
    assert usage.completion_tokens_details.reasoning_tokens == 11
    assert dict(last.raw)["usage"]["prompt_tokens_details"]["cached_tokens"] == 7
    assert get_tokens_from_response(last) == (20, 30)


@every_way
async def test_they_are_those_of_openai_like(play, text, way):
    script = play()
    # What it needs to ask for tokens in streams; it is dropped elsewhere.
    asking = {"additional_kwargs": {"stream_options": {"include_usage": True}}}
    async with openai_like(script, **asking) as theirs:
        *_, their_last = await way(theirs)
    *_, our_last = await way(llamaindex(script))
    counted = {k: v for k, v in their_last.additional_kwargs.items() if k in COUNTS}
    assert our_last.additional_kwargs == counted
    assert our_last.raw.usage.total_tokens == their_last.raw.usage.total_tokens
    assert our_last.raw.choices[0].finish_reason == "stop"
    assert our_last.raw.model == their_last.raw.model
    assert our_last.raw.choices[0].message.content == text


@every_way
async def test_tokens_of_cut_attempts_are_in_them(play, way):
    *_, last = await way(llamaindex(play(faults=[cut(20)])))
    assert last.additional_kwargs["total_tokens"] == last.raw["usage"]["total_tokens"]
    attempts = last.raw.resilience.attempts
    assert len(attempts) == 2
    billed = sum(each.usage.input_tokens + each.usage.output_tokens for each in attempts)
    assert billed == last.raw.usage.total_tokens


@every_way
async def test_citations_are_annotations_of_the_message(answering, way):
    *_, last = await way(llamaindex(answering))
    [note] = last.raw.choices[0].message.annotations
    assert note.url_citation.url == "https://a.example"
    assert last.raw["parts"]["annotations"] == last.raw["choices"][0]["message"]["annotations"]


@every_way
async def test_a_refusal_is_where_openais_is(play, way):
    refused = choice({"refusal": "No."}) + END
    script = play("", faults=[reply(200, refused, SSE, times=None)])
    *_, last = await way(llamaindex(script))
    assert last.raw.choices[0].message.refusal == last.raw.refusal == "No."


def test_it_is_a_dict_in_every_respect():
    raw = Raw(usage={"total_tokens": 1}, choices=[{"index": 0}])
    assert raw == {"usage": {"total_tokens": 1}, "choices": [{"index": 0}]}
    for again in (copy.copy(raw), copy.deepcopy(raw), pickle.loads(pickle.dumps(raw))):
        assert again == raw
        assert again.usage.total_tokens == 1
    assert raw.choices[0].index == 0
    assert raw.model_dump() == raw
    assert not hasattr(raw, "prompt_feedback")
    with pytest.raises(AttributeError, match="nothing"):
        _ = raw.nothing
    response = ChatResponse(message={"role": "assistant", "content": "a"}, raw=raw)
    assert response.model_dump()["raw"] == raw
    assert ChatResponse.model_validate_json(response.model_dump_json()).raw == raw
