"""The pages of the reference say what the code has: commands, events, variables, metadata, errors."""

import dataclasses
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from holysheep_core import APIError, HolySheepError, StreamingRetryHandler, errors
from holysheep_core.simulator import cut
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs/reference"
SPEC = importlib.util.spec_from_file_location("reference", ROOT / "docs/tools/reference.py")
reference = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(reference)


def page(name):
    return (REFERENCE / name).read_text("utf-8")


def first_column(text):
    """The names in the first cell of each row."""
    cells = re.findall(r"^\| (`[^|]+`) \|", text, flags=re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("name", reference.FILES)
def test_what_is_written_by_the_script_is_what_the_code_has(name):
    assert (ROOT / name).read_text("utf-8") == reference.renewed(name), (
        "run `python docs/tools/reference.py`"
    )


def test_every_command_is_there_as_typer_names_it():
    import typer.main

    found = re.findall(r"^## holysheep (.+)$", page("command-line.md"), flags=re.MULTILINE)
    command = typer.main.get_command(reference.app)
    below = {
        f"{name} {each}" if hasattr(group, "commands") else name
        for name, group in command.commands.items()
        for each in getattr(group, "commands", [""])
    }
    assert set(found) == below
    for words in found:
        each = command
        for word in words.split():
            each = each.commands[word]
        section = page("command-line.md").partition(f"## holysheep {words}\n")[2].partition("\n## ")
        for parameter in each.params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help":
                    assert f"`{option}`" in section[0], (words, option)


def test_every_variable_that_the_code_reads_is_there_and_no_other():
    sources = [
        path.read_text("utf-8")
        for package in ("shared", "langchain_holysheep", "llamaindex_holysheep")
        for path in (ROOT / package).rglob("*.py")
    ]
    read = {name for code in sources for name in re.findall(r"\bHOLYSHEEP_[A-Z_]+\b", code)}
    told, _, of_tests = page("environment-variables.md").partition("## Read by the tests")
    assert set(re.findall(r"`(HOLYSHEEP_[A-Z_]+)`", told)) == read
    # And all other variables that are read by name.
    reads = r"(?:environ(?:\.get\(|\[)|getenv\()['\"](\w+)"
    assert {name for code in sources for name in re.findall(reads, code)} <= read
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert all(name in tests for name in first_column(of_tests))


def resilience(play):
    script = play("One sheep, two sheep, three sheep.", faults=[cut(at=9)])
    llm = ChatHolySheep(model="gpt-4.1", base_url=script.base_url, api_key="any-key")
    yield llm.invoke("Count.").response_metadata
    script = play("One sheep, two sheep, three sheep.", faults=[cut(at=9)])
    llm = HolySheep(model="gpt-4.1", api_base=script.base_url, api_key="any-key")
    yield llm.complete("Count.").raw


def test_the_schema_of_the_metadata_is_that_of_a_call(play):
    head, _, rest = page("metadata.md").partition("## An attempt")
    attempt, _, beside = rest.partition("## Beside it")
    kinds = {"string": str, "integer": int, "number": (int, float), "list": list, "object": dict}
    for number, metadata in enumerate(resilience(play)):
        found = metadata["resilience"]
        assert found["resumes"] == 1
        for told, values in ((head, [found]), (attempt, found["attempts"])):
            assert set(first_column(told)) == set(values[0])
            for names, kind in re.findall(r"^\| (`.+?`) \| (\w[^|]*) \|", told, flags=re.MULTILINE):
                for name in re.findall(r"`(\w+)`", names):
                    for value in values:
                        optional = value[name] is None and "null" in kind
                        assert optional or isinstance(value[name], kinds[kind.split()[0]]), name
        [usage] = re.findall(r"^\| `usage` .*$", attempt, flags=re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", usage)) - {"usage"} == set(found["attempts"][0]["usage"])
        column = [
            line.split(" | ")[number] for line in beside.splitlines() if line.startswith("| `")
        ]
        for name in re.findall(r"\[\"(\w+)\"\]", "".join(column)):
            assert name in metadata, name


def test_the_completion_has_the_same_as_attributes(play):
    handler = StreamingRetryHandler("any-key", base_url=play("Hello").base_url)
    completion = handler.complete("gpt-4.1", [{"role": "user", "content": "Hello"}])
    fields = {field.name for field in dataclasses.fields(completion)} | {"cost_usd"}
    names = first_column(page("metadata.md").partition("## An attempt")[0])
    assert {"waited" if name == "waited_seconds" else name for name in names} <= fields


def test_every_error_has_a_row_and_only_errors_have():
    classes = [
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, HolySheepError)
    ]
    assert sorted(first_column(page("errors.md"))) == sorted(classes)
    assert all(hasattr(APIError(), name) for name in ("status_code", "code", "body", "request_id"))


@pytest.mark.slow
def test_the_timeline_can_be_drawn_from_a_run_and_is_small(tmp_path):
    pytest.importorskip("matplotlib", reason="the dependency group `plots` is not here")
    written = (ROOT / "docs/images/timeline.svg").read_text("utf-8")
    assert len(written) < 60_000
    command = [sys.executable, ROOT / "docs/tools/timeline.py", tmp_path / "timeline.svg"]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    drawn = (tmp_path / "timeline.svg").read_text("utf-8")
    for words in ("ChatHolySheep: ", "connection reset", "4 failed: 429", "no error"):
        assert words in drawn
        assert words in written
