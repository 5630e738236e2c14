"""`import holysheep` gives everything, and imports nothing before it is used."""

import subprocess
import sys

import pytest

import holysheep
import holysheep_core
import langchain_holysheep
import llamaindex_holysheep


def test_every_public_name_is_there():
    for name in holysheep_core.__all__:
        assert getattr(holysheep, name) is getattr(holysheep_core, name)
    assert holysheep.ChatHolySheep is langchain_holysheep.ChatHolySheep
    assert holysheep.HolySheep is llamaindex_holysheep.HolySheep
    assert holysheep.__version__ == holysheep_core.__version__
    assert {"ChatHolySheep", "HolySheep", "StreamingRetryHandler"} <= set(dir(holysheep))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = holysheep.Nothing


@pytest.mark.parametrize(
    ("name", "framework", "extra"),
    [
        ("ChatHolySheep", "langchain_core", "langchain"),
        ("HolySheep", "llama_index", "llamaindex"),
    ],
)
def test_a_missing_framework_is_named_with_its_extra(name, framework, extra):
    code = f"import sys; sys.modules[{framework!r}] = None; from holysheep import {name}"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert f"pip install 'holysheep[{extra}]'" in ended.stderr


def test_no_framework_is_imported_by_the_import_alone():
    code = (
        "import sys, holysheep; holysheep.StreamingRetryHandler; "
        "assert not {'langchain_core', 'llama_index', 'pydantic'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
