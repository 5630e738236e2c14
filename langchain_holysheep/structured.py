"""Structured output: the request fields and the parser of each method."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal

import msgspec
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import (
    BaseOutputParser,
    JsonOutputParser,
    PydanticOutputParser,
)
from langchain_core.output_parsers.openai_tools import (
    JsonOutputKeyToolsParser,
    PydanticToolsParser,
)
from langchain_core.outputs import Generation
from langchain_core.runnables import (
    Runnable,
    RunnableConfig,
    RunnableLambda,
    RunnableMap,
    RunnablePassthrough,
)
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from holysheep_core import InvalidJSONOutputError

Method = Literal["function_calling", "json_schema", "json_mode"]


def bindings(
    schema: Any, method: Method, *, strict: bool | None
) -> tuple[dict[str, Any], Runnable[AIMessage, Any]]:
    """Return the request's fields and the parser of a method.

    Args:
        schema: A pydantic class, a TypedDict, a JSON schema or an OpenAI tool; None for
            plain JSON.
        method: How the model is made to follow the schema.
        strict: Whether the server enforces the schema exactly.

    Raises:
        ValueError: The method is unknown, or cannot be used with this schema or with `strict`.
    """
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    parser: Any
    if method == "json_mode":
        if strict is not None:
            raise ValueError("strict needs method='function_calling' or 'json_schema'.")
        parser = PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser()
        return {"response_format": {"type": "json_object"}}, parser
    if schema is None:
        raise ValueError(f"method={method!r} needs a schema; only 'json_mode' works without one.")
    if method == "function_calling":
        tool = convert_to_openai_tool(schema, strict=strict)
        name = tool["function"]["name"]
        parser = (
            _PydanticParser(tools=[schema], first_tool_only=True)
            if is_class
            else _KeyParser(key_name=name, first_tool_only=True)
        )
        return {"tools": [tool], "tool_choice": _named(name)}, parser
    if method == "json_schema":
        described = convert_to_json_schema(schema, strict=strict)
        name = described.get("title") or "answer"
        inner: dict[str, Any] = {"name": name, "schema": described}
        if strict is not None:
            inner["strict"] = strict
        parser = PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser()
        return {"response_format": {"type": "json_schema", "json_schema": inner}}, parser
    raise ValueError(f"method={method!r}: needs 'function_calling', 'json_schema' or 'json_mode'.")


class _PydanticParser(PydanticToolsParser):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        _refuse_invalid(result)
        return super().parse_result(result, partial=partial)


class _KeyParser(JsonOutputKeyToolsParser):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        _refuse_invalid(result)
        return super().parse_result(result, partial=partial)


def _refuse_invalid(result: list[Generation]) -> None:
    """Reject a message whose only call is invalid, of which LangChain's parsers make None."""
    message = getattr(result[0], "message", None)
    if isinstance(message, AIMessage) and message.invalid_tool_calls and not message.tool_calls:
        call = message.invalid_tool_calls[0]
        raise OutputParserException(
            f"The arguments of the call of {call['name']!r} are no JSON object.",
            llm_output=call["args"] or "",
        )


def asking_for_raw(model: Runnable[Any, AIMessage]) -> Runnable[Any, AIMessage]:
    """Return a model that answers with the text of invalid JSON instead of raising.

    With `include_raw` the user wants the raw message; the parser of `strictly` reports the error.
    """

    def ask(value: Any, config: RunnableConfig) -> AIMessage:
        try:
            return model.invoke(value, config)
        except InvalidJSONOutputError as error:
            return AIMessage(error.partial)

    async def aask(value: Any, config: RunnableConfig) -> AIMessage:
        try:
            return await model.ainvoke(value, config)
        except InvalidJSONOutputError as error:
            return AIMessage(error.partial)

    return RunnableLambda(ask, aask)


def strictly(parser: Runnable[AIMessage, Any]) -> Runnable[AIMessage, Any]:
    """Return a parser that rejects incomplete JSON; LangChain's parsers complete it."""

    def check(message: AIMessage) -> AIMessage:
        try:
            msgspec.json.decode(str(message.text))
        except msgspec.DecodeError as error:
            raise OutputParserException(
                f"Not JSON: {error}", llm_output=str(message.text)
            ) from error
        return message

    return RunnableLambda(check) | parser


def with_raw(
    model: Runnable[Any, AIMessage], parser: Runnable[AIMessage, Any] | BaseOutputParser[Any]
) -> Runnable[Any, dict[str, Any]]:
    """Return a chain of dicts: "raw" message, "parsed" value and "parsing_error"."""
    parse: Runnable[Any, Any] = RunnablePassthrough.assign(
        parsed=itemgetter("raw") | parser, parsing_error=lambda _: None
    )
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    fallback = parse.with_fallbacks([failed], exception_key="parsing_error")
    return RunnableMap(raw=model) | fallback


def _named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def tool_choice_of(choice: str | bool | dict[str, Any] | None) -> Any:  # noqa: FBT001 - True is one of its values
    """Return LangChain's `tool_choice` in the OpenAI format.

    Args:
        choice: "auto", "none", "any", "required", True (any), a tool's name, or a dict.
    """
    if choice is True or choice == "any":
        return "required"
    if isinstance(choice, str) and choice not in ("auto", "none", "required"):
        return _named(choice)
    return choice or None
