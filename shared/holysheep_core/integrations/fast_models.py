"""Pydantic models built without validation, for values that are known to be valid.

A stream makes a few models for each of thousands of deltas; validating a string that is known
to be a string would cost five times as much.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

_Model = TypeVar("_Model", bound=BaseModel)
_new, _set = object.__new__, object.__setattr__


def without_validation(template: _Model, fields: dict[str, Any]) -> _Model:
    """Return a model like `template` with other field values.

    The result is as `model_construct` would make it, and about three times as fast.

    Args:
        template: A validated model of the wanted class.
        fields: The value of every field, e.g. `{**template.__dict__, "text": text}`; the dict
            becomes the model's own.
    """
    made = _new(type(template))
    _set(made, "__dict__", fields)
    _set(made, "__pydantic_fields_set__", template.__pydantic_fields_set__.copy())
    _set(made, "__pydantic_extra__", None if template.__pydantic_extra__ is None else {})
    _set(made, "__pydantic_private__", None)
    return made
