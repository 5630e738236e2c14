"""Content of any shape: sent, or refused with the engine's error; never a KeyError or TypeError."""

import logging
import warnings

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage
from pydantic import ValidationError

from holysheep_core import ConfigurationError
from langchain_holysheep.messages import to_wire
from support.models import ainvoke, either, langchain

KINDS = [
    *("text", "image", "image_url", "input_audio", "audio", "file", "video", "text-plain"),
    *("document", "non_standard", "reasoning", "thinking", "redacted_thinking", "tool_call"),
    *("reasoning_content", "tool_use", "function_call", "tool_result", "refusal", "citation"),
    *("tool_call_chunk", "invalid_tool_call", "server_tool_call", "server_tool_result", "json"),
    *("compaction", "guard_content", "cachePoint", "searchResult", "media", "input_image", "zzz"),
    *(None, 3),
]
KEYS = [
    *("text", "url", "base64", "mime_type", "source", "source_type", "data", "value", "extras"),
    *("annotations", "signature", "summary", "id", "index", "name", "args", "input", "arguments"),
    *("call_id", "tool_use_id", "content", "file_id", "title", "detail", "cache_control"),
    *(kind for kind in KINDS if isinstance(kind, str)),
]
VALUES = [
    *(None, "", "x", 0, 1.5, True, b"x", "image/png", "data:image/png;base64,AAAA"),
    *([], {}, ["x"], [1], [{"type": "text", "text": "x"}], [{"type": "zzz"}], {"text": "a"}),
    *({"text": None}, {"type": "text"}, {"bytes": b"x"}, {"url": "x"}, {"url": None}),
    *({"type": "base64"}, {"type": "base64", "media_type": "image/png", "data": "AAAA"}),
    *({"type": "url", "url": "https://x"}, {"type": "text", "data": "q"}, {"s3Location": {}}),
]
EXTRA = [
    *("tool_calls", "function_call", "refusal", "audio", "reasoning_content", "thinking_blocks"),
    *("reasoning_details", "tool_call_fields", "name", "images", "__openai_role__"),
]
METADATA = ["model_name", "model", "resilience", "output_version", "model_provider"]
values = st.sampled_from(VALUES)
blocks = st.builds(
    lambda kind, fields, own: {
        **({"type": kind} if kind != "zzz" else {}),
        **fields,
        **({kind: own} if isinstance(kind, str) and own is not None else {}),
    },
    st.sampled_from(KINDS),
    st.dictionaries(st.sampled_from(KEYS), values, max_size=4),
    values,
)
MAKERS = {
    "user": HumanMessage,
    "system": SystemMessage,
    "assistant": AIMessage,
    "tool": lambda content, **more: ToolMessage(content, tool_call_id="c", **more),
    "chat": lambda content, **more: ChatMessage(content=content, role="assistant", **more),
}


@pytest.mark.parametrize("maker", MAKERS)
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.lists(st.one_of(st.just("s"), blocks), min_size=1, max_size=3),
    extra=st.dictionaries(st.sampled_from(EXTRA), values, max_size=2),
    metadata=st.dictionaries(st.sampled_from(METADATA), values, max_size=1),
)
def test_odd_content_is_sent_or_refused_with_the_engines_error(maker, content, extra, metadata):
    logging.disable(logging.WARNING)
    try:
        message = MAKERS[maker](content, additional_kwargs=extra, response_metadata=metadata)
    except (ValidationError, TypeError, ValueError, AttributeError, KeyError):
        return  # LangChain's own classes refuse it
    finally:
        logging.disable(logging.NOTSET)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # LangChain's about file names
            sent = to_wire([message])
    except ConfigurationError:
        return
    msgspec.json.encode(sent)
    assert all(isinstance(each["role"], str) for each in sent)


class Odd:
    pass


ODD = {
    "a mark": [HumanMessage([{"type": "text", "text": "x", "cache_control": Odd()}])],
    "half a character": [HumanMessage("a\ud800")],
    "arguments": [AIMessage("", tool_calls=[{"name": "a", "args": {"x": Odd()}, "id": "1"}])],
    "a field of a turn": [AIMessage("x", additional_kwargs={"reasoning_details": [Odd()]})],
    "a file without a type": [HumanMessage([{"type": "file", "base64": "AA=="}])],
    "base64 that is none": [HumanMessage([{"type": "text-plain", "base64": "A"}])],
    "a provider's own that is none": [HumanMessage([{"type": "non_standard", "value": "x"}])],
    "an image that is a number": [HumanMessage([{"type": "image", "image": 1.5}])],
}


@either
@pytest.mark.parametrize("name", ODD)
def test_what_cannot_be_sent_is_told_before_anything_is(play, ask, name):
    script = play()
    with pytest.raises(ConfigurationError):
        ask(langchain(script), ODD[name])
    assert script.requests == []


@either
@pytest.mark.parametrize(
    "given",
    [{"stop": 3}, {"extra_body": {"a": Odd()}}, {"tools": [Odd()]}, {"response_format": Odd()}],
    ids=lambda given: next(iter(given)),
)
def test_odd_keywords_of_a_call_are_told_before_anything_is_sent(play, ask, given):
    script = play()
    with pytest.raises(ConfigurationError):
        ask(langchain(script), "go", **given)
    assert script.requests == []


def test_the_error_says_what_is_missing(play):
    with pytest.raises(ConfigurationError, match="mime_type' is missing"):
        ainvoke(langchain(play()), ODD["a file without a type"])
