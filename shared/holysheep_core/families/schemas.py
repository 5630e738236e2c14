"""JSON schemas in the subset that Gemini's API takes.

The fields are those of the `Schema` object in Google's API reference; all others, such as
`additionalProperties`, `$ref` and `oneOf`, are refused with "Unknown name".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FIELDS = frozenset(
    (
        *("type", "format", "title", "description", "nullable", "enum", "default", "example"),
        *("properties", "required", "propertyOrdering", "minProperties", "maxProperties"),
        *("items", "minItems", "maxItems", "anyOf", "minimum", "maximum"),
        *("minLength", "maxLength", "pattern"),
    )
)
_FORMATS = ("enum", "date-time", "int32", "int64", "float", "double")


def in_subset(schema: Any) -> Any:
    """Return a schema in the subset: references written out, other keywords left out or replaced.

    What a keyword that is left out says is no longer checked by the server; tools and parsers
    still check it.
    """
    definitions = {}
    if isinstance(schema, Mapping):
        for name in ("$defs", "definitions"):
            if isinstance(schema.get(name), Mapping):
                definitions.update(schema[name])
    return _reduced(schema, definitions, ())


def _reduced(schema: Any, definitions: Mapping[str, Any], within: tuple[str, ...]) -> Any:
    if not isinstance(schema, Mapping):
        return {} if isinstance(schema, bool) else schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        if reference in within:  # a recursive schema is written out once
            return _reduced({"type": "object", **beside}, definitions, within)
        target = definitions.get(reference.rpartition("/")[2], {})
        return _reduced({**_plain(target), **beside}, definitions, (*within, reference))
    given = dict(schema)
    for part in _list(given.pop("allOf", None)):
        given = _both(given, _resolved(part, definitions))
    _translate(given)
    if isinstance(given.get("$ref"), str):  # it was the only one of `anyOf`
        return _reduced(given, definitions, within)
    found = {name: value for name, value in given.items() if name in _FIELDS}
    return _with_inner(found, definitions, within)


def _translate(given: dict[str, Any]) -> None:
    """Say with the subset's keywords what others say, where there is a way."""
    if "oneOf" in given:
        given["anyOf"] = [*_list(given.get("anyOf")), *_list(given.pop("oneOf"))]
    if "const" in given:
        given["enum"] = [given.pop("const")]
    kind = given.get("type")
    if isinstance(kind, list):
        _one_type(given, kind)
    if isinstance(given.get("anyOf"), list):
        _without_null(given)
    if isinstance(given.get("enum"), list) and not all(isinstance(v, str) for v in given["enum"]):
        given.setdefault("description", f"One of {given.pop('enum')}.")
    if given.get("format") not in _FORMATS:
        given.pop("format", None)


def _with_inner(
    found: dict[str, Any], definitions: Mapping[str, Any], within: tuple[str, ...]
) -> Any:
    if isinstance(found.get("properties"), Mapping):
        found["properties"] = {
            name: _reduced(value, definitions, within)
            for name, value in found["properties"].items()
        }
    if "items" in found:
        found["items"] = _reduced(found["items"], definitions, within)
    if isinstance(found.get("anyOf"), list):
        found["anyOf"] = [_reduced(value, definitions, within) for value in found["anyOf"]]
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, Mapping) else {}


def _resolved(schema: Any, definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = _plain(schema).get("$ref")
    if isinstance(reference, str):
        return _plain(definitions.get(reference.rpartition("/")[2]))
    return _plain(schema)


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema that demands what two demand."""
    found = {**other, **one}
    if "properties" in one and "properties" in other:
        found["properties"] = {**_plain(other["properties"]), **_plain(one["properties"])}
    if "required" in one and "required" in other:
        found["required"] = [*_list(one["required"]), *_list(other["required"])]
    return found


def _one_type(given: dict[str, Any], kinds: list[Any]) -> None:
    """Replace a list of types, which the subset does not have."""
    rest = [kind for kind in kinds if kind != "null"]
    if len(rest) < len(kinds):
        given["nullable"] = True
    del given["type"]
    if len(rest) == 1:
        given["type"] = rest[0]
    elif rest:
        given["anyOf"] = [{"type": kind} for kind in rest]


def _without_null(given: dict[str, Any]) -> None:
    rest = [each for each in given["anyOf"] if _plain(each).get("type") != "null"]
    if len(rest) < len(given["anyOf"]):
        given["nullable"] = True
    if len(rest) == 1:
        del given["anyOf"]
        given.update({**_plain(rest[0]), **given})
    else:
        given["anyOf"] = rest
