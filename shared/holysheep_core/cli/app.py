"""The commands."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

import holysheep_core
from holysheep_core.catalog import check_learnable
from holysheep_core.cli import batch, check
from holysheep_core.cli import demo as demos
from holysheep_core.cli import rollback_drill as drill
from holysheep_core.cli import worker as workers
from holysheep_core.cli.chat import chat
from holysheep_core.cli.demo_live import run_live
from holysheep_core.cli.journal_commands import JournalUrl, journals
from holysheep_core.cli.options import BaseUrl, Lang, terminal, words_for
from holysheep_core.cli.reporting import make_report, watch_calls
from holysheep_core.cli.simulate import simulate
from holysheep_core.client.handler import StreamingRetryHandler
from holysheep_core.errors import ConfigurationError
from holysheep_core.gateway.sharing import announce
from holysheep_core.journal.journal import Journal
from holysheep_core.observers.progress import ProgressBar
from holysheep_core.routing.providers import DEFAULT_BASE_URL, Provider
from holysheep_core.simulator import Simulator

app = typer.Typer(
    help="HolySheep AI for LangChain and LlamaIndex: streams arrive whole, once, in order.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


app.add_typer(journals, name="journal")


@app.command()
def demo(
    live: Annotated[
        bool, typer.Option("--live", help="A short run on the real API, with HOLYSHEEP_API_KEY.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Show broken streams side by side: ordinary clients, and this one."""
    console, words = terminal(), words_for(lang)
    good = run_live(console) if live else demos.run_all(console, words)
    raise typer.Exit(0 if good else 1)


app.command("simulate")(simulate)


@app.command("rollback-drill")
def rollback_drill(
    callers: Annotated[int, typer.Option(min=1, help="Streams at the same time.")] = 50,
    outage: Annotated[float, typer.Option(min=1, help="Seconds the primary is down.")] = 5.0,
) -> None:
    """Rehearse an outage on local servers: the primary stops under load, then restarts."""
    console = terminal()
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
    base_url: BaseUrl = DEFAULT_BASE_URL,
    journal: Annotated[
        str | None, typer.Option(help="Where answers are kept as they arrive; a file beside OUT.")
    ] = None,
) -> None:
    """Answer a file of requests. After a kill, --resume continues and pays for nothing twice."""
    try:
        items = batch.read_items(source, model)
        done = batch.kept(out) if resume and out.exists() else {}
        batch.check_same(items, done)
        if out.exists() and not resume:
            raise typer.BadParameter(f"{out} exists: --resume continues it, or name another file.")
        if done or out.exists():
            batch.rewrite(out, done.values())
        left = [item for item in items if item.name not in done]
        had = len(items) - len(left)  # OUT may have answers to other files too
        with ProgressBar(len(items)) as bar, out.open("a", encoding="utf-8") as file:
            bar.reach(had)
            handler = StreamingRetryHandler(
                base_url=base_url,
                journal=Journal(journal or f"sqlite:///{out.absolute()}.journal", lease=5.0),
                observers=[bar],
            )
            work = batch.Batch(handler, file, lambda over: bar.reach(had + over), concurrency)
            asyncio.run(work.run(left))
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    except KeyboardInterrupt:
        typer.echo("Stopped. The same command with --resume continues.", err=True)
        raise typer.Exit(130) from None
    if work.ending is not None:
        typer.echo(f"Stopped, since every request would fail: {work.ending}", err=True)
    if work.failed:
        typer.echo(
            f"{work.failed} failed ({work.commonest}); --resume asks for them again.", err=True
        )
    raise typer.Exit(1 if work.failed else 0)


@app.command()
def worker(
    journal: JournalUrl,
    base_url: BaseUrl = DEFAULT_BASE_URL,
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
    console = terminal()
    try:
        kept = Journal(journal, lease=lease)
        handler = StreamingRetryHandler(base_url=base_url, journal=kept)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    console.print(f"Looking for orphaned answers, every {workers.EVERY:g} s.")
    workers.work(handler, kept, console, stop, detached=not everything)
    # Threads of answers under way are not waited for: another worker completes those.
    sys.stdout.flush()
    os._exit(0)


@app.command("check")
def check_gateway(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models to check; gpt-4.1 by default.")
    ] = None,
    base_url: BaseUrl = DEFAULT_BASE_URL,
    learn: Annotated[
        Path | None, typer.Option(help="A JSON catalog to record which models accept a prefill.")
    ] = None,
    lang: Lang = None,
) -> None:
    """Check within a minute whether migration is safe: key, models, stream, tools, JSON, limits."""
    console, words = terminal(), words_for(lang)
    asked = models or ["gpt-4.1"]
    key = os.environ.get("HOLYSHEEP_API_KEY")
    if learn is not None and not key:
        raise typer.BadParameter(
            "HOLYSHEEP_API_KEY is not set, and the simulator cannot tell what a model accepts.",
            param_hint="--learn",
        )
    if not key and base_url != DEFAULT_BASE_URL:
        raise typer.BadParameter(words("no_key_to_check", url=base_url))
    try:
        if learn is not None:
            check_learnable(learn)
        if key:
            console.print(escape(words("check_begins", url=base_url)))
            good = check.run(Provider(key, base_url), asked, console, learn, words)
        else:
            console.print(words("check_simulated"), style="yellow")
            with Simulator() as simulator:
                good = check.run(Provider("any", simulator.base_url), asked, console, None, words)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
    if good and not key:
        console.print(words("check_simulated_end"), style="yellow")
    elif good:
        console.print(words("check_passed"), style="green")
    else:
        console.print(words("check_failed"), style="red")
    raise typer.Exit(0 if good and key else 1)


app.command("chat")(chat)
app.command("report")(make_report)
app.command("watch")(watch_calls)


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
