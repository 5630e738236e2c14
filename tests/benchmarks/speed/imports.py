"""What an import costs beyond the framework it is for: seconds and memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from readers import installed

LANGCHAIN = "langchain_core.language_models.chat_models"
LLAMAINDEX = "llama_index.core.llms.function_calling"
PAIRS = (
    ("langchain_holysheep", LANGCHAIN),
    ("langchain_openai", LANGCHAIN),
    ("llamaindex_holysheep", LLAMAINDEX),
    ("llama_index.llms.openai_like", LLAMAINDEX),
)
PROGRAM = """
import json, sys, time
from memory import resident
__import__(sys.argv[2])
before, started = resident(), time.perf_counter()
__import__(sys.argv[1])
took = time.perf_counter() - started
print(json.dumps([took, (resident() - before) / 2**20]))
"""


def measure(rounds: int) -> dict[str, tuple[float, float]]:
    """Return seconds and MiB of each import, in turns, each in a new process."""
    pairs = [pair for pair in PAIRS if installed(pair[0])]
    found: dict[str, list[list[float]]] = {name: [] for name, _ in pairs}
    for _ in range(rounds):
        for name, base in pairs:
            command = [sys.executable, "-c", PROGRAM, name, base]
            done = subprocess.run(
                command,
                check=True,
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            )
            found[name].append(json.loads(done.stdout))
    return {
        name: (statistics.median(s for s, _ in all_), statistics.median(m for _, m in all_))
        for name, all_ in found.items()
    }
