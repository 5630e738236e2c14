"""The commands `holysheep report` and `holysheep watch`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from holysheep_core.catalog import coerce
from holysheep_core.cli import report_data, report_text, watch
from holysheep_core.cli.options import AsJson, Lang, LogFile, terminal, words_for
from holysheep_core.cli.report_html import page
from holysheep_core.cli.report_json import report_as_json
from holysheep_core.config.limits import TIERS
from holysheep_core.errors import ConfigurationError


def make_report(
    log: LogFile = Path("holysheep.db"),
    since: Annotated[str, typer.Option(help="Length of time: 30m, 24h, 7d.")] = "24h",
    against: Annotated[str, typer.Option(help="Model to compare costs with.")] = "gpt-4.1",
    html: Annotated[Path | None, typer.Option(help="Also write an HTML page.")] = None,
    catalog: Annotated[
        Path | None,
        typer.Option(envvar="HOLYSHEEP_CATALOG", help="Your own prices: a TOML or JSON file."),
    ] = None,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Report success rate, latency, errors, resumes, tokens and cost of past calls."""
    console, words = terminal(), words_for(lang)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            found = report_data.report(
                log,
                report_data.seconds_of(since),
                against=against,
                catalog=coerce(catalog),
                track=lambda rows, total: progress.track(rows, total, description=words("reading")),
            )
        if html is not None:
            html.write_text(page(found, words), encoding="utf-8")
    except (ConfigurationError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    if as_json:
        typer.echo(json.dumps(report_as_json(found), indent=2))
        return
    report_text.show(found, console, words)
    if html is not None:
        console.print(escape(words("written", path=html)))


def watch_calls(
    log: LogFile = Path("holysheep.db"),
    tier: Annotated[
        str, typer.Option(help="Tier with the limits to show: free, starter or pro.")
    ] = "free",
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between updates.")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print once and exit.")] = False,
    as_json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Show live figures: requests against the tier's limit, tokens, open circuits, failed calls."""
    if tier not in TIERS:
        raise typer.BadParameter(f"{tier!r}: needs one of {', '.join(TIERS)}.", param_hint="--tier")
    try:
        limits = TIERS[tier]
        watch.watch(
            log,
            limits,
            terminal(),
            once=once,
            every=every,
            as_lines=as_json,
            words=words_for(lang),
        )
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error
