"""What is known of one answer of a journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from holysheep_core.journal.backend import StoredAnswer
from holysheep_core.types import ChatRequest

State = Literal["running", "done", "failed", "stopped", "orphaned"]


@dataclass(frozen=True)
class AnswerStatus:
    """Who writes an answer, or how it ended.

    Attributes:
        call_id: Its name.
        state: "running": a process writes it. "done": it is whole. "failed": it ended with an
            error, or its reader left. "stopped": a user stopped it. "orphaned": its process died;
            `resume` or a worker takes it up.
        model: The model that was asked for.
        owner: Host and process id of who writes it, or wrote it last; "" if that is over.
        since: Unix time of the last write.
        error: Why it failed; "" if its reader left, or it did not fail.
        detached: It was begun with `start`, so no reader is needed.
    """

    call_id: str
    state: State
    model: str
    owner: str
    since: float
    error: str
    detached: bool

    @classmethod
    def of(cls, call_id: str, kept: StoredAnswer) -> AnswerStatus:
        """Read it from what is stored."""
        request = msgspec.json.decode(kept.request, type=ChatRequest)
        states: dict[str, State] = {"done": "done", "failed": "failed", "stopped": "stopped"}
        writing: State = "running" if kept.lease > 0 else "orphaned"
        error = msgspec.json.decode(kept.ending) if kept.state == "failed" and kept.ending else ""
        return cls(
            call_id=call_id,
            state=states.get(kept.state, writing),
            model=request.model,
            owner=":".join(kept.owner.split(":")[:2]),
            since=kept.written,
            error=error,
            detached=request.detached,
        )
