"""The parameters of a request, as the family that is asked takes them.

Each rule changes what that family refuses for certain, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from holysheep_core.families.schemas import in_subset
from holysheep_core.families.table import family_of, version_of

Params = dict[str, Any]
Note = Callable[[str], object]

REASONING_ROOM = 4_096
"""Tokens that a model which reasons is left for that, when an answer is resumed."""
_ADAPTIVE_FROM = (4, 7)
_LIMITS = ("max_tokens", "max_completion_tokens")
_SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_DEFAULTS = {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0}


def for_fallback(params: Params, asked: str, model: str, note: Note) -> Params:
    """Return the parameters that a fallback model is given of those meant for the model asked for.

    Models of one family know each other's; of another family's, it is given those that all know.
    """
    family, before = family_of(model), family_of(asked)
    if family == before:
        return params
    found = {name: value for name, value in params.items() if name in family.params}
    left_out = sorted(params.keys() - found.keys())
    if left_out:
        note(f"{', '.join(left_out)}: meant for {asked}, not sent to another family's model")
    if "max_completion_tokens" in found and family.name not in ("openai", "openai-reasoning", ""):
        limit = found.pop("max_completion_tokens")
        found.setdefault("max_tokens", limit)
    return found


def adapt_params(params: Params, model: str, note: Note, *, thinking_lost: bool = False) -> Params:
    """Return the parameters as a model takes them.

    Args:
        params: The request's; not changed.
        model: The model that is asked.
        note: Called with a description of each change.
        thinking_lost: The tool calls being answered came without Claude's signed thinking.
    """
    params = dict(params)
    family = family_of(model).name
    if family == "openai-reasoning":
        _openai_reasoning(params, model, note)
    elif family == "claude":
        _claude(params, model, note, thinking_lost=thinking_lost)
    elif family == "gemini":
        _gemini(params)
    elif family in ("deepseek", "kimi") and is_thinking(params, model):
        _no_forced_tool(params, note)
    if family == "deepseek" and schema_of(params) is not None:
        params["response_format"] = {"type": "json_object"}
        note("the JSON schema is sent as an instruction, since only a JSON object can be demanded")
    return params


def schema_of(params: Mapping[str, Any]) -> Any:
    """Return the JSON schema that a request binds the answer to; None if it binds it to none."""
    wanted = params.get("response_format")
    inner = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    return inner.get("schema") if isinstance(inner, Mapping) else None


def is_thinking(params: Mapping[str, Any], model: str) -> bool:
    """Tell whether a request certainly lets the model think before it answers."""
    if family_of(model).name == "openai-reasoning":
        return params.get("reasoning_effort") != "none"
    thinking = params.get("thinking")
    if isinstance(thinking, Mapping):
        return thinking.get("type") in ("enabled", "adaptive")
    name = model.lower()
    return family_of(model).name in ("deepseek", "kimi") and any(
        word in name for word in ("reasoner", "-r1", "thinking", "-k2.5", "deepseek-v4")
    )


def _openai_reasoning(params: Params, model: str, note: Note) -> None:
    if params.get("max_tokens") is not None:
        limit = params.pop("max_tokens")
        params.setdefault("max_completion_tokens", limit)
        note("max_tokens is sent as max_completion_tokens")
    names = set(_SAMPLING)
    if model.lower().split("/")[-1].startswith("o"):
        names |= {"parallel_tool_calls"}
    # From 5.1 on, a model that was not told to reason does not, and can be sampled.
    if version_of(model) >= (5, 1) and params.get("reasoning_effort") in (None, "none"):
        names -= {"temperature", "top_p"}
    names |= {"stop"}
    for name in sorted(names & params.keys()):
        if params[name] is None or params[name] != _DEFAULTS.get(name):
            note(f"{name} is not taken by models that reason, and left out")
        del params[name]


def _claude(params: Params, model: str, note: Note, *, thinking_lost: bool) -> None:
    if version_of(model) >= _ADAPTIVE_FROM:
        _claude_adaptive(params, note)
    thinking = params.get("thinking")
    if thinking_lost and is_thinking(params, model):
        del params["thinking"]
        note("thinking is off until the tool calls of another model are answered")
    if is_thinking(params, model):
        _claude_thinking(params, thinking, note)
    elif {"temperature", "top_p"} <= params.keys() and version_of(model) >= (4, 1):
        del params["top_p"]
        note("top_p is not taken beside temperature, and left out")
    temperature = params.get("temperature")
    if isinstance(temperature, (int, float)) and temperature > 1:
        params["temperature"] = 1
        note("temperature is at most 1")


def _claude_adaptive(params: Params, note: Note) -> None:
    """From 4.7 on, Claude cannot be sampled and decides itself how much to think."""
    for name in ("temperature", "top_p", "top_k"):
        if params.pop(name, None) is not None:
            note(f"{name} is not taken from Claude 4.7 on, and left out")
    thinking = params.get("thinking")
    if isinstance(thinking, Mapping) and thinking.get("type") == "enabled":
        rest = {k: v for k, v in thinking.items() if k not in ("type", "budget_tokens")}
        params["thinking"] = {"type": "adaptive", **rest}
        note("thinking is adaptive from Claude 4.7 on; its budget is left out")


def _claude_thinking(params: Params, thinking: Any, note: Note) -> None:
    budget = thinking.get("budget_tokens") if isinstance(thinking, Mapping) else None
    for name in _LIMITS:
        limit = params.get(name)
        if isinstance(limit, int) and isinstance(budget, int) and limit <= budget:
            params[name] = limit + budget
            note(f"{name} counts the thinking budget too, and is raised by it")
    for name in ("temperature", "top_p", "top_k"):
        if name in params and params[name] != 1:
            del params[name]
            note(f"{name} is not taken while thinking, and left out")
    _no_forced_tool(params, note)


def _no_forced_tool(params: Params, note: Note) -> None:
    choice = params.get("tool_choice")
    if isinstance(choice, Mapping) or choice in ("required", "any"):
        params["tool_choice"] = "auto"
        note("a tool cannot be forced while thinking; tool_choice is sent as auto")


def _gemini(params: Params) -> None:
    tools = params.get("tools")
    if isinstance(tools, list):
        params["tools"] = [_gemini_tool(tool) for tool in tools]
    wanted = params.get("response_format")
    if isinstance(wanted, Mapping) and isinstance(wanted.get("json_schema"), Mapping):
        schema = dict(wanted["json_schema"])
        if "schema" in schema:
            schema["schema"] = in_subset(schema["schema"])
        params["response_format"] = {**wanted, "json_schema": schema}


def _gemini_tool(tool: Any) -> Any:
    function = tool.get("function") if isinstance(tool, Mapping) else None
    if not isinstance(function, Mapping):
        return tool
    found = {name: value for name, value in function.items() if name != "strict"}
    if "parameters" in found:
        found["parameters"] = in_subset(found["parameters"])
    return {**tool, "function": found}
