"""One request and its response: what is decoded, joined to what the reader has.

Here the pieces of a response pass the stitcher and enter the transcript. At the end it is decided
whether a response that HTTP and the protocol call complete may be handed over: its tool calls are
whole, its JSON is valid, and it is the same answer that was begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from holysheep_core import events
from holysheep_core.engine.clocks import Clocks
from holysheep_core.engine.ledger import Ledger
from holysheep_core.engine.pace import Pace
from holysheep_core.errors import (
    APIConnectionError,
    EmptyAnswerError,
    HolySheepError,
    IncompleteToolCallError,
    InvalidJSONOutputError,
    InvalidToolCallError,
    StreamCutError,
    StreamInterruptedError,
    TokenLimitError,
    caused,
)
from holysheep_core.families.table import is_same
from holysheep_core.protocol.finish_reasons import Ending
from holysheep_core.protocol.parts import joined_parts, without_reasoning
from holysheep_core.protocol.response import ResponseDecoder, TextPiece
from holysheep_core.protocol.wire import asks_for_json, is_json
from holysheep_core.resume.stitcher import NOTHING_NEW, Stitcher
from holysheep_core.resume.transcript import NextRequest, Transcript
from holysheep_core.types import Delta, ToolCall

_REJECTED = {
    "unproven": "Asked for the rest, the model did not repeat the last words, so it is not known "
    "where its answer goes on; it was not appended.",
    NOTHING_NEW: "Asked for the rest, the model only repeated what it had written, which is "
    "not a whole answer.",
    "different": "Asked for the rest, the model gave a different answer; it was not appended.",
}

_SHOWN = 2_000
"""Characters of a call's arguments that an error's message shows."""


class Exchange:
    """A request that was sent and the answer as it arrives.

    Args:
        next_request: What was asked, and how its answer joins the text so far.
        decoder: Decodes the response.
        transcript: What the reader has.
        ledger: Records the attempt.
        text_is_whole: The text so far lacks nothing: see the property of this name.
        pace: Measures how fast the text comes, if that is asked for.

    Attributes:
        pace: The same.
        decoder: The response, decoded.
        tool_calls: Whole tool calls, once the answer has ended well.
        rejected: Why the response cannot be joined to the text before it; "" if it can.
    """

    def __init__(
        self,
        next_request: NextRequest,
        decoder: ResponseDecoder,
        transcript: Transcript,
        ledger: Ledger,
        *,
        text_is_whole: bool = False,
        pace: Pace | None = None,
    ) -> None:
        self.pace = pace
        self.next_request = next_request
        self.decoder = decoder
        self._transcript = transcript
        self._ledger = ledger
        self._text_was_whole = text_is_whole
        self._shown: list[str] = []
        self._begun = False
        self._joined = False
        self._reasoning_shown = transcript.reasoning if next_request.technique == "replay" else ""
        self._reasoning_at: int | None = 0  # how far a replay has come in it; None: it differs
        self.tool_calls: tuple[ToolCall, ...] = ()
        self.rejected = ""

    @property
    def shown(self) -> str:
        """The text this answer has given the reader."""
        return "".join(self._shown)

    def take(self, pieces: list[TextPiece], now: float) -> list[Delta]:
        """Join pieces of the answer to the transcript; return what is new for the reader."""
        if pieces and not self._begun:
            self._begun = True
            self._ledger.first_token(now)
        deltas: list[Delta] = []
        stitcher = self.next_request.stitcher
        for said, thought in pieces:
            text = said if stitcher.transparent or not said else self._join(said, now)
            reasoning = thought and self._new_reasoning(thought)
            if text:
                self._shown.append(text)
                self._transcript.add_text(text)
            if text or reasoning:
                deltas.append(Delta(text, reasoning))
        return deltas

    def take_second_answer(self, now: float) -> list[Delta]:
        """Another answer begins in the same stream: it is joined as a replay of what was shown."""
        seen = self._transcript.text
        self.next_request = replace(
            self.next_request, technique="replay", stitcher=Stitcher(seen, replay=True)
        )
        self._reasoning_shown, self._reasoning_at = self._transcript.reasoning, 0
        return self.take(self.decoder.receive_second_answer(), now)

    def finish(self, params: Mapping[str, Any]) -> tuple[list[Delta], HolySheepError | None]:
        """The answer ended well: release what was held, and check whether it may be handed over.

        Args:
            params: The original request's parameters.

        Returns:
            What is new for the reader, and the error that forbids to call this a success.
        """
        decoder = self.decoder
        limited = decoder.ending is Ending.LIMIT
        ended = decoder.ending in (Ending.NORMAL, Ending.UNKNOWN)
        deltas = self.release(limited=limited)
        broken: tuple[ToolCall, ...] = ()
        if decoder.tools is not None:
            self.tool_calls, broken = decoder.tools.finish(limited=limited, ended=ended)
            only_calls = self._text_was_whole and (self.tool_calls or broken)
            if only_calls and self.rejected == NOTHING_NEW:
                self.rejected = ""
        return deltas, self.difference() or self._flaw(params, broken, limited=limited, ended=ended)

    @property
    def text_is_whole(self) -> bool:
        """Tell whether the text lacks nothing: the model has gone on from it to its tool calls."""
        if self.decoder.tools is not None:
            return self._text_was_whole or not self.next_request.stitcher.holds_text
        return self._text_was_whole and not self._shown

    @property
    def confirms(self) -> bool:
        """Asked what is missing after `[DONE]` without a reason, the model added nothing."""
        return self.next_request.doubtful and not self._shown

    def release(self, *, limited: bool) -> list[Delta]:
        """The response ended: let through what was held back and is not a repetition."""
        stitcher = self.next_request.stitcher
        if stitcher.transparent:
            return []
        text = stitcher.close(limited=limited, brings_more=self._brings_more())
        self.rejected = stitcher.rejected
        if not text:
            return []
        self._shown.append(text)
        self._transcript.add_text(text)
        return [Delta(text)]

    def _brings_more(self) -> bool:
        """Tell whether the response has something beside text."""
        return self.decoder.tools is not None or bool(self.decoder.refusal)

    def end(self, outcome: str, now: float) -> None:
        """Record that the attempt is over, and keep the parts that came."""
        new = () if self.decoder.parts is None else self.decoder.parts.finish()
        running = self._ledger.running
        model = "" if running is None else running.model
        before = self._transcript.model
        if before not in ("", model) and not is_same(model, before):
            self._transcript.parts = without_reasoning(self._transcript.parts)
        self._transcript.model = model
        if self.next_request.technique not in ("continuation", "prefill"):
            self._transcript.parts = new
        elif not self.rejected:
            self._transcript.parts = joined_parts(self._transcript.parts, new)
        request = self.next_request.request
        self._ledger.end(self.decoder, request, self.shown, outcome, now)

    def lateness(self, clocks: Clocks, now: float) -> HolySheepError | None:
        """Return the error for a deadline that passed, unless what came is whole."""
        decoder = self.decoder
        if decoder.settled:
            return decoder.failure()
        return clocks.lateness(now, has_content=decoder.has_content)

    def broken(self, error: HolySheepError) -> HolySheepError | None:
        """Return the error for a connection that broke, unless what came is whole."""
        decoder = self.decoder
        if decoder.settled:
            return decoder.failure()
        if isinstance(error, StreamCutError) and not decoder.has_content:
            said = f"No content, then the connection broke: {error}"
            return caused(APIConnectionError(said), error)
        return error

    def difference(self) -> HolySheepError | None:
        """Return the error for a response that cannot be joined, if it is one."""
        return StreamInterruptedError(_REJECTED[self.rejected]) if self.rejected else None

    def _join(self, text: str, now: float) -> str:
        stitcher = self.next_request.stitcher
        joined = stitcher.feed(text)
        self.rejected = stitcher.rejected
        if joined and not self._joined:
            self._joined = True
            self._ledger.emit(
                events.Resumed,
                now,
                attempt=self._ledger.number,
                characters=self._transcript.characters,
                removed=stitcher.removed,
            )
        return joined

    def _new_reasoning(self, text: str) -> str:
        # Reasoning is shown once: a replay's only beyond what was shown, and only if it is the
        # same; a continuation's never, being thoughts about how to continue.
        if self.next_request.technique in ("continuation", "prefill"):
            return ""
        if self.next_request.technique == "replay":
            text = self._beyond_what_was_shown(text)
        if text:
            self._transcript.add_reasoning(text)
        return text

    def _beyond_what_was_shown(self, text: str) -> str:
        if self._reasoning_at is None:
            return ""
        start = self._reasoning_at
        ahead = self._reasoning_shown[start : start + len(text)]
        self._reasoning_at = start + len(text) if text.startswith(ahead) else None
        return text[len(ahead) :] if self._reasoning_at is not None else ""

    def _is_empty(self, params: Mapping[str, Any]) -> bool:
        """Tell whether a model ended normally and said nothing, with no cause for that.

        A stop sequence is one, and so is a turn after tool results, which models end silently.
        """
        decoder, messages = self.decoder, self._transcript.request.messages
        caused = params.get("stop") or (messages and messages[-1].get("role") == "tool")
        unasked = decoder.ending in (Ending.NORMAL, Ending.UNKNOWN) and not caused
        said = self._transcript.characters or decoder.tools is not None or decoder.refusal
        shown = decoder.parts is not None and bool(decoder.parts.finish())
        return unasked and not said and not shown

    def _flaw(
        self,
        params: Mapping[str, Any],
        broken: tuple[ToolCall, ...],
        *,
        limited: bool,
        ended: bool,
    ) -> HolySheepError | None:
        decoder = self.decoder
        if self._is_empty(params):
            return EmptyAnswerError("The answer is empty: no text, no tool call, no refusal.")
        flaw = decoder.tools and self._flaw_of_calls(broken, limited=limited, ended=ended)
        if flaw:
            return flaw
        if "response_format" not in params or not asks_for_json(params):
            return None
        excused = self.tool_calls or decoder.refusal or decoder.ending is Ending.FILTERED
        if not excused and not is_json(self._transcript.text):
            return InvalidJSONOutputError(
                "JSON output was asked for, but the answer does not parse"
                + (": the token limit cut it. Raise max_tokens." if limited else ".")
            )
        return None

    def _flaw_of_calls(
        self, broken: tuple[ToolCall, ...], *, limited: bool, ended: bool
    ) -> HolySheepError | None:
        if broken and limited:
            return TokenLimitError(
                f"The token limit cut the call of tool {broken[0].name!r}. Raise max_tokens."
            )
        if broken and ended:
            return InvalidToolCallError(
                f"The model ended its call of tool {broken[0].name!r} with arguments that are no "
                f"JSON object: {broken[0].arguments[:_SHOWN]!r}.",
                invalid_tool_calls=broken,
            )
        if broken:
            return IncompleteToolCallError(
                f"The call of tool {broken[0].name!r} ended before its arguments were JSON."
            )
        if not (self.tool_calls or self._transcript.text or self.decoder.refusal):
            return IncompleteToolCallError("The answer has tool calls without a name, no more.")
        return None
