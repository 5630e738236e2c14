"""The table of models in the documentation is the engine's."""

import importlib.util
import re
from pathlib import Path

from holysheep_core import card
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/models.md").read_text("utf-8")


def test_the_table_is_that_of_the_models_the_engine_knows():
    spec = importlib.util.spec_from_file_location("models_page", ROOT / "docs/tools/models.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.renewed() == PAGE, "run python docs/tools/models.py"


def test_the_methods_in_the_table_of_features_exist():
    _, table, _ = re.split(r"^## ", PAGE, flags=re.MULTILINE)[0:3]
    rows = [row.split("|")[2:4] for row in table.splitlines() if row.startswith("| ")][1:]
    for column, cls in enumerate((ChatHolySheep, HolySheep)):
        named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[column])}
        assert len(named) > 3
        assert {name for name in named if not hasattr(cls, name)} <= {
            "usage_metadata",
            "content_blocks",
        }


def test_the_ids_it_calls_one_model_are():
    ids = re.findall(r"`([\w.-]+)`", PAGE.rpartition("\n\n")[2])
    assert len({id(card(each)) for each in ids}) == 1
    assert len(ids) == 3
