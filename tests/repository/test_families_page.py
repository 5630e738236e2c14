"""The page on families says what the code does."""

import json
import re
from pathlib import Path

import pytest

from holysheep_core.families.parameters import adapt_params
from holysheep_core.families.refusals import _KEPT

PAGE = (Path(__file__).parents[2] / "docs/how-to/families.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\S+) \| `(\{.*?\})` \| `(\{.*?\})` \| .* \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("model", "given", "sent"), ROWS)
def test_a_row_of_the_table_is_what_is_sent(model, given, sent):
    assert adapt_params(json.loads(given), model, lambda _note: None) == json.loads(sent)


def test_the_page_has_rows_and_names_what_is_never_left_out():
    assert len(ROWS) >= 10
    named = PAGE.partition("## What a refusal teaches")[2]
    assert all(f"`{name}`" in named for name in _KEPT - {"stream", "thinking"})
