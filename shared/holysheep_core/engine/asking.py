"""How a route is asked: by which technique, within which limits, and after which refusals."""

from __future__ import annotations

from holysheep_core.engine.exchange import Exchange
from holysheep_core.engine.outgoing import for_route, sent_fields
from holysheep_core.engine.settings import Settings
from holysheep_core.errors import BadRequestError
from holysheep_core.families.adapt import log_lesson
from holysheep_core.families.parameters import is_thinking
from holysheep_core.families.refusals import lesson_of
from holysheep_core.families.table import family_of, takes_prefill
from holysheep_core.resume.transcript import NextRequest, Transcript
from holysheep_core.routing.providers import Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.tokens import prompt_tokens
from holysheep_core.types import ChatRequest

AFTER_A_STALL = 0.3
"""Share of `stall_with_fallback` that a route which has stalled gets when asked for the rest."""
TOKENS_READ = 10_000
"""Tokens of a prompt that a slow model reads in a second."""


def request_for_rest(
    transcript: Transcript, route: Route, settings: Settings, states: RouteStates
) -> NextRequest:
    """Return the request for the rest of an answer, in the form that its route takes."""
    provider, prefill = route.provider, settings.resume.prefill
    thinks = is_thinking(transcript.request.params, route.model)
    if prefill is None:
        known = settings.catalog.card(route.model).prefill or takes_prefill(route.model)
        prefill = provider.prefix_flag or provider.continue_final_message or known
        prefill = prefill and not (thinks and family_of(route.model).name == "claude")
    return transcript.next_request(
        prefill=prefill and not states.rejects_prefill(route),
        prefix_flag=provider.prefix_flag,
        continue_flag=provider.continue_final_message,
        thinks=thinks,
    )


def limits_with_fallback(
    request: ChatRequest, route: Route, settings: Settings, *, stalled: bool
) -> tuple[float | None, float | None]:
    """Return the limits of the first token and of a stall while another route is left, in seconds.

    None: the limit of the settings.

    Args:
        request: What the user asked.
        route: Who is asked now.
        settings: The client's.
        stalled: This route has stalled, and is asked for the rest.
    """
    if is_thinking(request.params, route.model):
        return None, None
    first_token, stall = (
        settings.timeouts.first_token_with_fallback,
        settings.timeouts.stall_with_fallback,
    )
    if stalled and stall is not None:
        return AFTER_A_STALL * stall, AFTER_A_STALL * stall
    if first_token is not None:
        first_token += prompt_tokens(request) / TOKENS_READ
    tools = request.params.get("tools")
    return first_token, None if tools else stall


def learns_from(
    failure: BadRequestError,
    exchange: Exchange,
    transcript: Transcript,
    route: Route,
    settings: Settings,
    states: RouteStates,
) -> bool:
    """Tell whether a refusal shows how to ask the route in another way; if so, remember it."""
    asked = exchange.next_request
    if settings.adapt and not exchange.decoder.has_content:
        request = for_route(asked.request, route, settings, states.lessons(route))
        fields = sent_fields(request, settings)
        raw = failure.body or ""
        lesson = lesson_of(str(failure), failure.param, fields, request, raw)
        if lesson is not None and states.learn(route, lesson):
            log_lesson(route.model, lesson)
            return True
    if asked.technique == "prefill":
        # Not the user's error: this route takes no prefill, so ask in words.
        states.learn_no_prefill(route)
        return True
    return asked.technique == "continuation" and transcript.refused()
