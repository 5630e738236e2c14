"""Completes the answers whose process died, from a journal that many processes share."""

from __future__ import annotations

import threading

from rich.console import Console

from holysheep_core.client.handler import StreamingRetryHandler
from holysheep_core.errors import JournalError
from holysheep_core.journal.journal import Journal

EVERY = 1.0
"""Seconds between two looks for orphaned answers."""


def work(
    handler: StreamingRetryHandler,
    journal: Journal,
    console: Console,
    stop: threading.Event,
    *,
    detached: bool = True,
) -> None:
    """Complete orphaned answers until `stop` is set.

    Args:
        handler: Generates the rest of them, some at a time.
        journal: Where they are.
        console: Where each is named.
        stop: Ends the loop; answers under way are left to the next worker.
        detached: Only those that were begun with `start`.
    """
    away = False
    while not stop.is_set():
        try:
            for call_id in journal.orphans(detached=detached):
                if stop.is_set():
                    return
                if handler.take_up(call_id):
                    console.print(f"resumed: {call_id}", markup=False)
            away = False
        except JournalError as error:
            if not away:
                console.print(f"{error} It is asked again.", markup=False)
            away = True
        stop.wait(EVERY)
