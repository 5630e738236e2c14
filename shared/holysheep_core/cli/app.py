"""The commands."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

import holysheep_core
from holysheep_core.catalog import check_learnable, coerce
from holysheep_core.cli import batch, check, watch
from holysheep_core.cli import demo as demos
from holysheep_core.cli import report_data as figures
from holysheep_core.cli import report_text as report
from holysheep_core.cli import rollback_drill as drill
from holysheep_core.cli import worker as workers
from holysheep_core.cli.demo_live import run_live
from holysheep_core.cli.journal_commands import JournalUrl, journals
from holysheep_core.cli.report_html import page
from holysheep_core.client.handler import StreamingRetryHandler
from holysheep_core.config.limits import RateLimits
from holysheep_core.errors import ConfigurationError
from holysheep_core.gateway.sharing import announce
from holysheep_core.journal.journal import Journal
from holysheep_core.observers.progress import ProgressBar
from holysheep_core.routing.providers import DEFAULT_BASE_URL, Provider
from holysheep_core.simulator import Scenario, Simulator, cut

app = typer.Typer(
    help="HolySheep AI for LangChain and LlamaIndex: streams arrive whole, once, in order.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


app.add_typer(journals, name="journal")


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


def _console() -> Console:
    # No emoji: ":100:" may be part of a fine-tuned model's name.
    return Console(highlight=False, emoji=False)


@app.command()
def demo(
    live: Annotated[
        bool, typer.Option("--live", help="A short run on the real API, with HOLYSHEEP_API_KEY.")
    ] = False,
) -> None:
    """Show broken streams side by side: ordinary clients, and this one."""
    console = _console()
    good = run_live(console) if live else demos.run_all(console)
    raise typer.Exit(0 if good else 1)


@app.command()
def simulate(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for a free one.")
    ] = 8089,
    text: Annotated[
        str, typer.Option(help="The answer; generated from the request if empty.")
    ] = "",
    cut_at: Annotated[
        int, typer.Option(min=-1, help="Cut after this many characters; -1: never.")
    ] = -1,
    times: Annotated[int, typer.Option(min=0, help="How many responses to cut; 0: all.")] = 1,
    by: Annotated[
        By, typer.Option(help="TCP reset, unfinished body, or clean early end.")
    ] = By.rst,
    manner: Annotated[
        Manner, typer.Option(help="How a cut answer is continued.")
    ] = Manner.obedient,
    delay: Annotated[float, typer.Option(min=0, help="Seconds between events.")] = 0.02,
) -> None:
    """Run a local server that breaks streams as told, to test your app. Ctrl-C stops it."""
    faults = [cut(cut_at, by.value, times=times or None)] if cut_at >= 0 else []
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    scenario = Scenario(text=text or None, faults=faults, manner=manner.value, delay=delay)
    try:
        with Simulator(port=port, scenario=scenario) as simulator:
            _console().print(f"Listening. base_url: [bold]{simulator.base_url}[/]  (any key)")
            stop.wait()
    except OSError as error:
        raise typer.BadParameter(f"cannot listen on port {port}: {error.strerror}") from error


@app.command("rollback-drill")
def rollback_drill(
    callers: Annotated[int, typer.Option(min=1, help="Streams at the same time.")] = 50,
    outage: Annotated[float, typer.Option(min=1, help="Seconds the primary is down.")] = 5.0,
) -> None:
    """Rehearse an outage on local servers: the primary stops under load, then restarts."""
    console = _console()
    console.print(f"[bold]Rollback drill[/]: {callers} callers, {outage:g} s without the primary")
    report = asyncio.run(drill.rehearse(callers, outage, console))
    drill.show(report, console)
    raise typer.Exit(0 if report.good else 1)


@app.command()
def switch(
    provider: Annotated[str, typer.Argument(help="Name of the provider to use first.")],
    store: Annotated[
        str, typer.Option(envvar="HOLYSHEEP_STORE", help="The redis:// URL the processes share.")
    ],
) -> None:
    """Switch every process that shares a store to this provider, within about a second."""
    try:
        reached = announce(provider, store)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    if not reached:
        typer.echo("Redis does not answer; nothing was switched.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Every gateway that has a provider called {provider} now uses it first.")


@app.command("batch")
def run_batch(
    source: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Requests, JSONL.")],
    out: Annotated[Path, typer.Argument(dir_okay=False, help="Answers, JSONL.")],
    concurrency: Annotated[int, typer.Option(min=1, help="Calls at the same time.")] = 20,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue OUT: ask only for what it has not.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="Model of lines that name none.")] = None,
    base_url: Annotated[
        str, typer.Option(envvar="HOLYSHEEP_BASE_URL", help="Base URL of an OpenAI-compatible API.")
    ] = DEFAULT_BASE_URL,
    journal: Annotated[
        str | None, typer.Option(help="Where answers are kept as they arrive; a file beside OUT.")
    ] = None,
) -> None:
    """Answer a file of requests. After a kill, --resume continues and pays for nothing twice."""
    try:
        items = batch.read_items(source, model)
        done = batch.kept(out) if resume and out.exists() else {}
        if out.exists() and not resume:
            raise typer.BadParameter(f"{out} exists: --resume continues it, or name another file.")
        if done or out.exists():
            batch.rewrite(out, done.values())
        left = [item for item in items if item.name not in done]
        with ProgressBar(len(items)) as bar, out.open("a", encoding="utf-8") as file:
            bar.reach(len(done))
            handler = StreamingRetryHandler(
                base_url=base_url,
                journal=Journal(journal or f"sqlite:///{out.absolute()}.journal", lease=5.0),
                observers=[bar],
            )
            work = batch.Batch(handler, file, lambda over: bar.reach(len(done) + over), concurrency)
            asyncio.run(work.run(left))
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command with --resume continues.", err=True)
        raise typer.Exit(130) from None
    if work.ending is not None:
        typer.echo(f"Stopped, since every request would fail: {work.ending}", err=True)
    if work.failed:
        typer.echo(f"{work.failed} failed; --resume asks for them again.", err=True)
    raise typer.Exit(1 if work.failed else 0)


@app.command()
def worker(
    journal: JournalUrl,
    base_url: Annotated[
        str, typer.Option(envvar="HOLYSHEEP_BASE_URL", help="Base URL of an OpenAI-compatible API.")
    ] = DEFAULT_BASE_URL,
    lease: Annotated[
        float, typer.Option(min=0.1, help="Seconds; that of the processes it helps.")
    ] = 10.0,
    everything: Annotated[
        bool, typer.Option("--all", help="Also answers that had a reader, not only those of start.")
    ] = False,
) -> None:
    """Complete the answers whose process died. Run as many as you like; Ctrl-C stops one."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    console = _console()
    try:
        kept = Journal(journal, lease=lease)
        handler = StreamingRetryHandler(base_url=base_url, journal=kept)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    console.print(f"Looking for orphaned answers, every {workers.EVERY:g} s.")
    workers.work(handler, kept, console, stop, detached=not everything)
    # Threads of answers under way are not waited for: another worker takes those up.
    sys.stdout.flush()
    os._exit(0)


@app.command("check")
def check_gateway(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models to check; gpt-4.1 by default.")
    ] = None,
    base_url: Annotated[
        str, typer.Option(envvar="HOLYSHEEP_BASE_URL", help="Base URL of an OpenAI-compatible API.")
    ] = DEFAULT_BASE_URL,
    learn: Annotated[
        Path | None, typer.Option(help="A JSON catalog to record which models accept a prefill.")
    ] = None,
) -> None:
    """Check within a minute whether migration is safe: key, models, stream, tools, JSON, limits."""
    console = _console()
    asked = models or ["gpt-4.1"]
    key = os.environ.get("HOLYSHEEP_API_KEY")
    if learn is not None and not key:
        raise typer.BadParameter(
            "HOLYSHEEP_API_KEY is not set, and the simulator cannot tell what a model accepts.",
            param_hint="--learn",
        )
    try:
        if learn is not None:
            check_learnable(learn)
        if key:
            console.print(f"Checking {escape(base_url)}: a few dozen tokens for each model.")
            good = check.run(Provider(key, base_url), asked, console, learn)
        else:
            console.print(
                "[yellow]HOLYSHEEP_API_KEY is not set: these are the simulator's answers, "
                "not the API's.[/]"
            )
            with Simulator() as simulator:
                good = check.run(Provider("any", simulator.base_url), asked, console, None)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    if good and not key:
        console.print(
            "[yellow]These were the simulator's answers: set HOLYSHEEP_API_KEY to check whether "
            "migration is safe.[/]"
        )
    elif good:
        console.print("[green]All checks passed.[/]")
    else:
        console.print("[red]Some checks failed: see ✗ above.[/]")
    raise typer.Exit(0 if good and key else 1)


LogFile = Annotated[
    Path,
    typer.Option("--log", envvar="HOLYSHEEP_EVENT_LOG", help="The file given as event_log=."),
]


@app.command("report")
def make_report(
    log: LogFile = Path("holysheep.db"),
    since: Annotated[str, typer.Option(help="Length of time: 30m, 24h, 7d.")] = "24h",
    against: Annotated[str, typer.Option(help="Model to compare costs with.")] = "gpt-4.1",
    html: Annotated[Path | None, typer.Option(help="Also write an HTML page.")] = None,
    catalog: Annotated[
        Path | None,
        typer.Option(envvar="HOLYSHEEP_CATALOG", help="Your own prices: a TOML or JSON file."),
    ] = None,
) -> None:
    """Report availability, latency, errors, resumes, tokens and cost of past calls."""
    console = _console()
    try:
        with Progress(console=console, transient=True) as progress:
            found = figures.report(
                log,
                figures.seconds_of(since),
                against=against,
                catalog=coerce(catalog),
                track=lambda rows, total: progress.track(rows, total, description="Reading …"),
            )
        if html is not None:
            html.write_text(page(found), encoding="utf-8")
    except (ConfigurationError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    report.show(found, console)
    if html is not None:
        console.print(f"Page written to {escape(str(html))}.")


@app.command("watch")
def watch_calls(
    log: LogFile = Path("holysheep.db"),
    tier: Annotated[
        str, typer.Option(help="Tier with the limits to show: free, starter or pro.")
    ] = "free",
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between updates.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print once and exit.")] = False,
) -> None:
    """Show live figures: requests against the tier's limit, tokens, cooldowns, providers."""
    try:
        limits = RateLimits.coerce(tier) or RateLimits()
        watch.watch(log, limits, _console(), once=once, every=every)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(holysheep_core.__version__)


def _version_asked(asked: bool) -> None:  # noqa: FBT001 - typer's way to call it
    if asked:
        version()
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version_asked, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None: ...
