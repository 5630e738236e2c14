"""The commands."""

from __future__ import annotations

import threading
from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

import holysheep_core
from holysheep_core.cli import demo as demos
from holysheep_core.cli.live import run_live
from holysheep_core.simulator import MANNERS, Scenario, Simulator, cut

app = typer.Typer(
    help="HolySheep AI for LangChain and LlamaIndex: streams that arrive whole.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Manner = Enum("Manner", {name: name for name in MANNERS}, type=str)
By = Enum("By", {name: name for name in ("rst", "fin", "eof")}, type=str)


@app.command()
def demo(
    live: Annotated[
        bool, typer.Option("--live", help="A short real run, with HOLYSHEEP_API_KEY.")
    ] = False,
) -> None:
    """Show what happens when streams break: with ordinary clients, and with this one."""
    console = Console(highlight=False)
    good = run_live(console) if live else demos.run_all(console)
    raise typer.Exit(0 if good else 1)


@app.command()
def simulate(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for a free one.")] = 8089,
    text: Annotated[str, typer.Option(help="The answer; made up to fit the request if empty.")] = "",
    cut_at: Annotated[
        int, typer.Option(help="Cut every first request after that many characters; -1: never.")
    ] = -1,
    by: Annotated[By, typer.Option(help="How: reset, half-closed body, or a clean early end.")] = By[
        "rst"
    ],
    manner: Annotated[Manner, typer.Option(help="How a cut answer is continued.")] = Manner[
        "obedient"
    ],
    delay: Annotated[float, typer.Option(help="Seconds between events.")] = 0.02,
) -> None:
    """Run the local server that breaks on cue, for your own app. Ctrl-C stops it."""
    faults = [cut(cut_at, by.value)] if cut_at >= 0 else []
    scenario = Scenario(text=text or None, faults=faults, manner=manner.value, delay=delay)
    try:
        with Simulator(port=port, scenario=scenario) as simulator:
            Console().print(f"Listening. base_url: [bold]{simulator.base_url}[/]  (any key)")
            threading.Event().wait()
    except OSError as error:
        raise typer.BadParameter(f"cannot listen on port {port}: {error.strerror}") from error
    except KeyboardInterrupt:
        raise typer.Exit from None


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(holysheep_core.__version__)


