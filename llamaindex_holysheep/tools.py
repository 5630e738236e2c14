"""Tools: how they are offered to the model, and how its calls are read."""

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
    """Return the request's fields that offer tools; none if there are no tools.

    Args:
        tools: The tools.
        parallel: Whether the model may call several at once.
        required: Whether it must call one.
        choice: "auto", "none", "required", a tool's name or a dict; wins over `required`.
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
    """Return the `response_format` that asks for a pydantic model."""
    wanted = {"name": model.__name__, "schema": model.model_json_schema()}
    return {"type": "json_schema", "json_schema": wanted}


def selections_of(response: ChatResponse) -> list[ToolSelection]:
    """Return the tool calls of a response; the engine lets only whole ones come this far."""
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
    """Leave a response its first tool call only."""
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
