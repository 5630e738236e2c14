"""Choices of a tool."""

import pytest

from holysheep_core.integrations.tool_choice import tool_choice_of


def named(name):
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("any", "required"),
        (True, "required"),
        ("pay", named("pay")),
        (named("pay"), named("pay")),
        (None, None),
        (False, None),
        ("", None),
    ],
)
def test_a_choice_is_sent_in_openais_form(choice, sent):
    assert tool_choice_of(choice) == sent


def test_a_tools_name_is_that_of_the_request():
    assert tool_choice_of("my docs", {"my docs": "my_docs"}) == named("my_docs")
