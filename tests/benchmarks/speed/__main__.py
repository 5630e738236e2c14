"""What a streamed token costs, beside the peers and the floors, in one run.

    python tests/benchmarks/speed [--quick] [--write PAGE]

A full run fails (exit 1) if a figure is worse by more than a quarter than the last recorded one. A
quick one measures what needs no peers, prints and records it, and never fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cost
import crowd
import first_token
import growth
import history
import imports
import page
import readers
import recovery
import server
from targets import TARGETS, Findings

SIZES = {
    "engine": (100, 500, 1000, 2000),
    crowd.AIOHTTP: (100, 500, 1000, 2000),
    "ChatHolySheep": (100, 500, 1000, 2000),
    "openai SDK": (100, 500, 1000),  # with 2,000 it never gets to read
    "ChatOpenAI": (100, 500, 1000),
    "LangChain alone": (100,),
}
STARTS = {"engine": 800, crowd.AIOHTTP: 600, "ChatHolySheep": 250, "ChatOpenAI": 100}
LENGTHS = [2_000, 20_000, 200_000]


def say(what: str) -> None:
    """Tell how far things are."""
    print(f"… {what}", file=sys.stderr, flush=True)


def ceiling(url: str) -> str:
    """Say how fast the server is, by a bare socket."""
    started = time.perf_counter()
    seen = readers.raw_socket(f"{url}/flood-50000/v1")
    rate = seen / (time.perf_counter() - started)
    return f"The server's own ceiling, read by a bare socket: {rate:,.0f} events a second."


def cold_with_tls(rounds: int) -> dict[str, float]:
    """Measure against a server with a certificate of an authority made for it."""
    import trustme

    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("cert.pem", "key.pem", "ca.pem")]
        certificate = authority.issue_cert("127.0.0.1")
        files[0].write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        files[1].write_bytes(certificate.private_key_pem.bytes())
        files[2].write_bytes(authority.cert_pem.bytes())
        os.environ["SSL_CERT_FILE"] = str(files[2])  # httpx and OpenSSL take it from there
        try:
            with server.running(*map(str, files[:2])) as port:
                return first_token.cold(f"https://127.0.0.1:{port}", rounds)
        finally:
            del os.environ["SSL_CERT_FILE"]


def everything(url: str) -> Findings:
    """Measure all there is."""
    say("imports")
    imported = imports.measure(7)
    # Before anything in this process has made the TLS context that clients share.
    say("first text")
    with_tls = cold_with_tls(15)
    warm, links = first_token.warm(url, 60)
    cold = {"https": with_tls, "http": first_token.cold(url, 15)}
    say("recovery")
    recovered = recovery.measure(url, 30)
    crowds: dict[str, dict[int, crowd.Crowd]] = {name: {} for name in SIZES}
    for name, sizes in SIZES.items():
        for streams in sizes:
            say(f"{streams} streams, {name}")
            measured = crowd.run(name, streams, url)
            if measured is not None:
                crowds[name][streams] = measured
    capacity = {}
    for name, start in STARTS.items():
        say(f"capacity, {name}")
        capacity[name] = crowd.capacity(name, url, start)
    ratios = {}
    for load in cost.loads(quick=False):
        say(load.title)
        ratios[load.title] = cost.ratios(url, load)
    say("growth")
    grown = growth.measure(url, LENGTHS, 1)
    return Findings(ratios, warm, cold, links, crowds, capacity, imported, recovered, grown)


def figures(ratios: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return what is recorded: our readers' ratios."""
    return {
        f"{load}: {name}": ratio
        for load, by_name in ratios.items()
        for name, ratio in by_name.items()
        if "HolySheep" in name or "engine" in name
    }


def main() -> None:
    """Measure, print, record, compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="less than a minute, without peers")
    options.add_argument("--write", type=Path, help="the page to write")
    given = options.parse_args()
    with server.running() as port:
        url = f"http://127.0.0.1:{port}"
        measured_ceiling = ceiling(url)
        if given.quick:
            (load,) = cost.loads(quick=True)
            ratios = {load.title: cost.ratios(url, load)}
            print(page.costs(ratios))
            print(measured_ceiling)
            history.record("quick", figures(ratios))
            return
        found = everything(url)
    reference = f"async: {found.ratios[cost.FLOOD]['async httpx iter_raw']:.2f}"
    text = page.page(found, reference, measured_ceiling)
    print(text)
    if given.write:
        given.write.write_text(text, encoding="utf-8")
        page.draw(found, given.write.with_suffix(".svg"))
    missed = [target.what for target in TARGETS if not target.reached(found)]
    say(f"{len(TARGETS) - len(missed)} of {len(TARGETS)} targets reached; not: {missed}")
    now = figures(found.ratios)
    worse = history.worse(history.last("full"), now)
    if worse:
        sys.exit("Worse by more than a quarter than recorded:\n" + "\n".join(worse))
    history.record("full", now)


if __name__ == "__main__":
    main()
