"""Tools: the request fields that offer them, and the tool calls of a response."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from llama_index.core.base.llms.types import ChatResponse, ToolCallBlock
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools.types import ToolMetadata

from holysheep_core import ConfigurationError
from holysheep_core.integrations.schemas import legal_name, strictly
from holysheep_core.integrations.tool_choice import tool_choice_of

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool
    from pydantic import BaseModel


class Offered(list[dict[str, Any]]):
    """Tools in the OpenAI format.

    Attributes:
        names: Name on the wire -> the tool's own, for tools whose name the API does not take.
    """

    def __init__(self, tools: Sequence[BaseTool], *, strict: bool) -> None:
        super().__init__()
        self.names: dict[str, str] = {}
        taken: set[str] = set()
        for tool in tools:
            spec = with_whole_schema(tool).metadata.to_openai_tool(skip_length_check=True)
            function, own = spec["function"], tool.metadata.get_name()
            name = function["name"] = legal_name(own, taken)
            taken.add(name)
            if name != own:
                self.names[name] = own
            if strict:
                function["strict"] = True
                function["parameters"] = strictly(function["parameters"])
            self.append(spec)


def names_of(fields: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the own names of the tools in a request's fields; see `Offered`."""
    tools = fields.get("tools")
    return tools.names if isinstance(tools, Offered) else {}


def tool_params(
    tools: Sequence[BaseTool],
    *,
    parallel: bool,
    required: bool,
    choice: str | bool | dict[str, Any] | None,
    strict: bool = False,
) -> dict[str, Any]:
    """Return the request's fields that offer tools; {} without tools.

    Args:
        tools: The tools.
        parallel: Whether the model may call several tools at once, which is the API's default.
            `parallel_tool_calls` is sent only to forbid it: not every server knows the field.
        required: Whether the model must call one.
        choice: "auto", "none", "any", "required", True (any), a tool's name or a dict; overrides
            `required`.
        strict: Whether the server enforces the tools' schemas exactly.

    Raises:
        ConfigurationError: A tool is none of LlamaIndex's.
    """
    check_tools(tools)
    if not tools:
        return {}
    offered = Offered(tools, strict=strict)
    on_wire = {own: name for name, own in offered.names.items()}
    chosen = tool_choice_of(choice, on_wire) or ("required" if required else "auto")
    params: dict[str, Any] = {"tools": offered, "tool_choice": chosen}
    return params if parallel else {**params, "parallel_tool_calls": False}


def check_tools(tools: Any) -> None:
    """Check that tools are LlamaIndex's.

    Raises:
        ConfigurationError: One is a function, a dict or something else; the message says what to
            write.
    """
    if isinstance(tools, Mapping) or not isinstance(tools, Sequence):
        raise ConfigurationError(f"tools of type {type(tools).__name__}: needs a list of tools.")
    for tool in tools:
        if isinstance(getattr(tool, "metadata", None), ToolMetadata):
            continue
        if isinstance(tool, Mapping):
            raise ConfigurationError(
                "A tool of type dict: needs a LlamaIndex tool. Tools in the OpenAI format go into "
                "llm.chat(messages, tools=[…])."
            )
        name = getattr(tool, "__name__", "function")
        raise ConfigurationError(
            f"A tool of type {type(tool).__name__}: needs a LlamaIndex tool, such as "
            f"FunctionTool.from_defaults({name})."
        )


class _WholeMetadata(ToolMetadata):
    """Metadata of a tool whose arguments are a class that contains itself."""

    def get_parameters_dict(self) -> dict[str, Any]:
        schema = _with_object_at_the_top(self.fn_schema.model_json_schema())  # type: ignore[union-attr]  # `with_whole_schema` checks it
        return {name: value for name, value in schema.items() if name in _OF_PARAMETERS}


_OF_PARAMETERS = ("type", "properties", "required", "$defs")


def with_whole_schema(tool: BaseTool) -> BaseTool:
    """Return a tool whose schema has its properties at the top.

    LlamaIndex loses them if the arguments are a class that contains itself.
    """
    given = tool.metadata
    parameters = given.get_parameters_dict()
    if given.fn_schema is None or "properties" in parameters or "$defs" not in parameters:
        return tool
    made: Any = copy.copy(tool)
    fields = {field.name: getattr(given, field.name) for field in dataclasses.fields(ToolMetadata)}
    made._metadata = _WholeMetadata(**fields)  # noqa: SLF001 - the class has no other way
    return made if made.metadata is made._metadata else tool  # noqa: SLF001 - likewise


def _with_object_at_the_top(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema whose top is no reference, as that of a class which contains itself is."""
    if "$ref" not in schema:
        return schema
    definitions = schema["$defs"]
    return {**definitions[schema["$ref"].rpartition("/")[2]], "$defs": definitions}


def json_schema(model: type[BaseModel], *, strict: bool = False) -> dict[str, Any]:
    """Return the `response_format` of a pydantic model."""
    schema = _with_object_at_the_top(model.model_json_schema())
    wanted: dict[str, Any] = {"name": legal_name(model.__name__), "schema": schema}
    if strict:
        wanted |= {"schema": strictly(schema), "strict": True}
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


def why_no_call(response: ChatResponse) -> str:
    """Return the words of an error for a response without a tool call."""
    refusal = response.message.additional_kwargs.get("refusal")
    if refusal:
        return f"The model refused to answer: {refusal}"
    text = (response.message.content or "")[:_SHOWN]
    return f"Expected at least one tool call, but the model answered with text: {text!r}"


_SHOWN = 200


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
