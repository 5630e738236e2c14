"""What a server attached to an assistant's turn, and to which family it may be sent back.

A plugin writes these fields of an answer back into the assistant's message as the server sent
them, and notes under `ORIGIN` which model the turn came from. `ORIGIN` itself is never sent.
"""

from __future__ import annotations

ORIGIN = "holysheep_origin"
"""Field of an assistant's message: the id of the model that wrote it. Removed before sending."""

TURN_FIELDS = (
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "thinking_blocks",
    "extra_content",
    "provider_specific_fields",
)
"""Fields of an assistant's message, besides the protocol's own, that servers demand back."""

CALL_FIELDS = ("extra_content", "provider_specific_fields", "thought_signature")
"""The same of one tool call."""
