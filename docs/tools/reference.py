"""Writes the tables of commands and of events, from the code, into their reference pages.

`python docs/tools/reference.py` writes; a test compares what is written with the code.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer
from typer.models import OptionInfo

from holysheep_core import events
from holysheep_core.cli.app import app

ROOT = Path(__file__).parents[2]
BEGIN, END = "<!-- written by docs/tools/reference.py -->", "<!-- /written -->"


def commands() -> str:
    """Return a section for each command, with its arguments and options."""
    return "\n\n".join(_section(words, function) for words, function in _all("holysheep", app))


def _all(words: str, group: typer.Typer) -> list[tuple[str, Callable[..., Any]]]:
    """Return the functions of all commands, each with the words that call it."""
    found = []
    for info in group.registered_commands:
        if info.callback is not None:
            name = info.name or info.callback.__name__.replace("_", "-")
            found.append((f"{words} {name}", info.callback))
    for below in group.registered_groups:
        if below.typer_instance is not None:
            found += _all(f"{words} {below.name}", below.typer_instance)
    return found


def _section(words: str, function: Callable[..., Any]) -> str:
    hints = get_type_hints(function, include_extras=True)
    arguments, rows = [], []
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if parameter.default is None and not hasattr(hint, "__metadata__"):
            hint = get_args(hint)[0]  # Python 3.10 makes `Optional` of what is None by default
        kind, *notes = get_args(hint) or (hint,)
        info = next((note for note in notes if hasattr(note, "param_decls")), None)
        required = parameter.default is inspect.Parameter.empty
        if isinstance(info, OptionInfo):
            # Behind `Annotated`, the first name stands where the default would be.
            first = [info.default] if isinstance(info.default, str) else []
            named = (*first, *(info.param_decls or ()))
            shown = named or (f"--{parameter.name.replace('_', '-')}",)
        else:
            name = parameter.name.upper()
            shown = (name,)
            arguments.append(name if required else f"[{name}]")
        names = ", ".join(f"`{name}`" for name in shown)
        default = "required" if required else _default(parameter.default)
        rows.append(f"| {names} | {default} | {_meaning(info, kind)} |")
    usage = " ".join([words, *arguments, *(["[OPTIONS]"] if len(rows) > len(arguments) else [])])
    text = f"## {words}\n\n{inspect.getdoc(function)}\n\n```text\n{usage}\n```"
    return text + ("\n\n| | default | |\n|---|---|---|\n" + "\n".join(rows) if rows else "")


def _meaning(info: Any, kind: Any) -> str:
    parts = [] if info is None or not info.help else [info.help]
    if inspect.isclass(kind) and issubclass(kind, Enum):
        parts.append(f"One of {', '.join(f'`{each.value}`' for each in kind)}.")
    if info is not None and info.envvar:
        parts.append(f"Variable `{info.envvar}`.")
    return " ".join(parts)


def _default(value: object) -> str:
    value = value.value if isinstance(value, Enum) else value
    return "-" if value is None or value is False or value == "" else f"`{value}`"


def all_events() -> str:
    """Return a row for each event, with its fields beside `call_id` and `at`."""
    lines = ["| event | when | fields |", "|---|---|---|"]
    for cls in vars(events).values():
        if inspect.isclass(cls) and issubclass(cls, events.Event) and cls is not events.Event:
            what = (inspect.getdoc(cls) or "").splitlines()[0].rstrip(".:")
            own = [field.name for field in dataclasses.fields(cls)][2:]
            lines.append(
                f"| `{cls.__name__}` | {what} | {', '.join(f'`{name}`' for name in own)} |"
            )
    return "\n".join(lines)


FILES = {"docs/reference/command-line.md": commands, "docs/reference/events.md": all_events}


def renewed(name: str) -> str:
    """Return a file with what is written into it as the code is now."""
    before, _, rest = (ROOT / name).read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{FILES[name]()}\n\n{END}{after}"


if __name__ == "__main__":
    for name in FILES:
        (ROOT / name).write_text(renewed(name), "utf-8")
        sys.stdout.write(f"{name}\n")
