"""The interface of a journal's store, and the values it takes and returns."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class StoredAnswer:
    """An answer as far as it is stored.

    Attributes:
        state: "open", "done", "stopped" by a user, or "failed" (with an error, or left by its
            reader).
        request: What was asked, as JSON.
        pieces: Text and reasoning, in order, after the number of pieces that was skipped.
        lease: Seconds until the owner's lease expires; 0 or less: no process has it.
        ending: The completion, or the error's message, as JSON; b"" while the answer is open.
        owner: Who writes it, or wrote it before the lease expired; "" for nobody.
        written: Unix time of the last write, on the store's clock.
    """

    state: str
    request: bytes
    pieces: list[tuple[str, str]]
    lease: float
    ending: bytes = b""
    owner: str = ""
    written: float = 0.0


class StoredPiece(NamedTuple):
    """Text and reasoning that arrived together, and how many pieces came before."""

    number: int
    text: str
    reasoning: str


class JournalStore(Protocol):
    """Where answers are written: SQLite or Redis."""

    def begin(self, call_id: str, owner: str, request: bytes, lease: float) -> bool:
        """Start an answer; False if the name is taken by one that has text, or is open."""

    def claim(self, call_id: str, owner: str, lease: float, *, stopped: bool = True) -> bool:
        """Take the lease; False if another process has it, or it is stopped and `stopped` unset."""

    def append(self, call_id: str, owner: str, piece: StoredPiece | None, lease: float) -> bool:
        """Store a piece, unless it is stored already, and renew the lease.

        Returns:
            False if another process has the lease.
        """

    def end(self, call_id: str, owner: str, state: str, ending: bytes) -> bool:
        """Store how the answer ended and release the lease; False if another process has it."""

    def stop(self, call_id: str, ending: bytes) -> bool:
        """Take an answer from whoever writes it, for good; False if it is done or not there."""

    def stopped(self, call_ids: Collection[str]) -> set[str]:
        """Return those of these answers that are stopped."""

    def names(self) -> list[str]:
        """Return the names of all answers, the one written last at the end."""

    def delete(self, call_id: str) -> None:
        """Delete an answer."""

    def blank(self, call_id: str, request: bytes) -> None:
        """Delete the texts of an answer that nobody writes, and replace its request."""

    def size(self, call_id: str) -> int:
        """Return about how many bytes an answer takes; 0 if there is none."""

    def read(self, call_id: str, skip: int) -> StoredAnswer | None:
        """Return an answer, its pieces after the first `skip`; None if there is none."""

    def unfinished(self) -> list[str]:
        """Return the names of incomplete answers that no process is writing."""

    def forget(self, age: float) -> None:
        """Delete answers that were last written more than `age` seconds ago."""

    def held(self) -> AbstractContextManager[None]:
        """Keep this thread's connection open inside the context."""

    def is_stale(self) -> bool:
        """Tell whether the file was replaced after this thread's connection was opened."""
