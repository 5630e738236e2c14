"""What the reader has been given so far, and the request for the rest.

The transcript is append-only: text shown can't be taken back, in any framework. At a cut it
says how to resume (the technique) and with which request; the stitcher then joins the response.

- *replay*: too little was shown for a continuation to be recognised as one, so the original
  request goes out again, and its answer must begin with whatever was shown.
- *prefill*: the partial ends the conversation as the assistant's own message, and the model
  continues it; only for models that do.
- *continuation*: the original messages, the partial as the assistant's, and a user turn that
  asks for the rest, to begin by repeating the last words, quoted. No system prompt is added or
  changed, so the model keeps its persona and its language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from holysheep_core.config.resume import ResumeConfig
from holysheep_core.protocol.wire import asks_for_json
from holysheep_core.resume.overlap import is_evidence
from holysheep_core.resume.stitcher import Stitcher, choose_anchor, is_provable
from holysheep_core.tokens import estimate_tokens
from holysheep_core.types import ChatRequest

_TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True)
class NextRequest:
    """A request to send, the stitcher of its response, and the words it is to begin with."""

    request: ChatRequest
    technique: str
    stitcher: Stitcher
    anchor: str = ""


class Transcript:
    """The answer as it grows, over all requests of a call.

    Args:
        request: What was asked.
        config: How a cut answer is resumed.
        text: What the reader has already, from an earlier process.
        reasoning: The same of reasoning.

    Attributes:
        request: What was asked.
        characters: How many characters of text the reader has.
    """

    def __init__(
        self, request: ChatRequest, config: ResumeConfig, text: str = "", reasoning: str = ""
    ) -> None:
        self.request = request
        self._config = config
        self._parts = [text] if text else []
        self._reasoning = [reasoning] if reasoning else []
        self._differed = False
        self.characters = len(text)

    @property
    def text(self) -> str:
        """All text given to the reader."""
        return "".join(self._parts)

    @property
    def reasoning(self) -> str:
        """All reasoning given to the reader."""
        return "".join(self._reasoning)

    def pieces_since(self, texts: int, reasonings: int) -> tuple[list[str], list[str]]:
        """Return the pieces of text and of reasoning after so many of each."""
        return self._parts[texts:], self._reasoning[reasonings:]

    def add_text(self, text: str) -> None:
        """Note text that goes to the reader."""
        self._parts.append(text)
        self.characters += len(text)

    def add_reasoning(self, text: str) -> None:
        """Note reasoning that goes to the reader."""
        self._reasoning.append(text)

    def differed(self) -> None:
        """The model answered something else: ask no more for replays, and ask more firmly."""
        self._differed = True

    def next_request(self, *, prefill: bool = False, prefix_flag: bool = False) -> NextRequest:
        """Return what to send next to get the rest of the answer.

        Args:
            prefill: The route takes a prefill.
            prefix_flag: And wants it marked.
        """
        seen = self.text
        if not seen and not self._reasoning:
            return NextRequest(self.request, "request", Stitcher(""))
        if prefill and is_evidence(seen) and not self._differed:
            return self._prefill(seen, prefix_flag=prefix_flag)
        if not is_provable(seen) and not (seen and self._differed):
            return NextRequest(self.request, "replay", Stitcher(seen, replay=True))
        anchor = choose_anchor(seen, self._config.anchor_characters)
        stitcher = Stitcher(seen, anchor=anchor, max_held=self._config.max_held)
        return NextRequest(self._continuation(seen, anchor), "continuation", stitcher, anchor)

    def _prefill(self, seen: str, *, prefix_flag: bool) -> NextRequest:
        # Some providers reject white space at the end of a prefill; the stitcher sees to it
        # that what the reader has of it does not come twice.
        turn: dict[str, Any] = {"role": "assistant", "content": seen.rstrip()}
        if prefix_flag:
            turn["prefix"] = True
        request = ChatRequest(
            self.request.model, [*self.request.messages, turn], self._params_after(seen)
        )
        stitcher = Stitcher(seen, prefilled=True, max_held=self._config.max_held)
        return NextRequest(request, "prefill", stitcher)

    def _params_after(self, seen: str, again: str = "") -> dict[str, Any]:
        """Return the parameters for what is left; `again` is what will be said once more."""
        params = dict(self.request.params)
        for name in _TOKEN_LIMITS:
            # Resuming beyond the limit, every request has all of it.
            if isinstance(params.get(name), int) and not self._config.continue_on_length:
                left = max(1, params[name] - estimate_tokens(seen))
                params[name] = left + estimate_tokens(again)
        if asks_for_json(params):
            # Held to JSON, a model can only start over; the whole is parsed strictly at the end.
            del params["response_format"]
        return params

    def _continuation(self, seen: str, anchor: str) -> ChatRequest:
        quoted = msgspec.json.encode(anchor).decode()
        wording = self._config.firmer_wording if self._differed else self._config.wording
        turns: list[dict[str, Any]] = [
            {"role": "assistant", "content": seen},
            {"role": "user", "content": wording.replace("{tail}", quoted)},
        ]
        params = self._params_after(seen, anchor)
        return ChatRequest(self.request.model, [*self.request.messages, *turns], params)
