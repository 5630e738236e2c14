"""Structured output: the request fields and the parser of each method."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, cast

import msgspec
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import (
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
    RunnableGenerator,
    RunnableLambda,
    RunnableMap,
)
from langchain_core.runnables.utils import AddableDict
from langchain_core.utils.pydantic import is_basemodel_subclass

from holysheep_core.integrations.partial_json import without_open_number
from holysheep_core.integrations.tool_choice import tool_choice_of
from holysheep_core.integrations.turns import is_filtered
from langchain_holysheep.refusals import ModelRefusalError
from langchain_holysheep.schemas import response_format_of, tool_of

_SHOWN = 200
_FILTERED = "The server withheld the answer, or the rest of it"
Method = Literal["function_calling", "json_schema", "json_mode"]


def bindings(
    schema: Any,
    method: Method,
    *,
    strict: bool | None,
    tool_choice: str | bool | dict[str, Any] | None = None,
) -> tuple[dict[str, Any], Runnable[AIMessage, Any]]:
    """Return the request's fields and the parser of a method.

    Args:
        schema: A pydantic class, a TypedDict, a JSON schema, an OpenAI tool or
            {"name", "schema", "strict"}; None for plain JSON.
        method: How the model is made to follow the schema.
        strict: Whether the server enforces the schema exactly.
        tool_choice: In place of the tool's name, for models that cannot be made to call a tool.

    Raises:
        ValueError: The method is unknown, or cannot be used with this schema, `strict` or
            `tool_choice`.
    """
    if tool_choice is not None and method != "function_calling":
        raise ValueError("tool_choice needs method='function_calling'.")
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    parser: Any
    if method == "json_mode":
        if strict is not None:
            raise ValueError("strict needs method='function_calling' or 'json_schema'.")
        parser = _PydanticTextParser(pydantic_object=schema) if is_class else _TextParser()
        return {"response_format": {"type": "json_object"}}, parser
    if schema is None:
        raise ValueError(f"method={method!r} needs a schema; only 'json_mode' works without one.")
    if method == "function_calling":
        tool = tool_of(schema, strict=strict)
        name = tool["function"]["name"]
        parser = (
            _PydanticParser(tools=[schema], first_tool_only=True)
            if is_class
            else _KeyParser(key_name=name, first_tool_only=True)
        )
        choice = tool_choice_of(name if tool_choice is None else tool_choice)
        return {"tools": [tool], "tool_choice": choice}, parser
    if method == "json_schema":
        parser = _PydanticTextParser(pydantic_object=schema) if is_class else _TextParser()
        return {"response_format": response_format_of(schema, strict=strict)}, parser
    raise ValueError(f"method={method!r}: needs 'function_calling', 'json_schema' or 'json_mode'.")


# A stream of LangChain's own parsers shows the number 1 where 1000 comes, as a whole object too.


class _TextParser(JsonOutputParser):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        return super().parse_result(_shown(result) if partial else result, partial=partial)


class _PydanticTextParser(PydanticOutputParser[Any]):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        return super().parse_result(_shown(result) if partial else result, partial=partial)


def _shown(result: list[Generation]) -> list[Generation]:
    text = without_open_number(result[0].text)
    return result if text == result[0].text else [Generation(text=text)]


class _PydanticParser(PydanticToolsParser):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        _refuse_invalid(result)
        return super().parse_result(result, partial=partial)


class _KeyParser(JsonOutputKeyToolsParser):
    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        _refuse_invalid(result)
        found = super().parse_result(result, partial=partial)
        if found is None and not partial:
            calls = getattr(getattr(result[0], "message", None), "tool_calls", ())
            names = ", ".join(repr(call["name"]) for call in calls)
            raise OutputParserException(f"No call of {self.key_name!r}, but of {names}.")
        return found


def _refuse_invalid(result: list[Generation]) -> None:
    """Reject a message whose only call is invalid, of which LangChain's parsers make None."""
    message = getattr(result[0], "message", None)
    if isinstance(message, AIMessage) and message.invalid_tool_calls and not message.tool_calls:
        call = message.invalid_tool_calls[0]
        raise OutputParserException(
            f"The arguments of the call of {call['name']!r} are no JSON object.",
            llm_output=call["args"] or "",
        )


def checked(parser: Runnable[AIMessage, Any], *, calls: bool = False) -> Runnable[AIMessage, Any]:
    """Return a parser that first tells whether there is an answer to parse.

    LangChain's parsers complete JSON that a filter cut, and make None of an answer without a call.

    Args:
        parser: The parser of an answer.
        calls: Whether the answer must have a tool call.
    """

    def check(messages: Iterator[AIMessage]) -> Iterator[AIMessage]:
        seen: list[AIMessage] = []
        for message in messages:
            seen.append(message)
            _refuse_refusal(message, seen)
            yield message
        if calls:
            _refuse_none(seen)

    async def acheck(messages: AsyncIterator[AIMessage]) -> AsyncIterator[AIMessage]:
        seen: list[AIMessage] = []
        async for message in messages:
            seen.append(message)
            _refuse_refusal(message, seen)
            yield message
        if calls:
            _refuse_none(seen)

    return RunnableGenerator(check, acheck) | parser


def _refuse_refusal(message: AIMessage, seen: list[AIMessage]) -> None:
    """Raise LangChain's error for a model that refused, or whose answer a filter ended."""
    words = refusal_of(message)
    if words is None:
        return
    whole = _whole(seen)
    said = f"The model refused to answer: {words}" if words else f"{_FILTERED}."
    raise ModelRefusalError(said, raw_message=whole)


def refusal_of(message: AIMessage) -> str | None:
    """Return the words of a refusal, "" if there are none; None if the model did not refuse."""
    words = message.additional_kwargs.get("refusal")
    if words:
        return str(words)
    for block in message.content:
        if isinstance(block, dict) and block.get("type") == "refusal":
            return str(block.get("refusal") or "")
    return "" if is_filtered(message.response_metadata.get("finish_reason")) else None


def _refuse_none(seen: list[AIMessage]) -> None:
    for message in seen:
        if message.tool_calls or message.invalid_tool_calls:
            return
        if getattr(message, "tool_call_chunks", None):
            return
    text = "".join(str(message.text) for message in seen)
    raise OutputParserException(
        f"The model answered with text, without a call of the tool: {text[:_SHOWN]!r}",
        llm_output=text,
    )


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
    model: Runnable[Any, AIMessage], parser: Runnable[AIMessage, Any]
) -> Runnable[Any, dict[str, Any]]:
    """Return a chain of dicts: "raw" message, "parsed" value and "parsing_error".

    A stream has the chunks of "raw" as they come, then the other two. LangChain's own chain
    raises the parser's error there, because a fallback guards only the first part of a stream.
    """

    def parse(parts: Iterator[dict[str, Any]], config: RunnableConfig) -> Iterator[dict[str, Any]]:
        seen: list[AIMessage] = []
        for part in parts:
            seen.append(part["raw"])
            yield AddableDict(part)
        try:
            parsed, error = parser.invoke(_whole(seen), config), None
        except Exception as raised:  # noqa: BLE001 - whatever a parser raises is the value
            parsed, error = None, raised
        yield AddableDict(parsed=parsed, parsing_error=error)

    async def aparse(
        parts: AsyncIterator[dict[str, Any]], config: RunnableConfig
    ) -> AsyncIterator[dict[str, Any]]:
        seen: list[AIMessage] = []
        async for part in parts:
            seen.append(part["raw"])
            yield AddableDict(part)
        try:
            parsed, error = await parser.ainvoke(_whole(seen), config), None
        except Exception as raised:  # noqa: BLE001 - whatever a parser raises is the value
            parsed, error = None, raised
        yield AddableDict(parsed=parsed, parsing_error=error)

    # LangChain passes a config to functions that take one; its types do not say so.
    parsing: Runnable[Any, Any] = RunnableGenerator(cast("Any", parse), cast("Any", aparse))
    return RunnableMap(raw=model) | parsing


def _whole(seen: list[AIMessage]) -> Any:
    whole: Any = seen[0]
    for chunk in seen[1:]:
        whole = whole + chunk
    return whole
