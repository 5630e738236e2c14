"""What the reader has been given so far, and the request for the rest.

The transcript is append-only: text shown can't be taken back, in any framework. At a cut it
says how to resume (the technique) and with which request; the stitcher then joins the response.

- *replay*: too little was shown for a continuation to be recognised as one, so the original
  request goes out again, and its answer must begin with whatever was shown.
- *prefill*: the partial ends the conversation as the assistant's own message, and the model
  continues it; only for models that do.
- *continuation*: the original messages, the partial as the assistant's, and a user turn that
  asks for the rest, to begin by repeating the last words; or all of that in the last user turn.
  No system prompt is added or changed, so the model keeps its persona and its language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holysheep_core.config.resume import (
    FIRST_EN,
    LINE_EN,
    SECOND_EN,
    SENTINEL,
    ResumeConfig,
)
from holysheep_core.families.parameters import REASONING_ROOM
from holysheep_core.families.turns import ORIGIN, TURN_FIELDS
from holysheep_core.protocol.wire import asks_for_json
from holysheep_core.resume.proof import is_evidence
from holysheep_core.resume.seen import MAX_ANCHOR, choose_anchor, is_provable
from holysheep_core.resume.stitcher import NOTHING_NEW, Stitcher
from holysheep_core.tokens import estimate_tokens
from holysheep_core.types import ChatRequest, Part

_TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")
_ROOM = 32
"""Tokens for what a model says before it goes on."""
_SURE = 0.7
"""How much of an estimate of tokens has certainly come."""


@dataclass(frozen=True)
class NextRequest:
    """A request to send, the stitcher of its response, and the words it is to begin with.

    Attributes:
        doubtful: The answer may be whole already: a response that adds nothing confirms it.
    """

    request: ChatRequest
    technique: str
    stitcher: Stitcher
    anchor: str = ""
    doubtful: bool = False


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
        model: The model that wrote the last of it.
        parts: What came beside text and tool calls.
        doubtful: What came ended with `[DONE]` without a reason, so it may be whole.
    """

    def __init__(
        self, request: ChatRequest, config: ResumeConfig, text: str = "", reasoning: str = ""
    ) -> None:
        self.request = request
        self._config = config
        self._parts = [text] if text else []
        self._reasoning = [reasoning] if reasoning else []
        self._rejected = 0
        self._contradicted = False
        self._refused = 0
        self._thinks = False
        self.model = ""
        self.parts: tuple[Part, ...] = ()
        self.doubtful = False
        self.characters = len(text)

    @property
    def is_empty(self) -> bool:
        """The reader has nothing yet."""
        return not (self._parts or self._reasoning)

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

    def rejected(self, reason: str) -> None:
        """A response could not be joined: the next request asks in other words."""
        self._rejected += 1
        self._contradicted = self._contradicted or reason != NOTHING_NEW

    def refused(self) -> bool:
        """A server refused a request for the rest; tell whether there is another form of it."""
        self._refused += 1
        return self._refused == 1

    def next_request(
        self,
        *,
        prefill: bool = False,
        prefix_flag: bool = False,
        continue_flag: bool = False,
        thinks: bool = False,
    ) -> NextRequest:
        """Return what to send next to get the rest of the answer.

        Args:
            prefill: The route takes a prefill.
            prefix_flag: And wants it marked with `prefix`.
            continue_flag: And wants the field `continue_final_message`.
            thinks: The model thinks before it answers, within the limit of tokens.
        """
        seen, self._thinks = self.text, thinks
        if not seen and not self._reasoning:
            return NextRequest(self.request, "request", Stitcher(""))
        if prefill and is_evidence(seen) and not self._rejected:
            return self._prefill(seen, prefix_flag=prefix_flag, continue_flag=continue_flag)
        if not is_provable(seen) and not (seen and self._rejected):
            return NextRequest(
                self.request, "replay", Stitcher(seen, replay=True), doubtful=self.doubtful
            )
        anchor = choose_anchor(seen, self._config.anchor_characters)
        wording = self._wording()
        stitcher = Stitcher(
            seen,
            anchor=anchor,
            asked=wording,
            sentinel=SENTINEL if SENTINEL in wording else "",
            last=bool(self._rejected),
            contradicted=self._contradicted,
            doubtful=self.doubtful,
            append_unproven=bool(self._rejected) and self._config.unproven == "append",
        )
        request = self._continuation(seen, anchor, wording)
        return NextRequest(request, "continuation", stitcher, anchor, self.doubtful)

    def _prefill(self, seen: str, *, prefix_flag: bool, continue_flag: bool) -> NextRequest:
        # Some providers reject white space at the end of a prefill; the stitcher sees to it
        # that what the reader has of it does not come twice.
        *before, turn = self._with_partial(seen.rstrip())
        if prefix_flag:
            turn = {**turn, "prefix": True}
        params = self._params_after(seen)
        if continue_flag:
            params |= {"continue_final_message": True, "add_generation_prompt": False}
        request = ChatRequest(self.request.model, [*before, turn], params)
        stitcher = Stitcher(seen, prefilled=True, doubtful=self.doubtful)
        return NextRequest(request, "prefill", stitcher, doubtful=self.doubtful)

    def _params_after(self, seen: str, again: str = "") -> dict[str, Any]:
        """Return the parameters for the rest; `again` is what will be said once more."""
        params = dict(self.request.params)
        for name in _TOKEN_LIMITS:
            limit = params.get(name)
            # Resuming beyond the limit, every request has all of it.
            if isinstance(limit, int) and not self._config.continue_on_length:
                # An estimate may be too high; a rest that is cut short would be worse.
                estimate = estimate_tokens(seen)
                came = max(min(estimate, len(self._parts)), int(_SURE * estimate))
                left = max(1, limit - came)
                if self._thinks:
                    left = max(left, min(limit, REASONING_ROOM))
                params[name] = left + (estimate_tokens(again) + _ROOM if again else 0)
        if asks_for_json(params):
            # Held to JSON, a model can only start over; the whole is parsed strictly at the end.
            del params["response_format"]
        return params

    def _wording(self) -> str:
        """Return the user turn of the next request for the rest, with its placeholders."""
        config, last = self._config, self.request.messages[-1]
        wording = config.second_wording if self._rejected else config.wording
        quotable = last.get("role") == "user" and isinstance(last.get("content"), (str, list))
        if self._refused and quotable and "{seen}" not in wording:
            return SECOND_EN  # the partial quoted: no assistant's turn that could be refused
        if "{seen}" in wording and not quotable:
            return LINE_EN if self._rejected else FIRST_EN
        return wording

    def _continuation(self, seen: str, anchor: str, wording: str) -> ChatRequest:
        *before, last = self.request.messages
        line = seen.rpartition("\n")[2]
        quoted = {
            "{seen}": seen,
            "{tail}": anchor.strip(),
            "{line}": line if len(anchor) < len(line) <= MAX_ANCHOR else anchor.strip(),
        }
        turn = re.sub("|".join(map(re.escape, quoted)), lambda found: quoted[found[0]], wording)
        if "{seen}" in wording:
            messages = [*before, {**last, "content": _appended(last["content"], turn)}]
        else:
            messages = [*self._with_partial(seen), {"role": "user", "content": turn}]
        params = self._params_after(seen, anchor)
        return ChatRequest(self.request.model, messages, params)

    def _with_partial(self, seen: str) -> list[Mapping[str, Any]]:
        """Return the messages with the partial as the assistant's turn at the end."""
        *before, last = self.request.messages
        turn: dict[str, Any] = {"role": "assistant", "content": seen, **self._turn_fields()}
        if self.model:
            turn[ORIGIN] = self.model
        given = last.get("content")
        if last.get("role") != "assistant" or last.get("tool_calls") or not isinstance(given, str):
            return [*before, last, turn]
        return [*before, {**last, **turn, "content": given + seen}]  # it began with a prefill

    def _turn_fields(self) -> dict[str, Any]:
        """Return what the server attached to the partial, which its family may demand back."""
        fields: dict[str, Any] = {}
        for part in self.parts:
            if part.field == "extra_content":
                fields["extra_content"] = part.value
            elif part.field in TURN_FIELDS:
                fields.setdefault(part.field, []).append(part.value)
        if self._reasoning:
            fields["reasoning_content"] = self.reasoning
        return fields


def _appended(content: str | list[Any], turn: str) -> str | list[Any]:
    """Return a user message's content with one more paragraph."""
    if isinstance(content, str):
        return f"{content}\n\n{turn}"
    return [*content, {"type": "text", "text": turn}]
