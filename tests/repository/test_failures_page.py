"""The tables of failures in the documentation are those of the rules."""

import importlib.util
from pathlib import Path

import pytest

from holysheep_core.engine.rules import RULES

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("failures", ROOT / "docs/tools/failures.py")
failures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(failures)


@pytest.mark.parametrize("name", failures.FILES)
def test_the_table_is_what_the_rules_say(name):
    assert (ROOT / name).read_text("utf-8") == failures.renewed(name), (
        "run `python docs/tools/failures.py`"
    )


def test_every_error_with_a_rule_has_a_row():
    page = (ROOT / "docs/failures.md").read_text("utf-8")
    assert all(f"| `{cls.__name__}` |" in page for cls in RULES)
