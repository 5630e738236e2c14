"""Objects that grow with the JSON text of a streamed answer.

A delta is text that is known to belong to the answer, so a partial object never shows what a later
one takes back: a number is shown when it has ended, a string as far as it has come.
"""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

from llama_index.core.base.llms.types import ChatResponse
from llama_index.core.program.utils import create_flexible_model
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from holysheep_core.integrations.partial_json import without_open_number
from llamaindex_holysheep.tools import selections_of

_Model = TypeVar("_Model", bound=BaseModel)

_FENCED = re.compile(r"\s*```(?:json)?\s*(.*?)\s*(?:```\s*)?", re.DOTALL)
_SHOWN = 200


class GrowingObject(Generic[_Model]):
    """The object so far.

    Args:
        output_cls: The class of the whole object.
    """

    def __init__(self, output_cls: type[_Model]) -> None:
        self._cls = output_cls
        self._partial_cls = create_flexible_model(output_cls)
        self._last: Any = None

    def grown(self, text: str) -> BaseModel | None:
        """Return the object of the text so far; None if it shows no more than the last one did.

        It is of the class itself if its fields satisfy the class, else of one in which each field
        may be missing.
        """
        try:
            shown = without_open_number(_json(text)).encode()
            found = from_json(shown, allow_partial="trailing-strings")
        except ValueError:
            return None
        if not isinstance(found, dict) or found == self._last:
            return None
        self._last = found
        try:
            return self._cls.model_validate(found)
        except ValidationError:
            return self._partial_cls.model_validate(found)

    def whole(self, text: str) -> _Model:
        """Return the object of the whole text.

        Raises:
            ValueError: The text is no such object.
        """
        try:
            return self._cls.model_validate_json(_json(text))
        except ValidationError as error:
            raise ValueError(
                f"The model's answer is no {self._cls.__name__}: {error.error_count()} "
                f"problem(s) in {text[:_SHOWN]!r}. llm_kwargs={{'tool_choice': 'required'}} asks "
                "for a tool call instead."
            ) from error


def text_of(response: ChatResponse | None) -> str:
    """Return the text of a response so far."""
    return "" if response is None else response.message.content or ""


def whole_object(growing: GrowingObject[_Model], last: ChatResponse | None) -> _Model:
    """Return the object of the whole answer.

    Some relays hold a model to a schema by a tool that they offer themselves, and hand its call
    on: the arguments are the object.

    Args:
        growing: The object so far.
        last: The last response of the stream.

    Raises:
        ValueError: The answer is no such object.
    """
    text = text_of(last)
    calls = selections_of(last) if last is not None and not text.strip() else []
    return growing.whole(to_json(calls[0].tool_kwargs).decode() if calls else text)


def _json(text: str) -> str:
    """Return the text without the code fence that some models write around it."""
    fenced = _FENCED.fullmatch(text) if text.lstrip().startswith("```") else None
    return fenced[1] if fenced else text
