"""The completion and the record of a call that has ended."""

from __future__ import annotations

from holysheep_core import events
from holysheep_core.engine.exchange import Exchange
from holysheep_core.engine.ledger import Ledger
from holysheep_core.engine.recovery import Recovery
from holysheep_core.errors import HolySheepError
from holysheep_core.protocol.finish_reasons import Ending
from holysheep_core.resume.transcript import Transcript
from holysheep_core.types import CallRecord, Completion, Part


def completion_of(
    exchange: Exchange, recovery: Recovery, ledger: Ledger, transcript: Transcript, now: float
) -> Completion:
    """Return the completion, after emitting its events."""
    completion = answer_of(exchange, recovery, ledger, transcript)
    decoder = exchange.decoder
    if decoder.ending is Ending.UNKNOWN:
        ledger.emit(events.UnknownFinishReason, now, reason=decoder.redacted_reason)
    ledger.emit(
        events.StreamCompleted,
        now,
        model=completion.model,
        characters=transcript.characters,
        attempts=len(completion.attempts),
        resumes=completion.resumes,
    )
    return completion


def answer_of(
    exchange: Exchange, recovery: Recovery, ledger: Ledger, transcript: Transcript
) -> Completion:
    """Return the completion of an answer that has ended."""
    decoder, calls, route = exchange.decoder, exchange.tool_calls, recovery.route
    return Completion(
        text=transcript.text,
        reasoning=transcript.reasoning,
        tool_calls=calls,
        refusal=decoder.refusal,
        finish_reason=None if exchange.confirms else decoder.finish_reason,
        requested_model=transcript.request.model,
        model=decoder.model or route.model,
        provider=route.provider.name,
        usage=ledger.usage,
        attempts=ledger.attempts,
        resumes=recovery.resumes,
        downgrades=ledger.downgrades,
        waited=ledger.waited,
        id=decoder.id,
        system_fingerprint=decoder.system_fingerprint,
        parts=transcript.parts + _refusal(decoder.refusal),
        call_id=ledger.call_id,
    )


def _refusal(text: str) -> tuple[Part, ...]:
    value = {"type": "refusal", "refusal": text}
    return (Part("refusal", "refusal", value),) if text else ()


def record_of(
    outcome: Completion | HolySheepError | None,
    exchange: Exchange,
    recovery: Recovery,
    ledger: Ledger,
    transcript: Transcript,
    now: float,
) -> CallRecord:
    """Return the record of a call, whatever its end; None as outcome: the reader went away."""
    ended = "closed" if outcome is None else "completed"
    if isinstance(outcome, HolySheepError):
        ended = type(outcome).__name__
    return ledger.record(
        transcript.request,
        ended,
        now,
        model=exchange.decoder.model or recovery.route.model,
        provider=recovery.route.provider.name,
        characters=transcript.characters,
        resumes=recovery.resumes,
        finish_reason=exchange.decoder.finish_reason,
    )
