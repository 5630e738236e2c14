"""Histories that other models and integrations wrote: carried, or left out with one warning."""

import asyncio
import logging

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.messages.content import KNOWN_BLOCK_TYPES

from holysheep_core.integrations.parts import note_left_out
from holysheep_core.integrations.turns import warn_once
from langchain_holysheep.assistant_turns import assistant_message
from support.models import langchain

TEXT = {"type": "text", "text": "Sheep."}
FIELDS = {
    "id": "x-1",
    "name": "search",
    "args": {"q": "sheep"},
    "input": {"q": "sheep"},
    "text": "Sheep.",
    "reasoning": "Hm.",
    "refusal": "No.",
    "base64": "AA==",
    "mime_type": "image/png",
    "tool_call_id": "x-1",
    "status": "success",
    "output": [{"title": "Sheep"}],
    "value": {"type": "its_own", "x": 1},
}
"""A field for each standard block; blocks with more than they need are accepted, too."""
OF_PROVIDERS = [
    # Anthropic
    {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "sheep"}},
    {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"url": "https://x"}]},
    {"type": "web_fetch_tool_result", "tool_use_id": "s", "content": {"type": "web_fetch_result"}},
    {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {"stdout": "1"}},
    {"type": "mcp_tool_use", "id": "m", "name": "x", "server_name": "y", "input": {}},
    {"type": "mcp_tool_result", "tool_use_id": "m", "content": [TEXT]},
    {"type": "container_upload", "file_id": "f"},
    {"type": "thinking", "thinking": "Hm.", "signature": "s"},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "compaction", "content": "They spoke of sheep."},
    # OpenAI's Responses API
    {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm."}]},
    {"type": "web_search_call", "id": "ws", "action": {"query": "sheep"}},
    {"type": "file_search_call", "id": "fs", "queries": ["sheep"], "results": None},
    {"type": "code_interpreter_call", "id": "ci", "code": "1", "outputs": None},
    {"type": "image_generation_call", "id": "ig", "result": "AA=="},
    {"type": "mcp_call", "id": "mc", "name": "x", "arguments": "{}"},
    {"type": "computer_call", "call_id": "cc", "action": {"type": "click"}},
    {"type": "compaction", "id": "cmp", "encrypted_content": "x"},
    # Google
    {"type": "executable_code", "executable_code": "1", "language": "PYTHON"},
    {"type": "code_execution_result", "code_execution_result": "1", "outcome": 1},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    {"type": "media", "mime_type": "audio/wav", "data": "AA=="},
    # Bedrock and Mistral
    {"type": "reasoning_content", "reasoning_content": {"text": "Hm.", "signature": "s"}},
    {"type": "reasoning_content", "reasoning_content": {"reasoningText": {"text": "Hm."}}},
    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
    {"type": "guardContent", "guardContent": {"text": "x"}},
]


@pytest.fixture(autouse=True)
def _warnings_anew(caplog):
    note_left_out.cache_clear()
    warn_once.cache_clear()
    caplog.set_level(logging.WARNING, logger="holysheep")


def name_of(block):
    return f"{block['type']}-{'-'.join(sorted(block))}"


STANDARD = [{"type": kind, **FIELDS} for kind in sorted(KNOWN_BLOCK_TYPES)]
BLOCKS = [*STANDARD, *OF_PROVIDERS, *({"type": "non_standard", "value": b} for b in OF_PROVIDERS)]
NAMES = [
    *map(name_of, STANDARD),
    *map(name_of, OF_PROVIDERS),
    *(f"held {name_of(block)}" for block in OF_PROVIDERS),
]
MODELS = ["gpt-4.1", "claude-sonnet-4.5", "gemini-2.5-flash", "deepseek-v3.2"]


def sent(script):
    return [request.body["messages"] for request in script.requests]


@pytest.mark.parametrize("block", BLOCKS, ids=NAMES)
@pytest.mark.parametrize("alone", [False, True])
def test_no_block_of_an_answer_ends_the_conversation(play, text, block, alone, caplog):
    script = play()
    answer = AIMessage([block] if alone else [TEXT, block])
    calls = answer.tool_calls or [
        {"id": "x-1"} for _ in [0] if block["type"] in ("tool_call_chunk", "invalid_tool_call")
    ]
    results = [ToolMessage("done", tool_call_id=call["id"]) for call in calls]
    history = [HumanMessage("go"), answer, *results, HumanMessage("on")]
    for name in MODELS:
        assert langchain(script, model=name, fallback_models=[]).invoke(history).text == text
    assert len(script.requests) == len(MODELS)
    assert len(caplog.messages) <= 1, caplog.messages
    for messages in sent(script):
        for message in messages:
            content = message.get("content")
            parts = content if isinstance(content, list) else []
            assert {part["type"] for part in parts} <= {"text", "image_url"}
            # The one block of an answer that is left out leaves an empty turn at most.
            assert message["role"] in ("user", "assistant", "tool")


@pytest.mark.parametrize("block", BLOCKS, ids=NAMES)
def test_what_is_not_sent_is_warned_of_or_is_in_a_field(block, caplog):
    """Which fields a family takes back is the engine's business: `families/turns.py`."""
    turn = assistant_message(AIMessage([TEXT, block]))
    carried = set(turn) - {"role", "content"} or len(turn["content"] or [TEXT]) > 1
    silent = block["type"] in ("text", "refusal")  # its words are text, or there is text instead
    assert bool(carried) != bool(caplog.messages) or silent, turn


def test_a_compaction_is_carried_as_text(play):
    """It stands for all turns before it."""
    script = play()
    answer = AIMessage([OF_PROVIDERS[9], TEXT])
    langchain(script).invoke([HumanMessage("go"), answer, HumanMessage("on")])
    (messages,) = sent(script)
    assert [part["text"] for part in messages[1]["content"]] == ["They spoke of sheep.", "Sheep."]


HIDDEN = {"type": "redacted_thinking", "data": "x"}


def test_hidden_thoughts_of_version_1_go_back_to_claude_alone(play):
    signed = {"type": "reasoning", "reasoning": "Hm.", "extras": {"signature": "s"}}
    answer = AIMessage(
        [signed, {"type": "non_standard", "value": HIDDEN}, TEXT],
        response_metadata={"output_version": "v1", "model_name": "claude-sonnet-4.5"},
    )
    script = play()
    for name in ("claude-sonnet-4.5", "gpt-4.1"):
        llm = langchain(script, model=name, fallback_models=[])
        llm.invoke([HumanMessage("go"), answer, HumanMessage("on")])
    claude, other = sent(script)
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    assert claude[1]["thinking_blocks"] == [thought, HIDDEN]
    assert "thinking_blocks" not in other[1]


@pytest.mark.parametrize("speaker", [HumanMessage, SystemMessage])
@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_call", "id": "s", "name": "x", "args": {}},
        {"type": "server_tool_result", "tool_call_id": "s", "output": 1},
        {"type": "server_tool_use", "id": "s", "name": "x", "input": {}},
        {"type": "executable_code", "executable_code": "1"},
        {"type": "reasoning", "reasoning": "Hm."},
        {"type": "refusal", "refusal": "No."},
    ],
    ids=lambda block: block["type"],
)
def test_what_a_summary_copied_into_another_turn_is_left_out(play, text, speaker, block, caplog):
    script = play()
    llm = langchain(script)
    for _ in range(2):
        assert llm.invoke([speaker([TEXT, block]), HumanMessage("go")]).text == text
    assert sent(script)[0][0]["content"] == [TEXT]
    (warning,) = caplog.messages
    assert block["type"] in warning


def test_an_async_call_sends_the_same(play, text):
    script = play()
    history = [HumanMessage("go"), AIMessage([TEXT, *OF_PROVIDERS[7:9]]), HumanMessage("on")]
    assert langchain(script).invoke(history).text == text
    assert asyncio.run(langchain(script).ainvoke(history)).text == text
    one, other = sent(script)
    assert one == other
