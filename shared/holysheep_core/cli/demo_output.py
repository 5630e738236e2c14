"""Output of the demo: steps, streams with marked breaks, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from holysheep_core import (
    Event,
    ModelDowngraded,
    Resumed,
    StreamCut,
)
from holysheep_core.cli.words import Words

_SHOWN = (StreamCut, Resumed, ModelDowngraded)


class Stage:
    """Prints the demo and counts passed and failed steps.

    Args:
        console: Receives the output.
        words: The language; English by default.
    """

    def __init__(self, console: Console, words: Words | None = None) -> None:
        self._console = console
        self.words = words or Words()
        self._events: list[Event] = []
        self._streaming = False
        self.passed = 0
        self.failed = 0

    def title(self, title: str, text: str) -> None:
        """Print the title of the demo."""
        self._console.print(Panel(Text(text), title=f"[bold]{title}[/]", border_style="cyan"))

    def step(self, number: int, title: str, fault: str) -> None:
        """Print the title of a step and its fault."""
        self._console.print()
        self._console.rule(f"[bold cyan]{number}. {escape(title)}[/]", align="left", style="cyan")
        self._console.print(f"[dim]{escape(self.words('what_breaks'))}[/] {escape(fault)}")

    def heading(self, who: str) -> None:
        """Print the name of the client of the next stream."""
        self._console.print(f"\n[bold]{who}[/]")

    def say(self, text: str, style: str = "") -> None:
        """Print a line."""
        self._console.print(Text("  " + text, style=style))

    def on_event(self, event: Event) -> None:
        """Mark a break in the running text, and store the event for `tell_events`."""
        if isinstance(event, StreamCut) and self._streaming:
            self._console.print("[bold red]⚡[/]", end="")
        if isinstance(event, _SHOWN):
            self._events.append(event)

    def stream(self, pieces: Iterable[str], style: str) -> str:
        """Print text as it arrives; return the whole text, also after an error."""
        got: list[str] = []
        self._console.print("  ", end="")
        self._streaming = True
        try:
            for piece in pieces:
                got.append(piece)
                self._console.print(Text(piece, style=style), end="", soft_wrap=True)
        except Exception as error:  # noqa: BLE001 - shows any error of a client
            self._console.print()
            self.say(f"✗ {type(error).__name__}: {_short(error)}", "red")
        else:
            self._console.print()
        self._streaming = False
        return "".join(got)

    def tell_events(self) -> None:
        """Print the stored engine events."""
        for event in self._events:
            said = self.words(f"event_{type(event).__name__}", **msgspec.to_builtins(event))
            self.say(f"· {event.at:5.2f} s  {said}", "dim")
        self._events.clear()

    def ordinary(self, verdict: str, *, good: bool = False) -> None:
        """Print a comment on an ordinary client's result."""
        self.say(verdict, "" if good else "yellow")

    def verdict(self, text: str, *, good: bool) -> None:
        """Print and count the verdict on our own result."""
        self.passed += good
        self.failed += not good
        mark, style = ("✓", "bold green") if good else ("✗", "bold red")
        self.say(f"{mark} {text}", style)


def attempt(run: Callable[[], str]) -> str:
    """Run a function; return its result, or its error as text."""
    try:
        return run()
    except Exception as error:  # noqa: BLE001 - shows any error of a client
        return f"{type(error).__name__}: {_short(error)}"


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 100 else text[:100] + "…"  # noqa: PLR2004 - one line
