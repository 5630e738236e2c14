"""The choice of a tool, in the forms that the frameworks take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tool_choice_of(
    choice: str | bool | Mapping[str, Any] | None,  # noqa: FBT001 - True is one of its values
    on_wire: Mapping[str, str] | None = None,
) -> Any:
    """Return a choice of tools in the OpenAI format; None if there is none.

    >>> tool_choice_of("any"), tool_choice_of("count_sheep")
    ('required', {'type': 'function', 'function': {'name': 'count_sheep'}})

    Args:
        choice: "auto", "none", "any", "required", True (any), a tool's name, or a dict.
        on_wire: A tool's own name -> its name in the request, where it is another.
    """
    if choice is True or choice == "any":
        return "required"
    if isinstance(choice, str) and choice and choice not in ("auto", "none", "required"):
        return {"type": "function", "function": {"name": (on_wire or {}).get(choice, choice)}}
    return choice or None
