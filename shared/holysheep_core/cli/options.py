"""Options that several commands have, and the terminal they write to."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from holysheep_core.cli.words import Words, language_of


class Language(str, Enum):
    """Languages of the commands."""

    en = "en"
    ko = "ko"


BaseUrl = Annotated[
    str, typer.Option(envvar="HOLYSHEEP_BASE_URL", help="Base URL of an OpenAI-compatible API.")
]
LogFile = Annotated[
    Path,
    typer.Option("--log", envvar="HOLYSHEEP_EVENT_LOG", help="The file given as event_log=."),
]
Lang = Annotated[
    Language | None, typer.Option("--lang", help="en or ko; the locale's language by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def terminal() -> Console:
    """Return the terminal."""
    # No emoji: ":100:" may be part of a fine-tuned model's name.
    return Console(highlight=False, emoji=False)


def words_for(lang: Language | None) -> Words:
    """Return the texts in the language that was asked for, else in the locale's."""
    return Words(lang.value if lang else language_of())
