"""The cells: what the reader saw, judged by a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Call = tuple[str, dict[str, Any]]


@dataclass
class Seen:
    """What a reader was given until the end, whichever it was.

    Attributes:
        text: The text shown, joined.
        calls: The tool calls handed over (in an agent: run), in their order.
        error: The exception that reached the reader.
        hung: Nothing came to an end within the limit.
    """

    text: str = ""
    calls: list[Call] = field(default_factory=list)
    error: BaseException | None = None
    hung: bool = False


@dataclass(frozen=True)
class Verdict:
    """A cell.

    Attributes:
        kind: "whole" (all of it, once), "error" (a part, and an exception that says so),
            "wrong" (half, doubled or foreign, passed off as the answer), "hangs".
        words: What the reader saw.
        requests: How many requests the server got.
    """

    kind: str
    words: str
    requests: int

    def __str__(self) -> str:
        words = f"**{self.words}**" if self.kind in ("wrong", "hangs") else self.words
        return f"{words} · {self.requests}"


def judge(seen: Seen, text: str, calls: Sequence[Call], requests: int) -> Verdict:
    """Compare what was seen with what the model says when nothing goes wrong.

    Args:
        seen: What the reader was given.
        text: All of the text.
        calls: All of the tool calls.
        requests: How many requests were sent for it.
    """
    kind, words = _judged(seen, text, calls)
    return Verdict(kind, words, requests)


def _judged(seen: Seen, text: str, calls: Sequence[Call]) -> tuple[str, str]:
    half_run = [call for call in seen.calls if call not in calls]
    share = f"{100 * len(seen.text) // len(text)} %"
    if half_run:
        [(name, arguments), *_] = half_run
        given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        verdict = "wrong", f"runs `{name}({given})`"
    elif len(seen.calls) > len(calls):
        verdict = "wrong", "runs a tool twice"
    elif not text.startswith(seen.text):
        doubled = _doubled(seen.text, text)
        verdict = "wrong", "doubled" if doubled else "text that is not the answer"
    elif seen.hung:
        verdict = "hangs", f"{share}, hangs"
    elif seen.error is not None:
        verdict = "error", f"{share}, `{type(seen.error).__name__}`"
    elif seen.text != text:
        verdict = "wrong", f"{share}, silently"
    elif seen.calls != list(calls):
        lost = len(calls) - len(seen.calls)
        verdict = "wrong", f"{lost} of {len(calls)} tool calls lost silently"
    else:
        verdict = "whole", "whole"
    return verdict


def _doubled(seen: str, text: str) -> bool:
    """Tell whether the answer's beginning comes twice."""
    head = text[: min(12, len(text))]
    return seen.count(head) > text.count(head)
