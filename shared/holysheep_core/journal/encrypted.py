"""Prompts and answers encrypted before they reach a journal's store.

Names of answers, owners, states and times stay readable: without them nothing could be found.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from holysheep_core.errors import ConfigurationError, JournalError
from holysheep_core.journal.backend import JournalStore, StoredAnswer, StoredPiece


class EncryptedStore:
    """Encrypts what goes to another store, with Fernet (AES-128-CBC and HMAC-SHA256).

    Args:
        inner: The store.
        keys: Fernet keys, as `Fernet.generate_key()` makes them. The first one encrypts; the others
            can still be read, so that keys can be changed.

    Raises:
        ConfigurationError: A key is none, or the package `cryptography` is not installed.
    """

    def __init__(self, inner: JournalStore, keys: Sequence[str | bytes]) -> None:
        try:
            from cryptography import fernet  # noqa: PLC0415 - an extra
        except ImportError:
            raise ConfigurationError(
                "journal: encryption needs its library: pip install 'holysheep[crypto]'."
            ) from None
        try:
            self._cipher: Any = fernet.MultiFernet([fernet.Fernet(key) for key in keys])
        except (ValueError, TypeError):  # of the key nothing is said
            raise ConfigurationError(
                "journal: key needs Fernet keys: cryptography.fernet.Fernet.generate_key()."
            ) from None
        self._invalid = fernet.InvalidToken
        self._inner = inner

    def begin(self, call_id: str, owner: str, request: bytes, lease: float) -> bool:
        """Start an answer; False if the name is taken by one that has text, or is open."""
        return self._inner.begin(call_id, owner, self._cipher.encrypt(request), lease)

    def claim(self, call_id: str, owner: str, lease: float, *, stopped: bool = True) -> bool:
        """Take the lease; False if another process has it, or it is stopped and `stopped` unset."""
        return self._inner.claim(call_id, owner, lease, stopped=stopped)

    def append(self, call_id: str, owner: str, piece: StoredPiece | None, lease: float) -> bool:
        """Store a piece, unless it is stored already, and renew the lease.

        Returns:
            False if another process has the lease.
        """
        if piece is not None:
            hidden = (self._hide(each) for each in (piece.text, piece.reasoning))
            piece = StoredPiece(piece.number, *hidden)
        return self._inner.append(call_id, owner, piece, lease)

    def end(self, call_id: str, owner: str, state: str, ending: bytes) -> bool:
        """Store how the answer ended and release the lease; False if another process has it."""
        return self._inner.end(call_id, owner, state, ending and self._cipher.encrypt(ending))

    def stop(self, call_id: str, ending: bytes) -> bool:
        """Take an answer from whoever writes it, for good; False if it is done or not there."""
        return self._inner.stop(call_id, self._cipher.encrypt(ending))

    def stopped(self, call_ids: Collection[str]) -> set[str]:
        """Return those of these answers that are stopped."""
        return self._inner.stopped(call_ids)

    def names(self) -> list[str]:
        """Return the names of all answers, the one written last at the end."""
        return self._inner.names()

    def delete(self, call_id: str) -> None:
        """Delete an answer."""
        self._inner.delete(call_id)

    def blank(self, call_id: str, request: bytes) -> None:
        """Delete the texts of an answer that nobody writes, and replace its request."""
        self._inner.blank(call_id, self._cipher.encrypt(request))

    def size(self, call_id: str) -> int:
        """Return about how many bytes an answer takes; 0 if there is none."""
        return self._inner.size(call_id)

    def read(self, call_id: str, skip: int) -> StoredAnswer | None:
        """Return an answer, its pieces after the first `skip`; None if there is none.

        Raises:
            JournalError: It was written with another key, or with none.
        """
        kept = self._inner.read(call_id, skip)
        if kept is None:
            return None
        try:
            return replace(
                kept,
                request=self._cipher.decrypt(kept.request),
                pieces=[(self._show(text), self._show(said)) for text, said in kept.pieces],
                ending=kept.ending and self._cipher.decrypt(kept.ending),
            )
        except self._invalid:
            raise JournalError(
                f"The answer {call_id!r} was written with another key, or with none."
            ) from None

    def unfinished(self) -> list[str]:
        """Return the names of incomplete answers that no process is writing."""
        return self._inner.unfinished()

    def forget(self, age: float) -> None:
        """Delete answers that were last written more than `age` seconds ago."""
        self._inner.forget(age)

    def held(self) -> AbstractContextManager[None]:
        """Keep this thread's connection open inside the context."""
        return self._inner.held()

    def is_stale(self) -> bool:
        """Tell whether the file was replaced after this thread's connection was opened."""
        return self._inner.is_stale()

    def _hide(self, text: str) -> str:
        hidden: bytes = self._cipher.encrypt(text.encode("utf-8", "surrogatepass")) if text else b""
        return hidden.decode()

    def _show(self, hidden: str) -> str:
        shown: bytes = self._cipher.decrypt(hidden) if hidden else b""
        return shown.decode("utf-8", "surrogatepass")
