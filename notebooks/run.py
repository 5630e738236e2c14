"""Run the notebooks in place, so that the outputs shown are real.

    python notebooks/run.py [--live] [NAME …]

They run on the simulator, whatever keys are set: what is shown, anybody can have again. With
--live they ask the gateway with your key, which costs a little, and nothing is saved.
Exit status 1 if a cell raises; the message names it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

HERE = Path(__file__).parent
LIMIT = 120  # seconds for a cell
OWN = ("HOLYSHEEP_API_KEY", "HOLYSHEEP_BASE_URL", "HOLYSHEEP_CATALOG")
QUIET = ["--IPKernelApp.log_level=ERROR"]  # it warns when this ends before it
KEPT = ("tags",)
"""Metadata of a cell; all else tells of the run, not of the cell."""


def run(path: Path) -> nbformat.NotebookNode:
    """Execute a notebook and return it.

    Raises:
        RuntimeError: A cell raised, took too long, or ended the kernel; the message names it.
    """
    notebook = nbformat.read(path, as_version=4)
    # Not over TCP: two kernels that start at the same time may choose the same port.
    folder = TemporaryDirectory()
    kernel = AsyncKernelManager(transport="ipc", ip=f"{folder.name}/kernel")
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=LIMIT,
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(HERE)}},
        extra_arguments=QUIET,
    )
    begun: list[str] = []
    client.on_cell_start = lambda cell, **_: begun.append(cell.source)
    try:
        with folder:
            client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        number = sum(cell.cell_type == "code" for cell in notebook.cells[: len(begun)])
        raise RuntimeError(f"cell [{number}], {begun[-1]!r}: {error}") from None
    return notebook


def save(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook without what tells of the run, and not of the notebook."""
    for cell in notebook.cells:
        cell.metadata = {name: cell.metadata[name] for name in KEPT if name in cell.metadata}
    notebook.metadata.pop("language_info", None)  # the version of this machine's Python
    nbformat.write(notebook, path)


def main() -> int:
    """Run the notebooks of the given names, or all."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--live", action="store_true", help="at the gateway, saving nothing")
    options.add_argument("names", nargs="*", metavar="NAME", help="all, if none is given")
    given = options.parse_args()
    for name in () if given.live else OWN:
        os.environ.pop(name, None)
    # `!holysheep` in a cell is the command of this Python, activated or not.
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    status = 0
    for path in sorted(HERE.glob("*.ipynb")):
        if given.names and path.stem not in given.names:
            continue
        print(f"{path.name} … ", end="", flush=True)
        try:
            notebook = run(path)
        except RuntimeError as error:
            print(error)
            status = 1
            continue
        if not given.live:
            save(notebook, path)
        print("ok")
    return status


if __name__ == "__main__":
    sys.exit(main())
