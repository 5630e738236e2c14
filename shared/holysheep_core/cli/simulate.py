"""`holysheep simulate`: a local server that breaks streams as told, and says what it did."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import replace
from enum import Enum
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from holysheep_core.cli.options import terminal
from holysheep_core.secrets import redact_line
from holysheep_core.simulator import (
    Scenario,
    Served,
    Simulator,
    cut,
    error_event,
    refuse,
    reply,
    slow,
    stall,
)
from holysheep_core.simulator.scenario import Fault

_PAGE = """<html>
<head><title>502 Bad Gateway</title></head>
<body><h1>502 Bad Gateway</h1><p>A page of the simulator, in place of an answer.</p></body>
</html>
"""


class By(str, Enum):
    """How a connection is cut."""

    rst = "rst"
    fin = "fin"
    eof = "eof"


class Manner(str, Enum):
    """How the simulated model continues a cut answer."""

    exact = "exact"
    obedient = "obedient"
    repeat = "repeat"
    restart = "restart"
    preamble = "preamble"
    different = "different"


def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")
    ] = 8089,
    text: Annotated[
        str, typer.Option(help="The answer; generated from the request if empty.")
    ] = "",
    html: Annotated[
        bool, typer.Option("--html", help="An HTML page with status 502 in place of an answer.")
    ] = False,
    status: Annotated[
        int | None,
        typer.Option("--refuse", min=400, max=599, help="Refuse with this status, such as 429."),
    ] = None,
    retry_after: Annotated[
        float | None, typer.Option(min=0, help="With --refuse: the Retry-After header, seconds.")
    ] = None,
    late: Annotated[
        float | None, typer.Option("--slow", min=0, help="Seconds before the first token.")
    ] = None,
    cut_at: Annotated[
        int, typer.Option(min=-1, help="Cut after this many characters; -1: never.")
    ] = -1,
    by: Annotated[
        By, typer.Option(help="TCP reset, unfinished body, or clean early end.")
    ] = By.rst,
    stall_at: Annotated[
        int, typer.Option(min=-1, help="Send nothing more after this many characters; -1: never.")
    ] = -1,
    error_at: Annotated[
        int,
        typer.Option(
            "--error-event", min=-1, help="An error event after this many characters; -1: never."
        ),
    ] = -1,
    times: Annotated[
        int | None,
        typer.Option(
            min=0, help="How many responses get each fault; 0: all. 1, or all with --every."
        ),
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, help="Only every so-manyth response gets a fault.")
    ] = 1,
    manner: Annotated[
        Manner, typer.Option(help="How a cut answer is continued.")
    ] = Manner.obedient,
    delay: Annotated[float, typer.Option(min=0, help="Seconds between events.")] = 0.02,
) -> None:
    """Run a local server that breaks streams as told, to test your app. Ctrl-C stops it.

    Several faults come one after another, in the order of these options. Each request is a line.
    """
    if retry_after is not None and status is None:
        raise typer.BadParameter("needs --refuse.", param_hint="--retry-after")
    faults: list[Fault] = []
    if html:
        faults.append(reply(502, _PAGE, {"content-type": "text/html"}))
    if status is not None:
        faults.append(refuse(status, retry_after=retry_after))
    if late is not None:
        faults.append(slow(late))
    if cut_at >= 0:
        faults.append(cut(cut_at, by.value))
    if stall_at >= 0:
        faults.append(stall(stall_at))
    if error_at >= 0:
        faults.append(error_event(error_at))
    count = times if times is not None else int(every == 1)
    faults = [replace(each, times=count or None, every=every) for each in faults]
    scenario = Scenario(text=text or None, faults=faults, manner=manner.value, delay=delay)
    _serve(host, port, scenario)


def _serve(host: str, port: int, scenario: Scenario) -> None:
    console, stop = terminal(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def log(served: Served) -> None:
        console.print(_line(served), soft_wrap=True)

    try:
        with Simulator(host=host, port=port, scenario=scenario, on_response=log) as simulator:
            _say_where(console, simulator.base_url)
            stop.wait()
    except OSError as error:
        reason = error.strerror or error
        raise typer.BadParameter(f"cannot listen on {host} port {port}: {reason}") from error


def _say_where(console: Console, base_url: str) -> None:
    console.print(f"Listening. base_url: [bold]{base_url}[/]  (any key)", soft_wrap=True)


def _line(served: Served) -> Text:
    at = time.strftime("%H:%M:%S")
    asked = redact_line(f"{served.method} {served.path} {served.model}".strip(), limit=200)
    status = str(served.status or "-")
    style = "red" if served.faulty else ""
    return Text.assemble((at, "dim"), f" {asked} {status} ", (served.what, style))
