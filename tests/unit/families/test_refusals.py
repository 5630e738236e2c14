"""What a refusal teaches, in servers' own words."""

import json

import pytest

from holysheep_core.families.refusals import LIKE, ROLES, Lesson, lesson_of
from holysheep_core.types import ChatRequest

MESSAGES = [
    {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {}}]},
    {"role": "assistant", "content": "", "reasoning_content": "Hm.", "reasoning": "Hm."},
    {"role": "tool", "content": "3", "tool_call_id": "1", "name": "count"},
]
SENT = {
    "temperature": 0.2,
    "max_tokens": 9,
    "seed": 1,
    "top_k": 3,
    "tools": [],
    "stop": ["x"],
    "stream_options": {},
    "parallel_tool_calls": False,
    "tool_choice": "required",
}
ROWS = [
    (
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead."
        ),
        Lesson("max_tokens", "max_completion_tokens"),
    ),
    (
        (
            "Unsupported value: 'temperature' does not support 0.2 with this model. "
            "Only the default (1) value is supported."
        ),
        Lesson("temperature"),
    ),
    ("Unrecognized request argument supplied: top_k", Lesson("top_k")),
    (
        'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
        Lesson("seed"),
    ),
    ("top_k: Extra inputs are not permitted", Lesson("top_k")),
    ("`temperature` may only be set to 1 when thinking is enabled.", Lesson("temperature")),
    ("deepseek-reasoner does not support this tool_choice", Lesson("tool_choice")),
    (
        "Unsupported parameter: 'parallel_tool_calls' is not supported with this model.",
        Lesson("parallel_tool_calls"),
    ),
    (
        (
            "'messages.2' : for 'role:assistant' the following must be satisfied"
            "[('messages.2' : property 'reasoning' is unsupported)]"
        ),
        Lesson("reasoning", in_messages=True),
    ),
    (
        (
            "'messages.2' : for 'role:tool' the following must be satisfied"
            "[('messages.2' : property 'name' is unsupported)]"
        ),
        Lesson("name", in_messages=True),
    ),
    (
        "messages.0.content.0.text.cache_control: Extra inputs are not permitted",
        Lesson("cache_control", in_messages=True),
    ),
    (
        "Unknown parameter: 'messages[1].reasoning_content'.",
        Lesson("reasoning_content", in_messages=True),
    ),
    (
        "After the optional system message, conversation roles must alternate user/assistant/…",
        Lesson(ROLES),
    ),
    ("Unexpected role 'user' after role 'tool'", Lesson(ROLES)),
    (
        "Function call is missing a thought_signature in functionCall parts.",
        Lesson(LIKE, "gemini-3"),
    ),
    (
        "Missing `reasoning_content` field in the assistant message at message index 1.",
        Lesson(LIKE, "deepseek-r1"),
    ),
    (
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        Lesson(LIKE, "deepseek-r1"),
    ),
    (
        "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.",
        Lesson(LIKE, "mistral"),
    ),
    (
        "messages.1.content.1.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'",
        Lesson(LIKE, "claude"),
    ),
    ("max_tokens must be greater than thinking.budget_tokens", None),
    ("max_tokens is too large: 9000. This model supports at most 4096 completion tokens.", None),
    ("Invalid schema for function 'count': 'tools' is wrong", None),
    ("Invalid 'messages[0].content': string too long.", None),
    ("The model is busy with itself.", None),
    ("Bad Request", None),
]


@pytest.mark.parametrize(("words", "lesson"), ROWS, ids=[words[:40] for words, _ in ROWS])
def test_a_refusal_that_names_a_field_that_was_sent_teaches_to_leave_it_out(words, lesson):
    request = ChatRequest("m", MESSAGES, SENT)
    assert lesson_of(words, None, SENT, request) == lesson


def test_the_field_may_be_named_apart():
    assert lesson_of("Invalid value.", "seed", SENT, ChatRequest("m", [])) == Lesson("seed")
    body = {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "…"}]}
    found = lesson_of("HTTP 422: …", None, SENT, ChatRequest("m", []), json.dumps(body))
    assert found == Lesson("stream_options")
    loc = {"detail": [{"loc": ["body", "messages", 2, "tool", "name"], "msg": "Extra inputs"}]}
    found = lesson_of("HTTP 422: …", None, SENT, ChatRequest("m", MESSAGES), json.dumps(loc))
    assert found == Lesson("name", in_messages=True)


def test_what_was_not_sent_is_not_left_out():
    words = "Unsupported parameter: 'logit_bias' is not supported with this model."
    assert lesson_of(words, "logit_bias", SENT, ChatRequest("m", MESSAGES)) is None


@pytest.mark.parametrize("raw", ["", "no JSON", "[" * 5000, "3", '{"error": null}'])
def test_a_body_of_any_kind_does_not_disturb(raw):
    assert lesson_of("Bad Request", None, SENT, ChatRequest("m", MESSAGES), raw) is None
