"""Estimates of tokens without a server's usage."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.tokens import estimate_tokens, prompt_tokens
from holysheep_core.types import ChatRequest

IMAGE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]


def test_the_prompts_estimate_counts_text_and_tools_but_no_media():
    plain = ChatRequest("m", [{"role": "user", "content": "a" * 400}])
    assert prompt_tokens(plain) == 104
    assert prompt_tokens(ChatRequest("m", [{"role": "user", "content": IMAGE}])) == 4
    assert prompt_tokens(dataclasses.replace(plain, params={"tools": [{"name": "f" * 400}]})) > 200


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        (" ", 1),
        ("a", 1),
        ("a" * 4, 1),
        ("a" * 400, 100),
        ("양" * 3, 2),
        ("양" * 300, 200),
        ("a" * 400 + "양" * 300, 300),
    ],
)
def test_tokens_are_estimated_by_script(text, tokens):
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_an_estimate_grows_with_the_text_and_is_0_for_none_alone(text, more):
    assert estimate_tokens(text + more) >= estimate_tokens(text)
    assert (estimate_tokens(text) == 0) == (not text)
