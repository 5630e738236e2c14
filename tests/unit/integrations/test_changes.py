"""Names of settings: every keyword of the constructor names its field."""

import pytest
from pydantic import AliasChoices, BaseModel, Field

from holysheep_core.integrations.changes import by_field, known_keywords
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep


class Model(BaseModel):
    model_config = {"populate_by_name": True}

    plain: int = 0
    with_alias: int = Field(default=0, alias="other")
    with_choices: int = Field(default=0, validation_alias=AliasChoices("first", "second"))


def test_every_keyword_is_known():
    known = {"plain", "with_alias", "other", "with_choices", "first", "second"}
    assert known_keywords(Model) == known


@pytest.mark.parametrize(
    "given",
    [
        {"plain": 1},
        {"with_alias": 2},
        {"other": 3},
        {"second": 4},
        {"with_choices": 5},
        {"second": 6, "first": 7},
        {"first": 8, "second": 9},
        {"with_alias": 10, "other": 11},
        {"with_choices": 12, "second": 13, "plain": 14},
    ],
)
def test_names_mean_what_they_mean_to_the_constructor(given):
    made = Model(**given)
    assert by_field(Model, given).items() == {
        (name, getattr(made, name)) for name in made.model_fields_set
    }


def test_the_plugins_know_the_names_of_the_address():
    assert by_field(HolySheep, {"base_url": "x"}) == {"api_base": "x"}
    assert by_field(ChatHolySheep, {"model_name": "x"}) == {"model": "x"}
