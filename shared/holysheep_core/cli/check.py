"""`holysheep check`: a few tiny requests show whether migration is safe, within a minute.

Each probe is one request whose raw response is examined. Without an API key the probes use the
simulator, and the report says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from holysheep_core.catalog import learn
from holysheep_core.cli.probe import Probe, ProbeResponse
from holysheep_core.cli.words import Words
from holysheep_core.protocol.wire import is_json, is_json_object
from holysheep_core.routing.providers import Provider
from holysheep_core.secrets import redact_line

_MARKS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]–[/]"}  # noqa: RUF001
_LIMITS = re.compile(r"retry-after|ratelimit")
_TOOL = {
    "type": "function",
    "function": {
        "name": "pay",
        "description": "Pay an amount.",
        "parameters": {
            "type": "object",
            "properties": {"amount": {"type": "integer"}},
            "required": ["amount"],
        },
    },
}
_COUNT = [{"role": "user", "content": "Count from 1 to 8: digits and commas, nothing else."}]
_PREFILL = [*_COUNT, {"role": "assistant", "content": "1, 2, 3, 4,"}]


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
        what: Name of the check.
        good: Whether it passed; None for information without a verdict.
        said: The result as text.
        basic: If this check fails, the remaining probes would fail too and are skipped.
    """

    what: str
    good: bool | None
    said: str
    basic: bool = False


def key_and_models(probe: Probe) -> tuple[list[Finding], list[str] | None]:
    """Check the list of models; the names are None without a list.

    That it is given proves nothing of the key: some servers give it to everybody.
    """
    seen, words = probe.get("models"), probe.words
    if seen.status in (401, 403):
        return [_key_refused(probe, seen)], None
    if seen.status != 200:  # noqa: PLR2004
        reason = str(seen.status or seen.body)
        return [Finding(words("model_list"), None, words("no_list", reason=reason))], None
    try:
        names = [str(each["id"]) for each in msgspec.json.decode(seen.body)["data"]]
    except (msgspec.DecodeError, KeyError, TypeError):
        return [Finding(words("model_list"), None, words("odd_list"))], None
    some = ", ".join(names[:6]) + (", …" if names[6:] else "")
    return [Finding(words("model_list"), None, f"{len(names)}: {some}")], names


def _key_refused(probe: Probe, seen: ProbeResponse) -> Finding:
    words = probe.words
    return Finding(words("key"), False, words("key_refused", status=seen.status), basic=True)


def stream(probe: Probe) -> Iterable[Finding]:
    """Check a plain stream: shape, end, usage, latency, rate-limit headers."""
    seen, words = probe.ask(_COUNT, stream_options={"include_usage": True}), probe.words
    if seen.status in (401, 403):
        yield _key_refused(probe, seen)
    if seen.refusal:
        yield Finding(words("stream"), False, seen.refusal, basic=True)
        return
    yield Finding(words("key"), True, words("key_accepted"), basic=True)
    reasons = [c.choices[0].finish_reason for c in seen.chunks if c.choices]
    reason = next((each for each in reasons if each), None)
    kind = seen.headers.get("content-type") or words("no_type")
    shape = words("chunks", count=len(seen.chunks), type=kind)
    if seen.foreign:
        shape += words("foreign", count=seen.foreign)
    said = shape if seen.text else words("no_text")
    yield Finding(words("stream"), bool(seen.text), said, basic=True)
    ends = [f"finish_reason {reason!r}" if reason else "", "[DONE]" if seen.done else ""]
    said = words("and").join(filter(None, ends)) or (
        words("was_cut", reason=seen.body) if seen.body else words("no_end")
    )
    yield Finding(words("end"), bool(reason or seen.done), said)
    usage = next((chunk.usage for chunk in reversed(seen.chunks) if chunk.usage), None)
    counts = None if usage is None else usage.to_usage()
    yield Finding(
        words("usage"),
        None if counts is None else True,
        words("no_usage")
        if counts is None
        else words("usage_tokens", read=counts.input_tokens, written=counts.output_tokens),
    )
    if seen.first is not None:
        said = words("after", seconds=f"{seen.first:.2f}")
        yield Finding(words("first_token"), None, said)
    if seen.comments:
        yield Finding(words("comments"), None, words("sent"))
    limits = [f"{name}: {value}" for name, value in seen.headers.items() if _LIMITS.search(name)]
    yield Finding(words("limit_headers"), None, "; ".join(limits) or words("none_seen"))


def tools(probe: Probe) -> Iterable[Finding]:
    """Check a tool call."""
    choice = {"type": "function", "function": {"name": "pay"}}
    ask = [{"role": "user", "content": "Pay 1000."}]
    seen = probe.ask(ask, tools=[_TOOL], tool_choice=choice)
    deltas = [chunk.choices[0].delta for chunk in seen.chunks if chunk.choices]
    parts = [part for delta in deltas if delta is not None for part in delta.tool_calls or ()]
    pieces = [part.function.arguments for part in parts if part.function is not None]
    arguments = "".join(piece for piece in pieces if isinstance(piece, str))
    good = is_json_object(arguments)
    said = arguments if good else seen.refusal or probe.words("no_tool_call")
    yield Finding(probe.words("tool_calls"), good, said)


def json_mode(probe: Probe) -> Iterable[Finding]:
    """Check JSON mode."""
    ask = [{"role": "user", "content": 'Answer with the JSON object {"sheep": 3}.'}]
    seen = probe.ask(ask, response_format={"type": "json_object"})
    good = is_json(seen.text)
    said = seen.text if good else seen.refusal or probe.words("no_json")
    yield Finding(probe.words("json_mode"), good, said)


def prefill(probe: Probe) -> Iterable[Finding]:
    """Check whether the model continues a prefilled answer."""
    seen, words = probe.ask(_PREFILL), probe.words
    if seen.status in (200, 400):
        probe.takes_prefill = re.match(r"[\s,]*5", seen.text) is not None
    if probe.takes_prefill:
        yield Finding(words("prefill"), None, words("prefill_accepted"))
    else:
        why = seen.refusal or words("starts_over")
        yield Finding(words("prefill"), None, words("prefill_refused", reason=why))


PROBES: tuple[tuple[str, Callable[[Probe], Iterable[Finding]]], ...] = (
    ("stream", stream),
    ("tool_calls", tools),
    ("json_mode", json_mode),
    ("prefill", prefill),
)


def run(
    provider: Provider,
    models: Sequence[str],
    console: Console,
    notes: Path | None,
    words: Words | None = None,
) -> bool:
    """Check each model, print the findings, and record which models accept a prefill.

    Args:
        provider: The provider.
        models: The models.
        console: Receives the output.
        notes: A JSON catalog to record prefills in; None for none.
        words: The language; English by default.

    Returns:
        Whether no check failed.
    """
    good, words = True, words or Words()
    listed: list[str] | None = None
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("", total=len(models) * (len(PROBES) + 1))
        for number, model in enumerate(models):
            probe = Probe(provider, model, words=words)
            progress.update(bar, description=f"{escape(model)}: {words('models')}", advance=1)
            found: list[Finding] = []
            if not number:
                found, listed = key_and_models(probe)
            if listed is not None and model not in listed:
                found.append(Finding(model, None, words("not_listed")))
            for name, look in PROBES:
                progress.update(bar, description=f"{escape(model)}: {words(name)}", advance=1)
                if all(each.good is not False or not each.basic for each in found):
                    found += look(probe)
            probe.close()
            table = Table(title=escape(model), title_justify="left", box=None, show_header=False)
            for _ in range(3):  # long names are wrapped, not cut off
                table.add_column(overflow="fold")
            for each in found:
                said = redact_line(each.said, provider.secrets)
                table.add_row(_MARKS[each.good], escape(each.what), escape(said))
            progress.console.print(table)
            good = good and all(each.good is not False for each in found)
            if notes is not None and probe.takes_prefill is not None:
                learn(notes, model, prefill=probe.takes_prefill)
    return good
