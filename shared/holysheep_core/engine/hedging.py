"""A second request beside one whose first token is late. No I/O: a driver carries it out.

At most one in a call, and only before the reader has anything. It is paid from the retry budget of
the account that it goes to.
"""

from __future__ import annotations

from holysheep_core.engine.actions import Send
from holysheep_core.engine.exchange import Exchange
from holysheep_core.engine.ledger import Ledger
from holysheep_core.engine.outgoing import outgoing
from holysheep_core.engine.recovery import Recovery
from holysheep_core.engine.settings import Settings
from holysheep_core.resume.transcript import Transcript
from holysheep_core.routing.providers import Route


class Hedging:
    """The second request of one call.

    Args:
        settings: The client's.
        recovery: Where the call stands.
        ledger: Its records.
        transcript: What the reader has.
        gated: Admission control is asked before each request; then there is only one.

    Attributes:
        route: Where it went, while both are under way.
    """

    def __init__(
        self,
        settings: Settings,
        recovery: Recovery,
        ledger: Ledger,
        transcript: Transcript,
        *,
        gated: bool,
    ) -> None:
        self._settings = settings
        self._recovery = recovery
        self._ledger = ledger
        self._transcript = transcript
        self._is_spent = gated or settings.spend_limit is not None
        self._began = 0.0
        self.route: Route | None = None

    def after(self, now: float) -> float | None:
        """Return the seconds after which a second request may go out; None for never."""
        seconds = self._settings.fallback.hedge
        if seconds is None or self._is_spent:
            return None
        fresh = self._transcript.is_empty and not self._transcript.reasoning
        return seconds if fresh and self._recovery.next_route(now) is not None else None

    def begin(self, exchange: Exchange, now: float) -> Send | None:
        """Return a second request, which goes out now; None if none may.

        Args:
            exchange: The running one.
            now: The time.

        Raises:
            ConfigurationError: The route cannot be asked this way.
        """
        self._is_spent = True
        route = self._recovery.lend(now)
        if route is None:
            return None
        lessons = self._recovery.lessons_of(route)
        send = outgoing(exchange.next_request.request, route, self._settings, lessons)
        self.route, self._began = route, now
        self._ledger.begin_hedge(route, now)
        return send

    def end(self, *, won: bool, now: float) -> None:
        """One of the two is closed.

        Args:
            won: The second one has content.
            now: The time.
        """
        route, self.route = self.route, None
        if route is None:
            return
        self._ledger.end_hedge(self._transcript.request, now, won=won)
        self._recovery.release(self._recovery.route if won else route)
        if won:
            self._recovery.overtaken(route, self._began, now)
