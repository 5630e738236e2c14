"""Parameters as each family takes them."""

import pytest

from holysheep_core.families.parameters import adapt_params, for_fallback, is_thinking

THINKING = {"type": "enabled", "budget_tokens": 2000}
TOOL = {"type": "function", "function": {"name": "count"}}


def adapt(model, *, thinking_lost=False, **params):
    notes = []
    given = dict(params)
    found = adapt_params(params, model, notes.append, thinking_lost=thinking_lost)
    assert params == given  # the user's own are not changed
    return found, notes


@pytest.mark.parametrize(
    ("model", "given", "sent"),
    [
        ("gpt-5", {"max_tokens": 9}, {"max_completion_tokens": 9}),
        ("gpt-5", {"max_tokens": 9, "max_completion_tokens": 7}, {"max_completion_tokens": 7}),
        ("gpt-5", {"temperature": 0.2, "top_p": 0.5, "stop": ["x"]}, {}),
        ("o3", {"parallel_tool_calls": False}, {}),
        ("gpt-5", {"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ("gpt-5.1", {"temperature": 0.2}, {"temperature": 0.2}),
        ("gpt-5.1", {"temperature": 0.2, "reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ("gpt-5-chat-latest", {"temperature": 0.2}, {"temperature": 0.2}),
        ("gpt-4.1", {"max_tokens": 9, "temperature": 0.2}, {"max_tokens": 9, "temperature": 0.2}),
        ("claude-sonnet-4.5", {"temperature": 0.2, "top_p": 0.5}, {"temperature": 0.2}),
        ("claude-sonnet-4.5", {"top_p": 0.5}, {"top_p": 0.5}),
        ("claude-3-5-haiku", {"temperature": 0, "top_p": 1}, {"temperature": 0, "top_p": 1}),
        ("claude-opus-4-6", {"temperature": 1.5}, {"temperature": 1}),
        (
            "claude-opus-4-6",
            {"thinking": THINKING, "max_tokens": 500, "temperature": 0.2, "tool_choice": TOOL},
            {"thinking": THINKING, "max_tokens": 2500, "tool_choice": "auto"},
        ),
        (
            "claude-opus-4-6",
            {"thinking": THINKING, "max_tokens": 4000},
            {"thinking": THINKING, "max_tokens": 4000},
        ),
        (
            "claude-opus-4-7",
            {"thinking": THINKING, "max_tokens": 500, "temperature": 0.2, "top_k": 3},
            {"thinking": {"type": "adaptive"}, "max_tokens": 500},
        ),
        ("deepseek-reasoner", {"tool_choice": "required"}, {"tool_choice": "auto"}),
        ("deepseek-reasoner", {"tool_choice": "none"}, {"tool_choice": "none"}),
        ("deepseek-chat", {"tool_choice": "required"}, {"tool_choice": "required"}),
        (
            "deepseek-v3.2",
            {"tool_choice": TOOL, "thinking": {"type": "enabled"}},
            {"tool_choice": "auto", "thinking": {"type": "enabled"}},
        ),
        ("my-model", {"max_tokens": 9, "top_k": 3}, {"max_tokens": 9, "top_k": 3}),
    ],
)
def test_a_family_is_sent_what_it_takes(model, given, sent):
    found, notes = adapt(model, **given)
    assert found == sent
    assert bool(notes) is (given != sent)


def test_thinking_is_off_while_calls_of_another_model_are_answered():
    found, notes = adapt("claude-opus-4-6", thinking_lost=True, thinking=THINKING, max_tokens=500)
    assert found == {"max_tokens": 500}
    assert notes


def test_gemini_gets_schemas_in_its_subset():
    parameters = {"type": "object", "additionalProperties": False, "$schema": "x"}
    function = {"name": "count", "parameters": parameters, "strict": True}
    wanted = {"type": "json_schema", "json_schema": {"name": "n", "schema": parameters}}
    given = {"tools": [{"type": "function", "function": function}], "response_format": wanted}
    found, _ = adapt("gemini-2.5-flash", **given)
    assert found["tools"][0]["function"] == {"name": "count", "parameters": {"type": "object"}}
    assert found["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert function["strict"] is True


@pytest.mark.parametrize(
    ("asked", "model", "given", "sent"),
    [
        (
            "claude-opus-4-6",
            "gemini-2.5-flash",
            {"thinking": THINKING, "top_k": 3, "max_tokens": 9, "temperature": 0.2},
            {"max_tokens": 9, "temperature": 0.2},
        ),
        (
            "gpt-5",
            "claude-sonnet-4.5",
            {"max_completion_tokens": 9, "reasoning_effort": "low", "seed": 1},
            {"max_tokens": 9},
        ),
        ("gpt-5", "gpt-4.1", {"reasoning_effort": "low", "seed": 1}, {"seed": 1}),
        ("gpt-5", "gpt-5-mini", {"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ("my-model", "other-model", {"top_k": 3}, {"top_k": 3}),
    ],
)
def test_a_fallback_is_given_what_its_family_knows(asked, model, given, sent):
    notes = []
    assert for_fallback(given, asked, model, notes.append) == sent
    assert bool(notes) is any(name not in sent and name[:4] != "max_" for name in given)


@pytest.mark.parametrize(
    ("model", "params", "thinks"),
    [
        ("gpt-5", {}, True),
        ("gpt-5.1", {"reasoning_effort": "none"}, False),
        ("claude-opus-4-6", {}, False),
        ("claude-opus-4-6", {"thinking": THINKING}, True),
        ("claude-opus-4-6", {"thinking": {"type": "disabled"}}, False),
        ("deepseek-reasoner", {}, True),
        ("deepseek-v3.2", {}, False),
        ("gpt-4.1", {}, False),
    ],
)
def test_a_model_thinks_if_that_is_certain(model, params, thinks):
    assert is_thinking(params, model) is thinks
