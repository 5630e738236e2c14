"""Tools and JSON schemas from what LangChain takes: classes, functions, dicts of several forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel


def tool_of(given: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Return a tool in the OpenAI format.

    LangChain's converter loses the schema of a dict with "name" and "schema", and of a class that
    contains itself.

    Args:
        given: A pydantic class, a TypedDict, a function, a `BaseTool`, or a dict: a JSON schema, an
            OpenAI tool, or {"name", "schema", "strict"}.
        strict: Whether the server enforces the schema exactly.

    Raises:
        ValueError: The dict is of none of these forms, or says something else about `strict`.
    """
    named = _named(given)
    if named is not None:
        given = {
            "name": named["name"],
            "description": named.get("description") or "",
            "parameters": named["schema"],
            **({"strict": named["strict"]} if named.get("strict") is not None else {}),
        }
        return convert_to_openai_tool(given, strict=strict)
    tool = convert_to_openai_tool(given, strict=strict)
    schema = _recursive(given)
    if schema is not None:
        schema = _strictly(schema) if strict else schema
        tool["function"] = {**tool["function"], "parameters": _without_titles(schema)}
    return tool


def response_format_of(given: Any, *, strict: bool | None = None) -> dict[str, Any]:
    """Return the `response_format` that holds an answer to a schema.

    Args and errors are those of `tool_of`.
    """
    named = _named(given)
    if named is not None:
        if strict is not None and named.get("strict", strict) != strict:
            raise ValueError(f"The schema says strict={named['strict']}, the call {strict}.")
        inner = dict(named)
    else:
        schema = convert_to_json_schema(given, strict=strict)
        recursive = _recursive(given)
        if recursive is not None:
            about: dict[str, Any] = {k: schema[k] for k in ("title", "description") if k in schema}
            recursive = _strictly(recursive) if strict else recursive
            schema = {**_without_titles(recursive), **about}
        inner = {"name": _own_name(given) or schema.get("title") or "answer", "schema": schema}
    if strict is not None:
        inner["strict"] = strict
    return {"type": "json_schema", "json_schema": inner}


def _own_name(given: Any) -> str | None:
    """Return the name of a function of OpenAI's form, whose parameters may have another title."""
    if not isinstance(given, Mapping):
        return None
    function = given.get("function") if given.get("type") == "function" else given
    if isinstance(function, Mapping) and "parameters" in function:
        return function.get("name")
    return None


def _named(given: Any) -> Mapping[str, Any] | None:
    """Return {"name", "schema", …} of a dict of that form, or of a `response_format`."""
    if not isinstance(given, Mapping):
        return None
    inner = given.get("json_schema")
    if given.get("type") == "json_schema" and isinstance(inner, Mapping):
        given = inner
    has = isinstance(given.get("name"), str) and isinstance(given.get("schema"), Mapping)
    return given if has else None


def _recursive(given: Any) -> dict[str, Any] | None:
    """Return the schema of a pydantic class that contains itself; None for anything else."""
    if isinstance(given, BaseTool):
        given = given.tool_call_schema
    if not (isinstance(given, type) and is_basemodel_subclass(given)):
        return None
    if not issubclass(given, BaseModel):
        return None  # of pydantic 1
    schema = given.model_json_schema()
    definitions = schema.get("$defs", {})
    if not any(_reaches(name, definitions[name], definitions, set()) for name in definitions):
        return None
    if "$ref" in schema:  # an object must be at the top
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], "$defs": definitions}
    schema.pop("description", None)
    return schema


def _reaches(name: str, schema: Any, definitions: Mapping[str, Any], seen: set[str]) -> bool:
    """Tell whether a schema refers to a definition, itself or through others."""
    for found in _references(schema):
        if found == name:
            return True
        if found not in seen:
            seen.add(found)
            if _reaches(name, definitions.get(found), definitions, seen):
                return True
    return False


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for item in schema for name in _references(item)]
    if not isinstance(schema, Mapping):
        return []
    here = schema.get("$ref")
    own = [here.rpartition("/")[2]] if isinstance(here, str) else []
    return own + [name for value in schema.values() for name in _references(value)]


def _strictly(schema: Any) -> Any:
    """Return a schema in which objects have all their properties and no others."""
    if isinstance(schema, list):
        return [_strictly(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _strictly(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        found["required"] = list(schema["properties"])
        found["additionalProperties"] = False
    return found


def _without_titles(schema: Any) -> Any:
    """Return a schema without pydantic's titles, which repeat the names, as LangChain's are."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_titles(value)
        for name, value in schema.items()
        if name != "title" or not isinstance(value, str)
    }
