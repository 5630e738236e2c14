"""Every example in a docstring of the packages runs, and prints what is written there."""

import doctest
import importlib
import pkgutil

import pytest

from holysheep_core.simulator import answers

PACKAGES = ("holysheep", "holysheep_core", "langchain_holysheep", "llamaindex_holysheep")
STARTS = ("holysheep_core.cli.__main__", "holysheep_core.families.__main__")
"""Modules that run a program when they are imported."""


def modules():
    for package in PACKAGES:
        yield package
        path = importlib.import_module(package).__path__
        for found in pkgutil.walk_packages(path, f"{package}."):
            if found.name not in STARTS:
                yield found.name


FINDER = doctest.DocTestFinder(exclude_empty=True)
EXAMPLES = [
    pytest.param(test, id=test.name)
    for name in modules()
    for test in FINDER.find(importlib.import_module(name), name)
    if test.examples
]


@pytest.fixture
def model(play, monkeypatch):
    """A model that says one sentence, calls the tools it is given, and fills schemas."""
    improvise = answers._improvise

    def told(*given):
        found = improvise(*given)
        if not found.text.startswith("You said: "):
            return found
        return answers.Answer("Sheep live in flocks.", "", (), "stop", found.prompt_tokens)

    monkeypatch.setattr(answers, "_improvise", told)
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "any-key")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", play(text=None).base_url)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("examples", EXAMPLES)
def test_the_examples_of_a_docstring_print_what_is_written(examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(examples, out=said.append)
    assert runner.failures == 0, "".join(said)


def test_both_models_show_what_their_users_look_for():
    shown = {each.id: each.values[0] for each in EXAMPLES}
    for name in (
        "langchain_holysheep.chat_models.ChatHolySheep",
        "llamaindex_holysheep.llm.HolySheep",
    ):
        text = shown[name].docstring
        for part in ("Setup", "Instantiate", "Stream", "Async", "Tools", "Structured output"):
            assert f"**{part}**" in text
        for part in ("Image input", "Token usage", "Response metadata", "Errors", "A cut stream"):
            assert f"**{part}**" in text
