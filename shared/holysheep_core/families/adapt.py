"""A request as the model that is asked takes it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from holysheep_core.families.messages import (
    adapt_messages,
    lacks_thinking,
    plain_messages,
    with_instruction,
    with_origin,
    without_fields,
)
from holysheep_core.families.parameters import adapt_params, for_fallback, is_thinking, schema_of
from holysheep_core.families.refusals import LIKE, ROLES, Lesson
from holysheep_core.families.roles import alternating
from holysheep_core.families.table import family_of
from holysheep_core.types import ChatRequest

_log = logging.getLogger("holysheep")


def adapted(
    request: ChatRequest,
    model: str,
    *,
    own: Mapping[str, Any] | None = None,
    lessons: Collection[Lesson] = (),
) -> ChatRequest:
    """Return a request as a model takes it. What is changed is logged, once for each model.

    Args:
        request: As the user meant it, for the model it names.
        model: The model that is asked.
        own: Parameters that the user gave for this model, as a fallback.
        lessons: What the route refused before.
    """

    def note(change: str) -> None:
        _log_once(model, change)

    asked = request.model
    params = dict(request.params)
    messages = request.messages
    like = next((each.instead for each in lessons if each.name == LIKE), None)
    if like is not None:
        messages = with_origin(messages, asked, model, like)
        asked, model = (like if asked == model else asked), like
    if model != asked:
        params = {**for_fallback(params, asked, model, note), **(own or {})}
    messages = adapt_messages(messages, model, asked, thinks=is_thinking(params, model))
    lost = family_of(model).name == "claude" and lacks_thinking(messages)
    schema = schema_of(params)
    params = adapt_params(params, model, note, thinking_lost=lost)
    if schema is not None and schema_of(params) is None:
        messages = with_instruction(messages, schema)
    in_messages = frozenset(each.name for each in lessons if each.in_messages)
    if in_messages:
        messages = without_fields(messages, in_messages)
    for lesson in lessons:
        if lesson.name == ROLES:
            messages = alternating(messages)
        elif not lesson.in_messages and lesson.name in params:
            value = params.pop(lesson.name)
            if lesson.instead:
                params.setdefault(lesson.instead, value)
    return replace(request, messages=messages, params=params)


def untouched(request: ChatRequest) -> ChatRequest:
    """Return a request as it is, without notes of our own."""
    return replace(request, messages=plain_messages(request.messages))


def log_lesson(model: str, lesson: Lesson) -> None:
    """Log, once for each model, what a refusal taught."""
    where = " of messages" if lesson.in_messages else ""
    then = f"sent as {lesson.instead}" if lesson.instead else "left out"
    if lesson.name == LIKE:
        _log_once(model, f"it refuses what {lesson.instead} refuses, and is asked like that")
    elif lesson.name == ROLES:
        _log_once(model, "messages of one role in a row were refused, and are sent as one")
    else:
        _log_once(model, f"{lesson.name}{where} was refused, and is {then} from now on")


@lru_cache(maxsize=512)
def _log_once(model: str, change: str) -> None:
    _log.warning("Adapted for %s: %s. adapt=False sends requests as they are.", model, change)
