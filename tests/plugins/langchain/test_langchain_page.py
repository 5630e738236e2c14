"""The code of docs/how-to/langchain.md runs, and what it says of init_chat_model holds."""

import re
import warnings
from pathlib import Path

import pytest
from langchain.chat_models import base, init_chat_model
from langchain_core.tools import tool

from langchain_holysheep import ChatHolySheep

PAGE = (Path(__file__).parents[3] / "docs/how-to/langchain.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def script(play, monkeypatch):
    script = play(text=None)
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "k")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", script.base_url)
    return script


@pytest.mark.usefixtures("script")
def test_its_code_runs_in_order(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where its journal is
    names = {"__name__": "page"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LangChain's load is in beta
        for number, block in enumerate(BLOCKS):
            exec(compile(block, f"block {number}", "exec"), names)
    printed = capsys.readouterr().out
    assert "StreamCompleted" in printed
    assert "punchline=" in printed  # the structured answer


# -- init_chat_model ------------------------------------------------------------------------


@pytest.fixture
def with_the_line(monkeypatch):
    """LangChain with the line that the page asks for."""
    line = re.search(r'`"holysheep": \("(\w+)", "(\w+)", _call\)`', PAGE)
    monkeypatch.setitem(base._BUILTIN_PROVIDERS, "holysheep", (line[1], line[2], base._call))
    base._get_chat_model_creator.cache_clear()
    yield
    base._get_chat_model_creator.cache_clear()


def test_without_the_line_it_does_not_know_us():
    with pytest.raises(ValueError, match="Unsupported provider='holysheep'"):
        init_chat_model("gpt-4.1", model_provider="holysheep")


@pytest.mark.usefixtures("with_the_line")
def test_the_line_is_all_that_it_needs(script):
    named = init_chat_model("gpt-4.1", model_provider="holysheep", temperature=0)
    assert isinstance(named, ChatHolySheep)
    assert named.invoke("Hello").text == "You said: Hello"
    prefixed = init_chat_model("holysheep:gpt-4.1")
    assert isinstance(prefixed, ChatHolySheep)
    assert prefixed.model == "gpt-4.1"
    open_one = init_chat_model(
        model_provider="holysheep", configurable_fields=["model", "temperature"]
    )
    config = {"configurable": {"model": "claude-sonnet-4.5", "temperature": 0.5}}
    assert open_one.invoke("Hello", config).text == "You said: Hello"
    sent = script.requests[-1].body
    assert (sent["model"], sent["temperature"]) == ("claude-sonnet-4.5", 0.5)


@tool
def count(sheep: int) -> int:
    """Count sheep."""
    return sheep


@pytest.mark.usefixtures("with_the_line")
def test_a_configurable_model_binds_tools_and_streams(script):
    bound = init_chat_model(model_provider="holysheep").bind_tools([count])
    config = {"configurable": {"model": "gpt-4.1"}}
    chunks = list(bound.stream("Count 3 sheep.", config))
    whole = sum(chunks[1:], chunks[0])
    assert whole.tool_calls[0]["name"] == "count"
    assert script.requests[-1].body["tools"][0]["function"]["name"] == "count"
