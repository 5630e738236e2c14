"""The commands."""

from __future__ import annotations

import asyncio
import signal
import threading
from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

import holysheep_core
from holysheep_core.cli import demo as demos
from holysheep_core.cli import drill
from holysheep_core.cli.live import run_live
from holysheep_core.errors import ConfigurationError
from holysheep_core.gateway import announce
from holysheep_core.simulator import Scenario, Simulator, cut

app = typer.Typer(
    help="HolySheep AI for LangChain and LlamaIndex: streams that arrive whole.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class By(str, Enum):
    """How a connection is cut."""

    rst = "rst"
    fin = "fin"
    eof = "eof"


class Manner(str, Enum):
    """How the simulated model goes on."""

    exact = "exact"
    obedient = "obedient"
    repeat = "repeat"
    restart = "restart"
    preamble = "preamble"
    different = "different"


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
    text: Annotated[str, typer.Option(help="The answer; made to fit the request if empty.")] = "",
    cut_at: Annotated[int, typer.Option(help="Cut after that many characters; -1: never.")] = -1,
    times: Annotated[int, typer.Option(help="How many responses to cut; 0: all.")] = 1,
    by: Annotated[By, typer.Option(help="Reset, half-closed body, or clean early end.")] = By.rst,
    manner: Annotated[
        Manner, typer.Option(help="How a cut answer is continued.")
    ] = Manner.obedient,
    delay: Annotated[float, typer.Option(help="Seconds between events.")] = 0.02,
) -> None:
    """Run the local server that breaks on cue, for your own app. Ctrl-C stops it."""
    faults = [cut(cut_at, by.value, times=times or None)] if cut_at >= 0 else []
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    scenario = Scenario(text=text or None, faults=faults, manner=manner.value, delay=delay)
    try:
        with Simulator(port=port, scenario=scenario) as simulator:
            Console().print(f"Listening. base_url: [bold]{simulator.base_url}[/]  (any key)")
            stop.wait()
    except OSError as error:
        raise typer.BadParameter(f"cannot listen on port {port}: {error.strerror}") from error


@app.command("rollback-drill")
def rollback_drill(
    callers: Annotated[int, typer.Option(min=1, help="Streams at the same time.")] = 50,
    outage: Annotated[float, typer.Option(min=1, help="Seconds the primary is away.")] = 5.0,
) -> None:
    """Rehearse an outage on local servers: the primary dies under load, and comes back."""
    console = Console(highlight=False)
    console.print(f"[bold]Rollback drill[/]: {callers} callers, {outage:g} s without the primary")
    report = asyncio.run(drill.rehearse(callers, outage, console))
    drill.show(report, console)
    raise typer.Exit(0 if report.good else 1)


@app.command()
def switch(
    provider: Annotated[str, typer.Argument(help="Name of the provider to ask first.")],
    store: Annotated[
        str, typer.Option(envvar="HOLYSHEEP_STORE", help="The redis:// URL the processes share.")
    ],
) -> None:
    """Let every process that shares a store ask this provider first, within a second."""
    try:
        reached = announce(provider, store)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    if not reached:
        typer.echo("Redis does not answer; nothing was switched.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{provider} is asked first from now on, where a gateway knows that name.")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(holysheep_core.__version__)
