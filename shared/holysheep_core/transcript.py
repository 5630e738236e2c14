"""What the reader has been given so far, and how to ask for the rest.

The transcript is append-only: text shown can't be taken back, in any framework. At a cut it
says how to go on (the technique) and with which request; the seam then joins the answer.

- *replay*: nothing recognisable was shown yet, so the original request goes out again, and
  its answer must begin with whatever was shown.
- *continuation*: the original messages, the partial as the assistant's, and a user turn that
  asks to go on and to begin by repeating the last words, quoted. No system prompt is added or
  changed, so the model keeps its persona and its language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from holysheep_core.catalog import estimate_tokens
from holysheep_core.config import ResumeConfig
from holysheep_core.seam import Seam, choose_anchor, is_evidence
from holysheep_core.types import ChatRequest
from holysheep_core.wire import asks_for_json

_TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True)
class Question:
    """A request to send, and the seam its answer has to pass."""

    request: ChatRequest
    technique: str
    seam: Seam


class Transcript:
    """The answer as it grows, over all requests of a call."""

    def __init__(self, request: ChatRequest, config: ResumeConfig) -> None:
        self._request = request
        self._config = config
        self._parts: list[str] = []
        self._reasoning: list[str] = []
        self._replay_refused = False
        self.characters = 0

    @property
    def text(self) -> str:
        """All text given to the reader."""
        return "".join(self._parts)

    @property
    def reasoning(self) -> str:
        """All reasoning given to the reader."""
        return "".join(self._reasoning)

    def add_text(self, text: str) -> None:
        """Note text that goes to the reader."""
        self._parts.append(text)
        self.characters += len(text)

    def add_reasoning(self, text: str) -> None:
        """Note reasoning that goes to the reader."""
        self._reasoning.append(text)

    def refuse_replay(self) -> None:
        """A replay answered differently: from now on only ask for continuations."""
        self._replay_refused = True

    def question(self) -> Question:
        """Return what to send next to get the rest of the answer."""
        seen = self.text
        if not seen and not self._reasoning:
            return Question(self._request, "request", Seam(""))
        if not is_evidence(seen) and not (seen and self._replay_refused):
            return Question(self._request, "replay", Seam(seen, replay=True))
        anchor = choose_anchor(seen, self._config.anchor_characters)
        return Question(self._continuation(seen, anchor), "continuation", Seam(seen, anchor=anchor))

    def _continuation(self, seen: str, anchor: str) -> ChatRequest:
        quoted = msgspec.json.encode(anchor).decode()
        turns: list[dict[str, Any]] = [
            {"role": "assistant", "content": seen},
            {"role": "user", "content": self._config.wording.replace("{tail}", quoted)},
        ]
        params = dict(self._request.params)
        for name in _TOKEN_LIMITS:
            if isinstance(params.get(name), int):
                left = max(1, params[name] - estimate_tokens(seen))
                params[name] = left + estimate_tokens(anchor)  # which will be said again
        if asks_for_json(params):
            # Held to JSON, a model can only start over; the whole is parsed strictly at the end.
            del params["response_format"]
        return ChatRequest(self._request.model, [*self._request.messages, *turns], params)
