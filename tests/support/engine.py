"""The parts of one call's state machine, without a session around them."""

from types import SimpleNamespace

from holysheep_core import RetryBudget
from holysheep_core.catalog import Catalog
from holysheep_core.engine.exchange import Exchange
from holysheep_core.engine.ledger import Ledger
from holysheep_core.engine.recovery import Recovery
from holysheep_core.engine.settings import Settings
from holysheep_core.protocol.response import ResponseDecoder
from holysheep_core.resume.transcript import Transcript
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteStates
from holysheep_core.routing.routes import FallbackChain
from holysheep_core.types import ChatRequest
from support.calls import ASK, MODEL

REQUEST = ChatRequest(MODEL, ASK)
PROVIDER = Provider("k", "https://one.test/v1", name="one")
BIG, SMALL = Route(PROVIDER, MODEL), Route(PROVIDER, "gemini-2.5-flash")


def decoded(*events, status=200):
    """A decoder that has received these server-sent events."""
    decoder = ResponseDecoder()
    decoder.receive_response(status, {"x-request-id": "r-1", "content-type": "text/event-stream"})
    decoder.receive_data(b"".join(events))
    return decoder


def parts(*, routes=(BIG, SMALL), route_states=None, text="", reasoning="", **settings):
    """The ledger, transcript and recovery of a call whose reader has `text`, and its events."""
    settings = Settings(**{"budget": RetryBudget(), **settings})
    events = []
    ledger = Ledger("c", 0.0, 0.0, events.append, Catalog())
    transcript = Transcript(REQUEST, settings.resume, text, reasoning)
    chain = FallbackChain(routes, route_states or RouteStates(), Catalog())
    recovery = Recovery(chain, settings, ledger, transcript, 0.0, lambda: 0.0)
    return SimpleNamespace(ledger=ledger, transcript=transcript, recovery=recovery, events=events)


def exchange(call, *events):
    """The next request of a call, sent at second 1, and a response that has these events."""
    next_request = call.transcript.next_request()
    call.ledger.begin(call.recovery.route, next_request.technique, 1.0)
    return Exchange(next_request, decoded(*events), call.transcript, call.ledger)
