"""Every invalid request raises an error before anything is sent."""

import math

import pytest

from holysheep_core import ConfigurationError
from holysheep_core.client.request_check import check_request, check_sync, merged
from holysheep_core.types import ChatRequest

MESSAGES = [{"role": "user", "content": "양 한 마리"}]


TOOLS = [
    {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}},
    {"name": "look", "input_schema": {"type": "object"}},
    {"type": "web_search"},
]


def chosen(name):
    return {"type": "function", "function": {"name": name}}


def request(model="gpt-4.1", messages=MESSAGES, **params) -> ChatRequest:
    return ChatRequest(model, messages, params)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"model": ""}, "model=''"),
        ({"model": "  "}, "model='  '"),
        ({"model": None}, "model=None"),
        ({"messages": []}, "messages is empty"),
        ({"messages": ["hello"]}, "message of type str"),
        ({"messages": [MESSAGES[0], None]}, "message of type NoneType"),
        ({"messages": [{"content": "a"}]}, "'role'"),
        ({"messages": [{"role": None}]}, "'role'"),
        ({"messages": "hello"}, "messages of type str"),
        ({"messages": [{"role": "usr", "content": "a"}]}, "Did you mean 'user'?"),
        ({"messages": [{"role": "User", "content": "a"}]}, "Did you mean 'user'?"),
        ({"messages": [{"role": "human", "content": "a"}]}, "Did you mean 'user'?"),
        ({"messages": [{"role": "AI", "content": "a"}]}, "Did you mean 'assistant'?"),
        ({"messages": [{"role": "asistant", "content": "a"}]}, "Did you mean 'assistant'?"),
        ({"messages": [{"role": "", "content": "a"}]}, "role=''"),
        ({"messages": [{"role": "user"}]}, "role='user' has no content"),
        ({"messages": [{"role": "user", "content": None}]}, "role='user' has no content"),
        ({"messages": [{"role": "tool", "tool_call_id": "a"}]}, "role='tool' has no content"),
        ({"messages": [{"role": "assistant"}]}, "role='assistant' has no content"),
        ({"messages": [{"role": "assistant", "tool_calls": []}]}, "'assistant' has no content"),
        ({"messages": [{"role": "user", "content": 3}]}, "content of type int"),
        ({"tool_choice": "nope", "tools": TOOLS}, "tool_choice='nope'"),
        ({"tool_choice": chosen("nope"), "tools": TOOLS}, "'nope', which is not offered"),
        ({"tool_choice": chosen("nope"), "tools": TOOLS}, "tools are 'pay', 'look'."),
        ({"n": 2}, "n=2"),
        ({"n": 0}, "n=0"),
        *(({name: math.nan}, f"{name}=nan") for name in ("temperature", "top_p", "min_p")),
        *(({name: math.inf}, f"{name}=inf") for name in ("temperature", "frequency_penalty")),
        ({"temperature": -0.1}, "temperature=-0.1"),
        ({"temperature": 2.1}, "temperature=2.1"),
        ({"temperature": "0.5"}, "temperature='0.5'"),
        ({"temperature": True}, "temperature=True"),
        ({"top_p": 1.5}, "top_p=1.5"),
        ({"top_p": -1}, "top_p=-1"),
        ({"max_tokens": 0}, "max_tokens=0"),
        ({"max_tokens": "9"}, "max_tokens='9'"),
        ({"max_completion_tokens": -3}, "max_completion_tokens=-3"),
        ({"logprobs": True}, "logprobs: log probabilities"),
        ({"timeout": 3}, "model_copy(update={'timeout': …})"),
        ({"extra_headers": {"a": "b"}}, "extra_headers is not a field"),
        ({"fallback_models": []}, "fallback_models is not a field"),
        ({"temprature": 0}, "Did you mean temperature?"),
        ({"max_token": 9}, "Did you mean max_tokens?"),
    ],
)
def test_a_bad_request_is_refused_by_name(wrong, named):
    with pytest.raises(ConfigurationError) as refused:
        check_request(request(**wrong))
    assert named in str(refused.value)


@pytest.mark.parametrize(
    "good",
    [
        {},
        {"n": 1},
        {"n": None},
        {"temperature": None, "top_p": None, "max_tokens": None},
        {"temperature": 0, "top_p": 0, "max_tokens": 1},
        {"temperature": 2.0, "top_p": 1.0},
        {"frequency_penalty": -2.0, "presence_penalty": 2.0},
        {"top_k": 3, "min_p": 0.1, "stop_token_ids": [1], "models": ["a", "b"], "store": True},
        {"logprobs": False, "top_logprobs": None},
        *({"tool_choice": each, "tools": TOOLS} for each in ("auto", "none", "required", "any")),
        *({"tool_choice": chosen(name), "tools": TOOLS} for name in ("pay", "look")),
        {"tool_choice": {"type": "web_search"}, "tools": TOOLS},
        {"tool_choice": chosen("theirs"), "tools": [{"type": "web_search"}]},
        {"tool_choice": chosen("theirs")},
        {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]}]},
        {"messages": [{"role": "assistant", "refusal": "No."}]},
        {"messages": [{"role": "developer", "content": ""}, {"role": "user", "content": []}]},
        {"messages": [{"role": "function", "name": "pay", "content": None}]},
        {"messages": [{"role": "critic"}, {"role": "latest_reminder", "content": "a"}]},
    ],
)
def test_a_good_request_passes(good):
    assert check_request(request(**good)) is None


@pytest.mark.parametrize("params", [{1: 2}, {"user": object()}, {"metadata": {"x": {1, 2j}}}])
def test_what_cannot_be_written_as_json_is_refused_at_once(params):
    with pytest.raises(ConfigurationError, match="JSON"):
        check_request(ChatRequest("gpt-4.1", MESSAGES, params))


def test_a_key_given_to_a_call_is_refused_and_not_shown():
    with pytest.raises(ConfigurationError, match="api_key is not a field") as refused:
        check_request(request(api_key="sk-of-somebody"))
    assert "sk-of" not in str(refused.value)


def test_a_coroutine_function_is_no_callback_of_a_sync_call():
    async def later(_):
        """Would have to be awaited."""

    class Late:
        async def __call__(self, _):
            """Likewise."""

    check_sync(print, None, None)
    for callback in (later, Late()):
        with pytest.raises(ConfigurationError, match=r"^on_event is a coroutine function"):
            check_sync(print, None, callback)


def test_the_fields_of_extra_body_are_fields_of_the_request():
    given = {"top_k": 1, "seed": 7, "extra_body": {"top_k": 5}}
    assert merged(given) == {"top_k": 5, "seed": 7}
    assert given["extra_body"] == {"top_k": 5}
    assert merged({"extra_body": None}) == {}
    with pytest.raises(ConfigurationError, match=r"^extra_body of type list"):
        merged({"extra_body": []})
