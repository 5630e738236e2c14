"""What a `finish_reason` means, in whatever words a server gives it.

The words are those of OpenAI, Anthropic, Gemini, Cohere, Mistral, DeepSeek, Qwen, Bedrock, vLLM,
SGLang, TGI, Ollama and gateways in front of them; case, hyphens and underscores do not count.
"""

from __future__ import annotations

import re
from enum import Enum, auto


class Ending(Enum):
    """How a model's answer ended."""

    NORMAL = auto()
    LIMIT = auto()
    """A token limit ended it."""
    FILTERED = auto()
    """The server withheld the rest."""
    FAILED = auto()
    """It broke off: the rest is missing."""
    UNKNOWN = auto()
    """An unknown word: taken as an end, and reported."""


_NORMAL = """stop stopped stop_sequence stop_token stop_word stop_criteria_met end ended end_turn
    end_of_turn end_of_text end_of_sequence eos eos_token eos_id eos_found complete completed done
    finish finished success succeeded normal natural user_stop tool_calls tool_call tool_use
    tool_calls_required function_call function_calls function_calling pause_turn message_stop ok"""
_LIMIT = """length max_length max_tokens max_token max_output_tokens max_new_tokens
    max_completion_tokens max_total_tokens max_context_length model_length context_length
    model_context_window_exceeded context_length_exceeded context_window_exceeded token_limit
    token_limit_reached output_limit length_limit error_limit truncated incomplete limit"""
_FILTERED = """content_filter content_filtered content_filtering content_policy content_blocked
    filter filtered safety image_safety recitation image_recitation blocklist blocked block
    prohibited_content image_prohibited_content spii language refusal refused guardrail
    guardrails guardrail_intervened moderation moderated sensitive sensitive_content
    data_inspection_failed error_toxic toxic policy_violation risk_control model_armor
    content_filter_violation content_policy_violation"""
_FAILED = """error errored fail failed failure abort aborted cancel canceled cancelled network_error
    timeout timed_out upstream_error upstream_timeout server_error internal_error
    internal_server_error engine_error engine_overloaded overloaded insufficient_system_resource
    disconnect disconnected connection_error connection_closed interrupt interrupted preempted
    preemption evicted killed crash malformed_function_call malformed_response
    unexpected_tool_call missing_thought_signature broken load rate_limit rate_limited
    model_error provider_error backend_error service_error api_error generation_error
    stream_error exception unavailable service_unavailable"""
_NONE = """none null nil undefined unspecified finish_reason_unspecified not_finished in_progress
    running generating continue"""


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())


_TABLE: dict[str, Ending | None] = {
    _plain(word): ending
    for words, ending in (
        (_NORMAL, Ending.NORMAL),
        (_LIMIT, Ending.LIMIT),
        (_FILTERED, Ending.FILTERED),
        (_FAILED, Ending.FAILED),
        (_NONE, None),
    )
    for word in words.split()
}
_CACHE: dict[object, Ending | None] = {None: None, "": None}


def ending_of(reason: object) -> Ending | None:
    """Return what a `finish_reason` means; None if it says that the answer goes on.

    Args:
        reason: The word as the server sent it, or SGLang's object with the word as its type. What
            is no text says nothing.
    """
    if isinstance(reason, dict):
        reason = reason.get("type")
    if not isinstance(reason, str):
        return None
    if reason in _CACHE:
        return _CACHE[reason]
    plain = _plain(reason).removeprefix("finishreason").removeprefix("stopreason")
    ending = _TABLE.get(plain, Ending.UNKNOWN if plain else None)
    if len(_CACHE) < 256:  # noqa: PLR2004 - few words exist; a server may make up many
        _CACHE[reason] = ending
    return ending
