"""Health checks: sends each provider a request at intervals, in a background thread.

A provider is down after several failures in a row and up after several successes, so that one lost
packet does not move all calls away and back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holysheep_core.clock import clock
from holysheep_core.config.checks import check_count, check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import HolySheepError
from holysheep_core.process import renew_after_fork, weakly
from holysheep_core.routing.providers import Provider

if TYPE_CHECKING:
    from holysheep_core.transport.httpx_client import Client

_OK = range(200, 300)
_NO_SUCH_PATH = (404, 405)
_LIMITED = 429
_A_MOMENT = 1.0  # seconds to wait for the thread; it is a daemon and ends by itself


@refuses_unknown()
@dataclass(frozen=True)
class HealthCheck:
    """How providers are checked.

    Attributes:
        interval: Seconds between checks of a healthy provider.
        recheck: Seconds between checks of a provider that is down or has just failed a check, so
            that failover and recovery take seconds, not minutes.
        timeout: Seconds an answer may take.
        down_after: Failures in a row after which a provider is down.
        up_after: Successes in a row after which it is up again.
        model: Request one token of this model, which costs a little; None requests the list of
            models, which is free and also checks the API key.

    Raises:
        ConfigurationError: A setting is invalid.
    """

    interval: float = 60.0
    recheck: float = 5.0
    timeout: float = 10.0
    down_after: int = 2
    up_after: int = 2
    model: str | None = None

    def __post_init__(self) -> None:
        check_number("interval", self.interval, minimum=0.05)
        check_number("recheck", self.recheck, minimum=0.05)
        check_number("timeout", self.timeout, minimum=0.05)
        check_count("down_after", self.down_after, minimum=1)
        check_count("up_after", self.up_after, minimum=1)


class HealthState:
    """The health of one provider, by its checks. Pure.

    Attributes:
        up: Whether the provider is up.
        due: Time of the next check.
    """

    def __init__(self, config: HealthCheck, now: float) -> None:
        self._config = config
        self._streak = 0  # checks in a row that contradict `up`
        self.up = True
        self.due = now

    def checked(self, now: float, *, well: bool) -> bool:
        """Record the result of a check; return whether it changed `up`."""
        config = self._config
        self._streak = self._streak + 1 if well is not self.up else 0
        changed = self._streak >= (config.up_after if well else config.down_after)
        if changed:
            self.up, self._streak = well, 0
        doubtful = self._streak or not self.up
        self.due = now + (config.recheck if doubtful else config.interval)
        return changed


class HealthChecks:
    """Checks providers in the background.

    Args:
        providers: The providers.
        config: The settings.
        changed: Called when a provider goes down or up: provider, up, reason.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        config: HealthCheck,
        changed: Callable[[Provider, bool, str], object],
    ) -> None:
        self._config = config
        self._changed = changed
        self._states = {provider.account: HealthState(config, clock()) for provider in providers}
        self._providers = tuple(providers)
        self._lock = threading.RLock()  # a finalizer may call `stop` during `start`
        self._over: threading.Event | None = None
        self._thread: threading.Thread | None = None
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Reset the lock and the thread, which exists in the parent only."""
        self._lock = threading.RLock()
        self._thread = self._over = None

    def is_up(self, provider: Provider) -> bool:
        """Return whether a provider is up."""
        return self._states[provider.account].up

    def start(self) -> None:
        """Start the thread, unless it runs."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._over = threading.Event()
            self._thread = threading.Thread(
                target=_run,
                args=(weakly(self._check_and_rest), self._over),
                name="holysheep-health",
                daemon=True,
            )
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread, at the latest after its current check."""
        with self._lock:
            thread, over = self._thread, self._over
            self._thread = None
        if over is not None:
            over.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_A_MOMENT)

    def _check_and_rest(self, client: Client) -> float:
        self.check_due(client)
        wait = min(state.due for state in self._states.values()) - clock()
        return max(0.01, min(wait, 1.0))

    def check_due(self, client: Client) -> None:
        """Check the providers whose check is due."""
        for provider in self._providers:
            if self._states[provider.account].due <= clock():
                self.check(provider, client)

    def check(self, provider: Provider, client: Client) -> bool:
        """Check a provider now; return whether it is healthy."""
        well, reason = ask(provider, client, self._config)
        state = self._states[provider.account]
        if state.checked(clock(), well=well):
            self._changed(provider, state.up, reason)
        return well


def ask(provider: Provider, client: Client, config: HealthCheck) -> tuple[bool, str]:
    """Send one check; return whether the provider is healthy, and the reason."""
    from holysheep_core.transport.httpx_client import status_of  # noqa: PLC0415 - see `clients`

    headers = {**provider.request_headers(), "accept": "application/json"}
    listing = config.model is None
    url, body = f"{provider.base_url}/models", None
    if config.model is not None:
        url, body = (
            provider.url,
            {
                "model": provider.models.get(config.model, config.model),
                "messages": [{"role": "user", "content": "ping"}],
                "max_tokens": 1,
            },
        )
    try:
        status = status_of(client, url, headers=headers, body=body, timeout=config.timeout)
    except HolySheepError as error:
        return False, str(error)
    # A server without a list of models (404, 405) or with a rate limit (429) is up.
    listless = listing and status in _NO_SUCH_PATH
    return status in _OK or status == _LIMITED or listless, f"status {status}"


def _run(step: Callable[[Client], float | None], over: threading.Event) -> None:
    from holysheep_core.transport.httpx_client import make_client  # noqa: PLC0415 - see `clients`

    with make_client() as client:
        while not over.is_set():
            rest = step(client)
            if rest is None:  # the checks are garbage
                return
            over.wait(rest)
