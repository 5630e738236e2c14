"""The `holysheep` command."""

from __future__ import annotations

import sys
import warnings

from holysheep_core.cli.encodings import show_plainly


def main() -> None:
    """Run the command line; exit with an install hint if its libraries are missing."""
    show_plainly(sys.stdout, sys.stderr)
    try:
        from holysheep_core.cli.app import app  # noqa: PLC0415 - its libraries are an extra
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("typer", "rich"):
            raise
        sys.exit('The command line needs its extra: pip install "holysheep[cli]"')
    # The commands show by which model an answer comes.
    warnings.filterwarnings("ignore", message=".* answered instead of .*", category=UserWarning)
    app()
