"""JSON schemas and names as OpenAI's API takes them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

_LONGEST = 64
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")


def legal_name(name: str, taken: Collection[str] = ()) -> str:
    """Return a name that the API takes for a function or a schema.

    >>> legal_name("Page[Item]"), legal_name("Page(Item)", {"Page_Item_"})
    ('Page_Item_', 'Page_Item__2')

    Args:
        name: Any text; the API takes letters, digits, "_" and "-", at most 64 of them.
        taken: Names of others in the same request.
    """
    legal = _ILLEGAL.sub("_", name)[:_LONGEST] or "_"
    found, number = legal, 1
    while found in taken:
        number += 1
        end = f"_{number}"
        found = legal[: _LONGEST - len(end)] + end
    return found


def strictly(schema: Any) -> Any:
    """Return a schema in which every object has all its properties and no others.

    This is what the API asks of a schema with `strict`. A default of null is left out, because a
    property that must be there has none.
    """
    if isinstance(schema, list):
        return [strictly(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name in ("properties", "$defs", "definitions"):  # names in here are the user's
            found[name] = {key: strictly(inner) for key, inner in value.items()}
        elif not (name == "default" and value is None):
            found[name] = strictly(value) if name not in ("enum", "const", "default") else value
    if schema.get("type") == "object" or "properties" in schema:
        found["properties"] = found.get("properties", {})
        found["required"] = list(found["properties"])
        found["additionalProperties"] = False
    return found
