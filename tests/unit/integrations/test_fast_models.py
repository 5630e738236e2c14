"""Pydantic models built without validation."""

import copy

from pydantic import BaseModel, Field

from holysheep_core.integrations.fast_models import without_validation


def test_a_model_made_without_validation_is_like_one_that_was_validated():
    class Piece(BaseModel):
        text: str
        parts: list[str] = Field(default_factory=list)

    template = Piece(text="", parts=[])
    made = without_validation(template, {"text": "a", "parts": ["b"]})
    validated = Piece(text="a", parts=["b"])
    assert made == validated
    assert made.model_fields_set == validated.model_fields_set
    assert (made.model_dump(), copy.deepcopy(made)) == (validated.model_dump(), validated)
    made.text = "changed"
    assert template.text == ""
