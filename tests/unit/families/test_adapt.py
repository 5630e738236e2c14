"""A request as the model that is asked takes it."""

import logging

import pytest

from holysheep_core.families.adapt import _log_once, adapted, log_lesson, untouched
from holysheep_core.families.refusals import LIKE, ROLES, Lesson
from holysheep_core.families.turns import ORIGIN
from holysheep_core.types import ChatRequest

USER = {"role": "user", "content": "Hi"}


@pytest.fixture(autouse=True)
def _fresh_log():
    _log_once.cache_clear()


def test_a_fallbacks_own_parameters_are_laid_over_those_it_knows():
    request = ChatRequest("claude-opus-4-6", [USER], {"top_k": 3, "max_tokens": 9})
    found = adapted(request, "gpt-5", own={"reasoning_effort": "low"})
    assert found.params == {"max_completion_tokens": 9, "reasoning_effort": "low"}
    assert adapted(request, "claude-opus-4-6", own={}).params == request.params


def test_a_schema_goes_to_deepseek_as_an_instruction():
    system = {"role": "system", "content": "Be brief."}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    request = ChatRequest("deepseek-v3.2", [system, USER], {"response_format": wanted})
    found = adapted(request, "deepseek-v3.2")
    assert found.params == {"response_format": {"type": "json_object"}}
    assert [each["role"] for each in found.messages] == ["system", "system", "user"]
    assert '{"type": "object"}' in found.messages[1]["content"]
    assert adapted(ChatRequest("gpt-4.1", [USER], request.params), "gpt-4.1").params == (
        request.params
    )


def test_lessons_are_followed():
    messages = [{**USER, "name": "Kim"}, USER]
    request = ChatRequest("my-model", messages, {"seed": 1, "max_tokens": 9})
    lessons = [
        Lesson("seed"),
        Lesson("max_tokens", "max_completion_tokens"),
        Lesson("name", in_messages=True),
        Lesson(ROLES),
    ]
    found = adapted(request, "my-model", lessons=lessons)
    assert found.params == {"max_completion_tokens": 9}
    assert found.messages == [{"role": "user", "content": "Hi\n\nHi"}]
    assert request.messages is messages


def test_a_model_whose_name_tells_nothing_is_asked_like_one_of_its_family():
    call = {"id": "1", "type": "function", "function": {"name": "n", "arguments": "{}"}}
    own = {"role": "assistant", "content": "", "tool_calls": [call], "reasoning_content": "Hm."}
    result = {"role": "tool", "tool_call_id": "1", "content": "3"}
    given = [USER, {**own, ORIGIN: "house"}, result, {**own, ORIGIN: "gpt-5"}, result]
    lessons = [Lesson(LIKE, "deepseek-r1")]
    found = adapted(ChatRequest("house", given), "house", lessons=lessons).messages
    assert found[1]["reasoning_content"] == "Hm."
    request = ChatRequest("house", given, {"max_tokens": 9, "top_k": 3})
    assert adapted(request, "house", lessons=lessons).params == request.params
    signed = adapted(request, "house", lessons=[Lesson(LIKE, "gemini-3")]).messages
    assert all("extra_content" in each["tool_calls"][0] for each in (signed[1], signed[3]))


def test_a_change_is_logged_once_for_each_model(caplog):
    request = ChatRequest("gpt-5", [USER], {"max_tokens": 9})
    with caplog.at_level(logging.WARNING, "holysheep"):
        for _ in range(3):
            adapted(request, "gpt-5")
        adapted(ChatRequest("o3", [USER], {"max_tokens": 9}), "o3")
    assert [record.args[0] for record in caplog.records] == ["gpt-5", "o3"]
    assert "adapt=False" in caplog.text


def test_a_lesson_is_logged(caplog):
    with caplog.at_level(logging.WARNING, "holysheep"):
        log_lesson("m", Lesson("seed"))
        log_lesson("m", Lesson("name", in_messages=True))
        log_lesson("m", Lesson("max_tokens", "max_completion_tokens"))
        log_lesson("m", Lesson(ROLES))
    assert "seed was refused, and is left out" in caplog.text
    assert "name of messages was refused" in caplog.text
    assert "sent as max_completion_tokens" in caplog.text
    assert "in a row" in caplog.text


def test_untouched_means_all_but_our_own_note():
    turn = {"role": "assistant", "content": "", "reasoning_content": "Hm.", ORIGIN: "x"}
    request = ChatRequest("gpt-5", [USER, turn], {"max_tokens": 9, "temperature": 3})
    found = untouched(request)
    assert found.params is request.params
    assert found.messages == [
        USER,
        {"role": "assistant", "content": "", "reasoning_content": "Hm."},
    ]
