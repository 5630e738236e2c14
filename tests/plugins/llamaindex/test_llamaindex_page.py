"""The code of docs/how-to/llamaindex.md runs."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[3] / "docs/how-to/llamaindex.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_its_code_runs_in_order(play, monkeypatch, tmp_path):
    script = play(text=None)
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "k")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", script.base_url)
    monkeypatch.chdir(tmp_path)  # where its journal is
    names = {"__name__": "page"}
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"block {number}", "exec"), names)
    assert len(script.requests) == 2
