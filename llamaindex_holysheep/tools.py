"""Tools: the request fields that offer them, and the tool calls of a response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool
    from pydantic import BaseModel


def tool_params(
    tools: Sequence[BaseTool],
    *,
    parallel: bool,
    required: bool,
    choice: str | dict[str, Any] | None,
) -> dict[str, Any]:
    """Return the request's fields that offer tools; {} without tools.

    Args:
        tools: The tools.
        parallel: Whether the model may call several tools at once.
        required: Whether the model must call one.
        choice: "auto", "none", "required", a tool's name or a dict; overrides `required`.
    """
    if not tools:
        return {}
    if choice is None:
        choice = "required" if required else "auto"
    elif isinstance(choice, str) and choice not in ("auto", "none", "required"):
        choice = {"type": "function", "function": {"name": choice}}
    return {
        "tools": [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools],
        "tool_choice": choice,
        "parallel_tool_calls": parallel,
    }


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the `response_format` of a pydantic model."""
    wanted = {"name": model.__name__, "schema": model.model_json_schema()}
    return {"type": "json_schema", "json_schema": wanted}


def selections_of(response: ChatResponse) -> list[ToolSelection]:
    """Return the tool calls of a response; the engine hands out complete ones only."""
    return [
        ToolSelection(
            tool_id=block.tool_call_id or "",
            tool_name=block.tool_name,
            tool_kwargs=_arguments(block.tool_kwargs),
        )
        for block in response.message.blocks
        if isinstance(block, ToolCallBlock)
    ]


def only_first_call(response: ChatResponse) -> ChatResponse:
    """Remove all tool calls of a response but the first; return the response."""
    kept: list[Any] = []
    for block in response.message.blocks:
        first = not any(isinstance(other, ToolCallBlock) for other in kept)
        if first or not isinstance(block, ToolCallBlock):
            kept.append(block)
    response.message.blocks = kept
    calls = response.message.additional_kwargs.get("tool_calls")
    if calls:
        response.message.additional_kwargs["tool_calls"] = calls[:1]
    return response


def _arguments(given: dict[str, Any] | str) -> dict[str, Any]:
    return msgspec.json.decode(given, type=dict[str, Any]) if isinstance(given, str) else given
