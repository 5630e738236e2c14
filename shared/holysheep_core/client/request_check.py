"""Checks a request before anything is sent."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.errors import ConfigurationError
from holysheep_core.protocol.wire import encode_request
from holysheep_core.types import ChatRequest


def check_request(request: ChatRequest) -> None:
    """Check a request before anything is sent.

    Raises:
        ConfigurationError: A part of the request is invalid; the message names the part and a valid
            value.
    """
    if not isinstance(request.model, str) or not request.model.strip():
        raise ConfigurationError(f"model={request.model!r}: needs a model's name.")
    if not isinstance(request.call_id, str):
        raise ConfigurationError(f"call_id={request.call_id!r}: needs a str.")
    if request.if_exists not in ("error", "resume"):
        raise ConfigurationError(f"if_exists={request.if_exists!r}: needs 'error' or 'resume'.")
    if request.if_exists == "resume" and not request.call_id:
        raise ConfigurationError("if_exists='resume': needs a call_id, the name of the answer.")
    _check_messages(request.messages)
    for name in request.params:
        _check_name(str(name))
    _check_params(request.params)
    encode_request(
        request, model=request.model, stream_usage=False
    )  # raises if a value is not JSON


def check_sync(on_token: Callable[..., Any] | None, *on_event: Callable[..., Any] | None) -> None:
    """Check the callbacks of a call that is not of asyncio.

    Raises:
        ConfigurationError: One is a coroutine function, which the call could not await.
    """
    for name, callback in (("on_token", on_token), *(("on_event", each) for each in on_event)):
        if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(
            getattr(callback, "__call__", None)  # noqa: B004 - an object may have an async one
        ):
            raise ConfigurationError(
                f"{name} is a coroutine function, which only the async methods can await: "
                "use one of those, or a plain function."
            )


def merged(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a request, those of `extra_body` among them, as openai's client has it.

    Raises:
        ConfigurationError: `extra_body` is no dict.
    """
    fields = dict(params)
    extra = fields.pop("extra_body", None)
    if extra is None:
        return fields
    if not isinstance(extra, Mapping):
        raise ConfigurationError(f"extra_body of type {type(extra).__name__}: needs a dict.")
    return {**fields, **extra}


def _check_params(params: Mapping[str, Any]) -> None:
    wanted = params.get("response_format")
    if wanted is not None and not isinstance(wanted, Mapping):
        raise ConfigurationError(
            f"response_format of type {type(wanted).__name__}: needs a dict; "
            "for a class use the framework's structured output."
        )
    _check_tool_choice(params)
    for name, value in params.items():
        if isinstance(value, float):
            check_number(name, value, minimum=-math.inf)
    if params.get("n") not in (None, 1):
        raise ConfigurationError(
            f"n={params['n']!r}: a stream has one answer. Make one call for each answer."
        )
    for name, low, high in _RANGES:
        if params.get(name) is not None:
            check_number(name, params[name], minimum=low, maximum=high)
    for name in _COUNTS:
        if params.get(name) is not None:
            check_count(name, params[name], minimum=1)
    if params.get("logprobs") or params.get("top_logprobs"):
        raise ConfigurationError(
            "logprobs: log probabilities are not supported: a resumed stream cannot keep them."
        )


def _check_messages(messages: Any) -> None:
    if isinstance(messages, str) or not isinstance(messages, Sequence):
        raise ConfigurationError(
            f"messages of type {type(messages).__name__}: needs a list of dicts."
        )
    if not messages:
        raise ConfigurationError("messages is empty: needs at least one message.")
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise ConfigurationError(
                f"message of type {type(message).__name__}: needs a dict with 'role' and 'content'."
            )
        role = message["role"]
        if role not in _ROLES:
            _check_role(role)
        content = message.get("content")
        if content is None and not _may_lack_content(role, message):
            raise ConfigurationError(f"A message with role={role!r} has no content.")
        if content is not None and not isinstance(content, (str, Sequence, Mapping)):
            raise ConfigurationError(
                f"content of type {type(content).__name__} in a message with role={role!r}: needs "
                "a string or a list of parts."
            )


def _may_lack_content(role: str, message: Mapping[str, Any]) -> bool:
    """Tell whether a message may be without content: an answer may be tool calls alone."""
    if role == "assistant":
        return any(message[name] for name in message if name not in ("role", "name"))
    return role not in _ROLES or role == "function"


@lru_cache(maxsize=256)
def _check_role(role: str) -> None:
    """Refuse a mistyped role; others pass, since templates of a server may have their own.

    Raises:
        ConfigurationError: The role is nearly one of the API's, or another library's word for one.
    """
    near = difflib.get_close_matches(role.lower(), _ROLES, n=1, cutoff=0.8)
    meant = _OTHER_ROLES.get(role.lower()) or (near[0] if near else None)
    if meant or not role.strip():
        asked = f" Did you mean {meant!r}?" if meant else ""
        raise ConfigurationError(
            f"A message with role={role!r}: needs one of {', '.join(_ROLES)}.{asked}"
        )


def _check_tool_choice(params: Mapping[str, Any]) -> None:
    """Check that the tool which the model must call is offered, as far as tools have names."""
    choice, tools = params.get("tool_choice"), params.get("tools")
    if isinstance(choice, str) and choice not in _CHOICES:
        raise ConfigurationError(
            f"tool_choice={choice!r}: needs {', '.join(map(repr, _CHOICES[:3]))} or "
            "{'type': 'function', 'function': {'name': …}}."
        )
    named = choice.get("function") if isinstance(choice, Mapping) else None
    if not isinstance(named, Mapping) or not isinstance(tools, Sequence) or not tools:
        return
    functions = [each.get("function", each) for each in tools if isinstance(each, Mapping)]
    names = [each.get("name") for each in functions if isinstance(each, Mapping)]
    if any(names) and named.get("name") not in names:
        offered = ", ".join(repr(name) for name in names if name)
        raise ConfigurationError(
            f"tool_choice names {named.get('name')!r}, which is not offered; tools are {offered}."
        )


_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_OTHER_ROLES = {"human": "user", "ai": "assistant", "bot": "assistant", "model": "assistant"}
_CHOICES = ("auto", "none", "required", "any")
"""Choices of tools that are no names; "any" is Mistral's word."""
_RANGES = (
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
)
_COUNTS = ("max_tokens", "max_completion_tokens")
_OF_CLIENTS = frozenset(
    (
        *("api_key", "api_base", "base_url", "allow_http", "connections"),
        *("timeout", "timeouts", "request_timeout", "max_retries", "retry", "resume"),
        *("fallback", "fallback_models", "providers", "gateway", "circuit", "rate_limits"),
        *("coalesce", "catalog", "spend_limit", "event_log", "journal", "observers", "on_event"),
        *("http_client", "http_async_client", "default_headers", "extra_headers", "extra_query"),
        *("openai_api_key", "openai_api_base", "default_query", "model_name", "model_kwargs"),
    )
)
"""Settings of this or other clients that are not request fields. Sent by mistake, they would have
no effect, and the body would contain the API key."""
_OFTEN_MISTYPED = (
    *("temperature", "top_p", "max_tokens", "max_completion_tokens", "presence_penalty"),
    *("frequency_penalty", "reasoning_effort", "response_format", "tool_choice"),
    *("parallel_tool_calls", "stop"),
)


@lru_cache(maxsize=256)
def _check_name(name: str) -> None:
    if name in _OF_CLIENTS:
        raise ConfigurationError(
            f"{name} is not a field of a request. Give it to the client or model when it is made; "
            f"a model's copy that differs is model.model_copy(update={{{name!r}: …}})."
        )
    near = difflib.get_close_matches(name, _OFTEN_MISTYPED, n=1, cutoff=0.9)
    if near and near[0] != name:
        raise ConfigurationError(f"{name} is not a field of a request. Did you mean {near[0]}?")
