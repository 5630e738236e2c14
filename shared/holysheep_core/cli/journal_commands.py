"""`holysheep journal`: ls, show, stop, prune."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from holysheep_core.cli import journal_table
from holysheep_core.cli.report_data import seconds_of
from holysheep_core.errors import ConfigurationError, JournalError
from holysheep_core.journal.journal import Journal

JournalUrl = Annotated[
    str,
    typer.Option(
        "--journal", envvar="HOLYSHEEP_JOURNAL", help="The URL given as journal=: sqlite or redis."
    ),
]


journals = typer.Typer(help="Look at the answers of a journal.", no_args_is_help=True)


@journals.command("ls")
def list_answers(journal: JournalUrl) -> None:
    """List all answers: name, state, model, who writes it, when it was last written."""
    with _journal(journal) as kept:
        Console(highlight=False, emoji=False).print(journal_table.table(kept, time.time()))


@journals.command("show")
def show_answer(call_id: str, journal: JournalUrl) -> None:
    """Print an answer's state and text."""
    with _journal(journal) as kept:
        journal_table.show(kept, call_id, Console(highlight=False, emoji=False))


@journals.command("stop")
def stop_answer(call_id: str, journal: JournalUrl) -> None:
    """Stop an answer, whichever process generates it."""
    with _journal(journal) as kept:
        stopped = kept.stop(call_id)
    typer.echo(f"{call_id}: {'stopped' if stopped else 'was complete already'}")


@journals.command("prune")
def prune_answers(
    journal: JournalUrl,
    older_than: Annotated[str, typer.Option(help="Length of time: 30m, 24h, 7d.")] = "24h",
) -> None:
    """Delete answers that nobody writes any more."""
    with _journal(journal) as kept:
        count = journal_table.prune(kept, seconds_of(older_than))
    typer.echo(f"{count} deleted")


@contextmanager
def _journal(url: str) -> Iterator[Journal]:
    try:
        _check_there(url)
        yield Journal(url)
    except (ConfigurationError, JournalError) as error:
        raise typer.BadParameter(str(error)) from error


def _check_there(url: str) -> None:
    # `Journal` would make the file, and the command would then be about an empty journal.
    path = url.removeprefix("sqlite:///")
    if path not in ("", url) and not Path(path).exists():
        raise ConfigurationError(f"{path}: there is no journal. Give journal={url!r} first.")
