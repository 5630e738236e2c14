"""What a journal's store has to do, and what it is told and tells."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class StoredAnswer:
    """What is written of an answer.

    Attributes:
        state: "open", "done", or "failed" (with an error, or left by its reader).
        request: What was asked, as JSON.
        pieces: Text and reasoning, in order, from the place that was asked for on.
        lease: Seconds its owner may still write; 0 or less: nobody may.
        ending: The completion, or the error's sentence, as JSON; b"" while it is open.
    """

    state: str
    request: bytes
    pieces: list[tuple[str, str]]
    lease: float
    ending: bytes = b""


class StoredPiece(NamedTuple):
    """What came in a while, and how many such pieces came before it."""

    number: int
    text: str
    reasoning: str


class JournalStore(Protocol):
    """Where answers are written: SQLite or Redis."""

    def begin(self, call_id: str, owner: str, request: bytes, lease: float) -> bool:
        """Begin an answer; False if there is one of that name of which something is written."""

    def claim(self, call_id: str, owner: str, lease: float) -> bool:
        """Take the lease; False if another has it."""

    def append(self, call_id: str, owner: str, piece: StoredPiece | None, lease: float) -> bool:
        """Write a piece, if it is not written already, and renew the lease.

        Returns:
            False if another has the lease.
        """

    def end(self, call_id: str, owner: str, state: str, ending: bytes) -> bool:
        """Write how it ended, and give the lease back; False if another has it."""

    def read(self, call_id: str, skip: int) -> StoredAnswer | None:
        """Return an answer, its pieces after the first `skip`; None if there is none."""

    def unfinished(self) -> list[str]:
        """Return the names of answers that are not done and that nobody is writing."""

    def forget(self, age: float) -> None:
        """Delete answers that were last written so many seconds ago."""

    def held(self) -> AbstractContextManager[None]:
        """Keep the connection of this thread open for a while."""

    def is_stale(self) -> bool:
        """Tell whether that connection is to another file than the one of that name now."""
