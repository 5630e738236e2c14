"""Structured output."""

import asyncio
import json

import pytest
from pydantic import BaseModel

from holysheep_core import InvalidJSONOutputError
from support.models import langchain as model


def ainvoke(llm, *args, **kwargs):
    return asyncio.run(llm.ainvoke(*args, **kwargs))


def invoke(llm, *args, **kwargs):
    return llm.invoke(*args, **kwargs)


either = pytest.mark.parametrize("ask", [invoke, ainvoke])


class Sheep(BaseModel):
    name: str


@either
@pytest.mark.parametrize("method", ["json_mode", "json_schema"])
def test_include_raw_shows_json_that_does_not_parse(play, ask, method):
    llm = model(play(text='{"name": "Dol', finish_reason="stop"))
    got = ask(llm.with_structured_output(Sheep, method=method, include_raw=True), "go")
    assert got["raw"].text == '{"name": "Dol'
    assert got["parsed"] is None
    assert isinstance(got["parsing_error"], Exception)
    with pytest.raises(InvalidJSONOutputError):
        ask(llm.with_structured_output(Sheep, method=method), "go")


@either
def test_include_raw_shows_json_that_does_parse(play, ask):
    llm = model(play(text=json.dumps({"name": "Dolly"})))
    got = ask(llm.with_structured_output(Sheep, method="json_mode", include_raw=True), "go")
    assert (got["parsed"], got["parsing_error"]) == (Sheep(name="Dolly"), None)
