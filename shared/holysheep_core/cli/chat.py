"""`holysheep chat`: a conversation at the terminal that shows what happens to its streams.

Answers go to standard output, and everything else to standard error: breaks and resumes as they
happen, tokens and cost after each answer. So `echo Hello | holysheep chat > answer.txt` has the
answer alone in the file.
"""

from __future__ import annotations

import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from typing import Annotated, TextIO

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from holysheep_core import events
from holysheep_core.cli.options import BaseUrl, Lang, words_for
from holysheep_core.cli.words import Words
from holysheep_core.client.handler import StreamingRetryHandler
from holysheep_core.errors import ConfigurationError, HolySheepError
from holysheep_core.observers.observer import Observer
from holysheep_core.observers.totals import Total
from holysheep_core.routing.providers import DEFAULT_BASE_URL
from holysheep_core.secrets import redact_line
from holysheep_core.types import CallRecord

_QUIT = ("/quit", "/exit")
_COMMAND = re.compile(r"/\w+")
"""A line that is meant for the program; a path or a sentence is not one."""
_SHOWN = (
    *(events.StreamCut, events.Resumed, events.ModelDowngraded, events.ProviderSwitched),
    events.Throttled,
)
_LONG_WAIT = 1.0
"""Seconds from which a wait before a retry is shown."""


class Chat(Observer):
    """A conversation.

    Args:
        model: The model asked.
        system: The system prompt; "" for none.
        out: Receives the answers.
        notes: Receives everything else.
        words: The language.

    Attributes:
        messages: The conversation so far, as it is sent.
        failed: Whether an answer ended with an error.
    """

    def __init__(self, model: str, system: str, out: TextIO, notes: Console, words: Words) -> None:
        self._model = model
        self._out = out
        self._notes = notes
        self._words = words
        self._record: CallRecord | None = None
        self._open = False  # the cursor stands behind text of an answer
        self.messages = [{"role": "system", "content": system}] if system else []
        self.failed = False

    def ask(self, handler: StreamingRetryHandler, question: str) -> None:
        """Ask, and show the answer as it arrives. Ctrl-C ends it; what came is kept.

        Args:
            handler: Sends the request; this object is among its observers.
            question: The user's turn.
        """
        self.messages.append({"role": "user", "content": question})
        pieces: list[str] = []
        self._record = None
        try:
            with closing(_pieces(handler, self._model, self.messages)) as stream:
                for piece in stream:
                    pieces.append(piece)
                    self._write(piece)
            note = ""
        except KeyboardInterrupt:
            note = self._words("stopped")
        except HolySheepError as error:
            self.failed = True
            note = f"{type(error).__name__}: {redact_line(str(error))}"
        self._end_line()
        if note:
            self._notes.print(Text(note, style="red"), soft_wrap=True)
        self._notes.print(Text(self._figures(), style="dim"), soft_wrap=True)
        if answer := "".join(pieces):
            self.messages.append({"role": "assistant", "content": answer})
        else:
            self.messages.pop()  # two turns of the user in a row are refused by some models

    def sum_up(self, total: Total) -> None:
        """Show the tokens and the cost of the whole conversation, if it had several answers."""
        if total.calls > 1:
            cost = f"US$ {total.cost_usd:.6f}"
            if total.unpriced:
                unknown = total.unpriced
                cost = self._words("known_and_unknown", known=cost, unknown=unknown)
            tokens = f"{total.usage.total_tokens:,}"
            said = self._words("in_all", calls=total.calls, tokens=tokens, cost=cost)
            self._notes.print(Text(said, style="dim"))

    def happened(self, event: events.Event) -> None:
        """Show a break, a resume, a move, a wait."""
        wait = event.wait if isinstance(event, events.RetryScheduled) else 0.0
        if isinstance(event, _SHOWN) or wait >= _LONG_WAIT:
            facts = msgspec.to_builtins(event)
            said = f"[{redact_line(self._words(f'event_{type(event).__name__}', **facts))}]"
            # Within a line of text it stays there, so that the text can be read on.
            line = f" {said} " if self._open else f"{said}\n"
            self._out.flush()
            self._notes.print(Text(line, style="dim"), end="", soft_wrap=True)

    def call_ended(self, record: CallRecord, answer: str) -> None:  # noqa: ARG002 - it was shown
        """Keep the figures of the call."""
        self._record = record

    def _write(self, piece: str) -> None:
        text = _printable(piece)
        self._out.write(text)
        self._out.flush()
        self._open = not text.endswith("\n")

    def _end_line(self) -> None:
        if self._open:
            self._out.write("\n")
            self._out.flush()
            self._open = False

    def _figures(self) -> str:
        record, words = self._record, self._words
        if record is None:
            return words("nothing_sent")
        usage = record.usage
        about = "~" if usage.estimated else ""
        read, written = f"{about}{usage.input_tokens:,}", f"{about}{usage.output_tokens:,}"
        cost = words("unknown") if record.cost_usd is None else f"US$ {record.cost_usd:.6f}"
        said = [
            redact_line(f"{record.provider}/{record.model}"),
            words("in_and_out", read=read, written=written),
            f"{words('cost')} {cost}",
            f"{record.duration:.2f} s",
        ]
        if record.resumes:
            said.append(words("resumed_times", count=record.resumes))
        return " · ".join(said)


def _pieces(
    handler: StreamingRetryHandler, model: str, messages: list[dict[str, str]]
) -> Generator[str, None, None]:
    yield from handler.stream_with_retry(model, messages)


def _printable(text: str) -> str:
    # A terminal obeys control characters. Two invisible ones join letters and emoji.
    kept = "\n\t\u200c\u200d"
    return "".join(each if each.isprintable() or each in kept else "\ufffd" for each in text)


def lines(source: TextIO, prompt: Callable[[], str]) -> Iterator[str]:
    """Yield what the user types, until the end of input or /quit; Ctrl-C begins a new line.

    Args:
        source: Standard input.
        prompt: Returns a line that was typed at a terminal.
    """
    typed = source.isatty()
    while True:
        try:
            line = prompt() if typed else source.readline()
        except EOFError:
            return
        except KeyboardInterrupt:
            if not typed:
                return
            continue
        if not typed and not line:
            return
        line = line.strip()
        if line in _QUIT:
            return
        if line:
            yield line


def _typed(notes: Console) -> str:
    try:
        if sys.stdout.isatty():
            return input("> ")
        # `input` would write its prompt into the file that gets the answers.
        notes.print("> ", end="")
        line = sys.stdin.readline()
    except (EOFError, KeyboardInterrupt):
        notes.print()
        raise
    if not line:
        raise EOFError
    return line


def chat(
    model: Annotated[str, typer.Option(help="The model to talk to.")] = "gpt-4.1",
    base_url: BaseUrl = DEFAULT_BASE_URL,
    system: Annotated[str, typer.Option(help="A system prompt.")] = "",
    lang: Lang = None,
) -> None:
    """Talk to a model; see cuts, resumes, fallbacks, tokens and cost.

    Ctrl-C stops an answer. /quit or Ctrl-D ends the conversation.
    """
    words = words_for(lang)
    if not os.environ.get("HOLYSHEEP_API_KEY"):
        raise typer.BadParameter(words("no_key"))
    notes = Console(stderr=True, highlight=False, emoji=False)
    # Input in another encoding than the terminal's is no reason to end.
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    with suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - gives `input` its history; not everywhere
    talk = Chat(model, system, sys.stdout, notes, words)
    # A fallback model's answer is shown where it happens, and needs no warning behind it.
    warnings.filterwarnings("ignore", category=UserWarning, module="holysheep_core")

    try:
        with StreamingRetryHandler(base_url=base_url, observers=[talk]) as handler:
            how = Text(words("how_to_chat", model=redact_line(model)), style="dim")
            if sys.stdin.isatty():
                notes.print(how)
            for line in lines(sys.stdin, lambda: _typed(notes)):
                if _COMMAND.fullmatch(line):
                    notes.print(how)
                else:
                    talk.ask(handler, line)
            talk.sum_up(handler.totals.all)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.Exit(1 if talk.failed else 0)
