"""Run every notebook in this folder in place, so that the outputs shown are real.

python notebooks/run.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
VOLATILE = ("execution", "language_info")


def run(path: Path) -> None:
    """Execute one notebook and write it back, without what changes at every run."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(HERE)}}).execute()
    for cell in notebook.cells:
        for name in VOLATILE:
            cell.metadata.pop(name, None)
    notebook.metadata.pop("language_info", None)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for found in sorted(HERE.glob("*.ipynb")):
        sys.stdout.write(f"{found.name} … ")
        sys.stdout.flush()
        run(found)
        sys.stdout.write("ok\n")
