"""Builds pydantic models without validation, for values that are always valid.

A stream builds a few models for each of thousands of deltas; validating them would cost five times
as much.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

_Model = TypeVar("_Model", bound=BaseModel)
_new, _set = object.__new__, object.__setattr__


def without_validation(template: _Model, fields: dict[str, Any]) -> _Model:
    """Return a model like `template` with other field values.

    The result equals that of `model_construct`, about three times as fast.

    Args:
        template: A validated model of the same class.
        fields: The value of every field, e.g. `{**template.__dict__, "text": text}`; the dict
            is used as the model's `__dict__`, not copied.
    """
    made = _new(type(template))
    _set(made, "__dict__", fields)
    _set(made, "__pydantic_fields_set__", template.__pydantic_fields_set__.copy())
    _set(made, "__pydantic_extra__", None if template.__pydantic_extra__ is None else {})
    _set(made, "__pydantic_private__", None)
    return made
