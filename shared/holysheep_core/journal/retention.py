"""What a journal deletes by itself: old answers, the oldest of too many, texts that were read."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import msgspec

from holysheep_core.journal.backend import JournalStore
from holysheep_core.types import ChatRequest

AFTER_THE_END = 5.0
"""Seconds for which the text of an answer stays, so that its readers get the last of it."""


@dataclass(frozen=True)
class Retention:
    """How long what is kept.

    Attributes:
        seconds: An answer is deleted so long after its last write.
        max_bytes: The answers written longest ago are deleted while all take more; None for no
            limit. About: SQLite's file keeps the room and uses it again.
        contents: Prompts and texts are kept as long as their answer. False: until it has ended.
    """

    seconds: float
    max_bytes: int | None
    contents: bool

    def apply(self, store: JournalStore) -> None:
        """Delete what is not to be kept; answers that are being written stay.

        Raises:
            JournalError: The store does not answer.
        """
        store.forget(self.seconds)
        if not self.contents:
            _blank(store)
        if self.max_bytes is not None:
            _shrink(store, self.max_bytes)


def _blank(store: JournalStore) -> None:
    ended = time.time() - AFTER_THE_END
    for name in store.names():
        kept = store.read(name, sys.maxsize)
        if kept is None or kept.lease > 0 or kept.state == "open" or kept.written > ended:
            continue
        request = msgspec.json.decode(kept.request, type=ChatRequest)
        if request.messages:
            without = ChatRequest(request.model, (), call_id=name, detached=request.detached)
            store.blank(name, msgspec.json.encode(without))


def _shrink(store: JournalStore, most: int) -> None:
    sizes = {name: store.size(name) for name in store.names()}
    total = sum(sizes.values())
    for name, size in sizes.items():  # the one written last at the end
        if total <= most:
            return
        kept = store.read(name, sys.maxsize)
        if kept is not None and kept.lease <= 0:
            store.delete(name)
            total -= size
