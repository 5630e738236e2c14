"""`cache_control` reaches the wire on every kind of message, in both frameworks."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from llama_index.core.base.llms.types import (
    CacheControl,
    CachePoint,
    ChatMessage,
    TextBlock,
    ToolCallBlock,
)

from holysheep_core.simulator import cut
from support.models import langchain, llamaindex

MARK = {"type": "ephemeral"}
ROLES = ["system", "user", "assistant", "tool"]
CLAUDE = "claude-sonnet-4.5"


def part(text):
    return {"type": "text", "text": text, "cache_control": MARK}


LANGCHAIN = [
    SystemMessage([part("system")]),
    HumanMessage([{"type": "text", "text": "long"}, part("user")]),
    AIMessage([part("assistant")], tool_calls=[{"name": "count", "args": {}, "id": "c-1"}]),
    ToolMessage([part("tool")], tool_call_id="c-1"),
]
POINT = CachePoint(cache_control=CacheControl(type="ephemeral"))
CALL = ToolCallBlock(tool_call_id="c-1", tool_name="count", tool_kwargs={})
LLAMAINDEX = [
    ChatMessage(role="system", blocks=[TextBlock(text="system"), POINT]),
    ChatMessage(role="user", blocks=[TextBlock(text="long"), TextBlock(text="user"), POINT]),
    ChatMessage(role="assistant", blocks=[TextBlock(text="assistant"), POINT, CALL]),
    ChatMessage(
        role="tool",
        blocks=[TextBlock(text="tool"), POINT],
        additional_kwargs={"tool_call_id": "c-1"},
    ),
]


def ask_langchain(script, **settings):
    return langchain(script.base_url, **settings).invoke(LANGCHAIN).text


def ask_llamaindex(script, **settings):
    return llamaindex(script.base_url, **settings).chat(LLAMAINDEX).message.content


def marks_of(request):
    return {
        message["role"]: [part.get("cache_control") for part in message["content"]]
        for message in request.body["messages"][: len(ROLES)]
    }


@pytest.mark.parametrize("model", [CLAUDE, "my-claude-behind-a-gateway"])
@pytest.mark.parametrize("ask", [ask_langchain, ask_llamaindex])
def test_marks_of_the_prompt_cache_reach_the_wire_on_all_four_roles(play, text, ask, model):
    script = play()
    assert ask(script, model=model) == text
    marks = marks_of(script.requests[0])
    assert list(marks) == ROLES
    assert marks["user"] == [None, MARK]
    assert all(marks[role] == [MARK] for role in ROLES if role != "user")


@pytest.mark.parametrize("ask", [ask_langchain, ask_llamaindex])
def test_they_are_there_when_a_cut_answer_is_resumed(play, text, ask):
    script = play(faults=[cut(40)])
    assert ask(script, model=CLAUDE) == text
    first, second = script.requests
    assert marks_of(second) == marks_of(first)
