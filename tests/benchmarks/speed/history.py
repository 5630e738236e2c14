"""What was measured before: one line of JSON per run, and whether this run is worse."""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("history.jsonl")
WORSE = 1.25
_NAMED = ("httpx", "langchain-core", "langchain-openai", "llama-index-core", "openai", "pydantic")


def record(kind: str, figures: dict[str, float]) -> dict[str, Any]:
    """Add a run; figures are ratios, of which less is better."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=FILE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    line = {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "kind": kind,
        "python": platform.python_version(),
        "versions": {name: found for name in _NAMED if (found := _version(name))},
        "figures": {name: round(figure, 3) for name, figure in figures.items()},
    }
    with FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return line


def last(kind: str) -> dict[str, float]:
    """Return the figures of the last run of a kind; none if there was none."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    runs = [run for run in map(json.loads, lines) if run["kind"] == kind]
    return runs[-1]["figures"] if runs else {}


def worse(before: dict[str, float], now: dict[str, float]) -> list[str]:
    """Return a sentence for each figure that is worse by more than a quarter."""
    return [
        f"{name}: {now[name]:.2f}, and {before[name]:.2f} before"
        for name in sorted(before.keys() & now.keys())
        if now[name] > before[name] * WORSE
    ]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
