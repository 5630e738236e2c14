"""What a turn carries to the family that is asked."""

import pytest

from holysheep_core.families.messages import (
    NO_REASONING,
    NO_SIGNATURE,
    adapt_messages,
    field_names,
    lacks_thinking,
    plain_messages,
    without_fields,
)
from holysheep_core.families.turns import CALL_FIELDS, ORIGIN, TURN_FIELDS

SIGNED = {"google": {"thought_signature": "c2lnbmVk"}}
MODELS = [
    "gpt-5",
    "claude-opus-4-6",
    "gemini-3-pro",
    "deepseek-reasoner",
    "mistral-large",
    "llama-3",
]


def call(call_id="abc123XYZ", **fields):
    function = {"name": "count", "arguments": "{}"}
    return {"id": call_id, "type": "function", "function": function, **fields}


def history(origin, *, calls=None, **fields):
    turn = {"role": "assistant", "content": "Let me count.", ORIGIN: origin, **fields}
    return [
        {"role": "user", "content": "How many?"},
        {**turn, "tool_calls": calls or [call()]},
        {"role": "tool", "tool_call_id": "abc123XYZ", "content": "3"},
    ]


EVERYTHING = {
    "reasoning_content": "Hm.",
    "reasoning": "Hm.",
    "reasoning_details": [{"type": "reasoning.text", "text": "Hm.", "signature": "s"}],
    "thinking_blocks": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}],
    "extra_content": SIGNED,
    "provider_specific_fields": {"thought_signature": "s"},
}


@pytest.mark.parametrize("origin", MODELS)
@pytest.mark.parametrize("model", MODELS)
def test_what_was_attached_goes_to_its_own_family_only(origin, model):
    given = history(origin, calls=[call(**dict.fromkeys(CALL_FIELDS, SIGNED))], **EVERYTHING)
    turn = adapt_messages(given, model, "gpt-4.1")[1]
    assert ORIGIN not in turn
    if origin == model:
        assert turn["thinking_blocks"] == EVERYTHING["thinking_blocks"]
        assert turn["reasoning_details"] == EVERYTHING["reasoning_details"]
        assert turn["extra_content"] == SIGNED
        assert turn["tool_calls"][0]["extra_content"] == SIGNED
    else:
        own = {"deepseek-reasoner": {"reasoning_content"}}.get(model, set())  # it takes any text
        assert set(turn) & set(TURN_FIELDS) == own
        if model != "gemini-3-pro":
            assert not set(turn["tool_calls"][0]) & set(CALL_FIELDS)


def test_reasoning_as_text_is_sent_to_no_family_that_refuses_it():
    for model in ("gpt-5", "claude-opus-4-6", "llama-3", "grok-4"):
        turn = adapt_messages(history(model, **EVERYTHING), model, model)[1]
        assert not {"reasoning_content", "reasoning"} & set(turn)


@pytest.mark.parametrize("model", ["deepseek-reasoner", "kimi-k2-thinking"])
def test_turns_of_a_tool_loop_always_have_reasoning_for_deepseek_and_kimi(model):
    own = adapt_messages(history(model, reasoning_content="Hm."), model, model)
    assert own[1]["reasoning_content"] == "Hm."
    other = adapt_messages(history("gpt-5"), model, model, thinks=True)
    assert other[1]["reasoning_content"] == NO_REASONING
    unsure = adapt_messages(history("gpt-5"), "kimi-k2", "kimi-k2")
    assert "reasoning_content" not in unsure[1]
    partial = {"role": "assistant", "content": "There are", ORIGIN: model}
    after = adapt_messages([*history(model, reasoning_content="Hm."), partial], model, model)
    assert after[-1]["reasoning_content"] == NO_REASONING
    plain = [{"role": "user", "content": "Hi"}, {**partial, "reasoning_content": "Hm."}]
    assert "reasoning_content" not in adapt_messages(plain, model, model)[1]


def test_gemini_3_gets_a_signature_on_the_first_call_of_every_turn():
    given = history("gpt-5", calls=[call(), call("abc123XYA")])
    first, second = adapt_messages(given, "gemini-3-pro", "gpt-5")[1]["tool_calls"]
    assert first["extra_content"] == {"google": {"thought_signature": NO_SIGNATURE}}
    assert "extra_content" not in second
    kept = history("gemini-3-pro", calls=[call(extra_content=SIGNED), call("abc123XYA")])
    first, second = adapt_messages(kept, "gemini-3-pro", "x")[1]["tool_calls"]
    assert first["extra_content"] == SIGNED
    older = adapt_messages(given, "gemini-2.5-flash", "gpt-5")[1]["tool_calls"][0]
    assert "extra_content" not in older


def test_a_turn_without_a_note_is_of_the_model_asked_for():
    given = [{k: v for k, v in m.items() if k != ORIGIN} for m in history("x", **EVERYTHING)]
    assert "thinking_blocks" in adapt_messages(given, "claude-opus-4-6", "claude-sonnet-4.5")[1]
    assert "thinking_blocks" not in adapt_messages(given, "claude-opus-4-6", "gpt-5")[1]


def test_claudes_last_turn_has_no_space_at_its_end():
    for content in ("Sure:  \n", [{"type": "text", "text": "Sure:  \n"}]):
        given = [{"role": "user", "content": "Go"}, {"role": "assistant", "content": content}]
        last = adapt_messages(given, "claude-sonnet-4.5", "claude-sonnet-4.5")[-1]["content"]
        assert (last if isinstance(last, str) else last[0]["text"]) == "Sure:"


@pytest.mark.parametrize(
    ("fields", "lacks"),
    [
        ({}, True),
        ({"thinking_blocks": EVERYTHING["thinking_blocks"]}, False),
        ({"reasoning_details": EVERYTHING["reasoning_details"]}, False),
    ],
)
def test_calls_without_signed_thinking_are_noticed_until_they_are_answered(fields, lacks):
    given = history("claude-opus-4-6", **fields)
    assert lacks_thinking(given) is lacks
    assert not lacks_thinking([*given, {"role": "user", "content": "And?"}])


def test_messages_that_need_no_change_are_the_users_own():
    given = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "s"}]
    assert adapt_messages(given, "gpt-4.1", "gpt-4.1") == given
    assert plain_messages(given)[0] is given[0]
    assert ORIGIN not in plain_messages(history("gpt-5"))[1]


def test_fields_that_may_be_left_out_are_found_and_left_out_everywhere():
    cached = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}
    image = {"type": "image_url", "image_url": {"url": "u", "detail": "low"}}
    given = [
        {"role": "user", "content": [cached, image], "name": "Kim"},
        {"role": "tool", "tool_call_id": "1", "content": "3", "name": "count"},
        {"role": "assistant", "content": None, "tool_calls": [call(extra_content=SIGNED)]},
    ]
    names = {"name", "cache_control", "detail", "extra_content"}
    assert field_names(given) == names
    found = without_fields(given, frozenset(names))
    assert field_names(found) == set()
    assert found[0]["content"] == [
        {"type": "text", "text": "Hi"},
        {"type": "image_url", "image_url": {"url": "u"}},
    ]
    assert found[2]["tool_calls"] == [call()]
    assert given[0]["name"] == "Kim"  # the user's own is not changed
