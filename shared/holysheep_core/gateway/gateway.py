"""Several providers as one: who is asked first, fail-over, rollback, canaries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from holysheep_core import events
from holysheep_core.catalog import Catalog
from holysheep_core.clock import clock
from holysheep_core.config.retry import FallbackConfig
from holysheep_core.errors import ConfigurationError
from holysheep_core.gateway.canary import Canary, Rollout
from holysheep_core.gateway.execute import execute
from holysheep_core.gateway.health_check import HealthCheck, HealthChecks
from holysheep_core.gateway.sharing import Sharing
from holysheep_core.observers.listeners import Guard
from holysheep_core.process import Users, renew_after_fork, weakly
from holysheep_core.retry_budget import RetryBudget
from holysheep_core.routing.circuit import CircuitConfig, Health
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteChange, RouteStates
from holysheep_core.routing.routes import FallbackChain, routes_for
from holysheep_core.store.store import Store
from holysheep_core.types import ChatRequest


class APIGateway:
    """Named providers, of which the first that is well answers.

    >>> gateway = APIGateway([
    ...     Provider(api_key="cr-…"),  # HolySheep
    ...     Provider(api_key="sk-…", base_url="https://api.openai.com/v1", name="openai"),
    ... ])
    >>> llm = ChatHolySheep(model="gpt-4.1", gateway=gateway)  # or HolySheep(…)
    >>> gateway.switch_to("openai"); gateway.rollback()

    Give it to as many models as you like: they share what it knows of the providers. An answer
    that breaks off at one provider is resumed at the next; once the first works again, the next
    call goes there.

    Args:
        providers: Best first. Where a name comes again, it is numbered: "holysheep-2".
        health_check: How often providers are asked whether they are well, in the background
            while a model uses the gateway; None for never (real calls are watched anyway).
        circuit: When a route counts as failing.
        canary: A provider or model that is being introduced.
        store: A `redis://` URL; shares circuits, the provider in use and the canary's step
            with all processes that name the same one, and the retry budget and rate limits of
            the models that use this gateway.
        on_event: Is called with the gateway's own events, from whichever thread.

    Raises:
        ConfigurationError: There is no provider, or the canary names none of them.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        health_check: HealthCheck | None = HealthCheck(),  # noqa: B008 - frozen
        circuit: CircuitConfig | None = None,
        canary: Canary | None = None,
        store: str | None = None,
        on_event: Callable[[events.Event], Any] | None = None,
    ) -> None:
        self.providers = tuple(providers)
        _check(self.providers, canary)
        self._by_name = _named(self.providers)
        self._on_event = None if on_event is None else Guard(on_event)
        self._began = clock()
        self._lock = threading.RLock()
        self._history: list[str] = [next(iter(self._by_name))]
        self.route_states = RouteStates(circuit)
        self.rollout = None if canary is None else Rollout(canary, clock())
        self._users: Users[Any] = Users(weakly(self._stop_checks))
        self._checks: HealthChecks | None = None
        if health_check is not None:
            changed = weakly(self._health_changed)
            self._checks = HealthChecks(self.providers, health_check, changed)
        self.store = None if store is None else Store.at(store)
        renew_after_fork(self)
        self._sharing = None if self.store is None else Sharing(self.store, self)

    # -- who is asked -----------------------------------------------------------------------

    @property
    def active(self) -> str:
        """Name of the provider that is asked first now."""
        first = self._order()[0]
        return next(name for name, provider in self._by_name.items() if provider is first)

    def switch_to(self, name: str) -> None:
        """Ask this provider first from now on.

        With a `store`, in all processes.

        Raises:
            ConfigurationError: No provider has that name.
        """
        self._known(name)
        with self._lock:
            self._history.append(name)
        self._activated(name, "switched to")

    def rollback(self) -> str:
        """Go back to the provider that was asked first before; returns its name."""
        with self._lock:
            if len(self._history) > 1:
                self._history.pop()
            name = self._history[-1]
        self._activated(name, "rolled back")
        return name

    def health(self, name: str, *, model: str | None = None) -> Health:
        """Return how a provider did lately, judged by real calls."""
        return self.route_states.health(self._known(name), model=model)

    def is_up(self, name: str) -> bool:
        """Tell whether the checks find a provider well (always, without checks)."""
        return self._is_up(self._known(name))

    def advance(self) -> None:
        """Give the canary its next share."""
        self._move_canary(1, "advanced")

    def abort_canary(self) -> None:
        """Take all traffic from the canary."""
        self._move_canary(None, "aborted")

    def chain(
        self, request: ChatRequest, fallback: FallbackConfig, catalog: Catalog
    ) -> FallbackChain:
        """Lay out the routes of a request, best first."""
        if self._checks is not None and self._users:
            self._checks.start()
        self._judge_canary()
        rollout = self.rollout
        new = rollout is not None and rollout.takes(request)
        providers = self._order()
        if rollout is not None and rollout.canary.provider is not None:
            theirs = self._known(rollout.canary.provider)
            rest = [provider for provider in providers if provider != theirs]
            providers = [theirs, *rest] if new else [*rest, theirs]
        routes = routes_for(request, providers, fallback, catalog)
        if new and rollout is not None and rollout.canary.model is not None:
            first = Route(providers[0], rollout.canary.model)
            routes = [first, *(route for route in routes if route != first)]
        return FallbackChain(routes, self.route_states, catalog, self._circuit_changed)

    def execute_with_fallback(self, call: Callable[[Provider], Any]) -> Any:
        """Run something with the provider in use, and with the next one if it fails.

        >>> gateway.execute_with_fallback(lambda provider: my_client(provider).ask("Hi"))

        `call` may be a function, a coroutine function, a generator function or an async one;
        what it returns is returned, awaitable or iterable as it is. A stream that fails before
        its first item starts again at the next provider. One that fails later is not started
        again, since that would repeat its beginning: its error is raised, the provider counts
        as failing, and the next call goes elsewhere. (`ChatHolySheep` and the others do resume
        in mid-answer.)

        Args:
            call: Takes the `Provider` to use.

        Raises:
            ConfigurationError: `call` takes no provider.
            Exception: What the last provider's call raised. An error that is the request's own
                (status 400, 404, 413, 422) is raised at once.
        """
        return execute(call, self._order(), self.route_states, self._circuit_changed)

    # -- life -------------------------------------------------------------------------------

    def use(self, user: object, budget: RetryBudget) -> None:
        """Watch the providers from the first call until `user` is garbage, or has left."""
        self._users.add(user)
        if self.store is not None:
            self.store.share_budget(budget)

    def leave(self, user: object) -> None:
        """`user` is closed."""
        self._users.leave(user)

    def close(self) -> None:
        """End the checks, and tell the store what is left to tell."""
        self._users.clear()
        if self.store is not None:
            self.store.exchange()

    def __enter__(self) -> APIGateway:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __deepcopy__(self, memo: object) -> APIGateway:
        return self  # made to be shared

    def __getstate__(self) -> NoReturn:
        raise TypeError("A gateway holds keys and threads; make a new one where it is needed.")

    def __repr__(self) -> str:
        return f"APIGateway({', '.join(self._by_name)})"

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()

    # -- what other processes found out or decided ------------------------------------------

    def circuit_shared(self, key: str, seconds: float | None) -> None:
        """A circuit opened elsewhere for so many seconds, or closed (None)."""
        now = clock()
        if seconds is None:
            self.route_states.close(key)
        else:
            self.route_states.open(key, now, now + seconds)

    def active_shared(self, name: str) -> None:
        """An operator chose another provider."""
        if name in self._by_name:
            with self._lock:
                self._history.append(name)
            self._emit(events.ActiveProviderChanged, provider=name, reason="told by the store")

    def canary_shared(self, canary: str, step: int) -> None:
        """A canary moved."""
        if self.rollout is not None and canary == self.rollout.canary.name:
            self.rollout.move(step, clock())

    # -- inside -----------------------------------------------------------------------------

    def _circuit_changed(self, change: RouteChange) -> None:
        seconds = None if change.until is None else max(0.0, change.until - clock())
        self._emit(events.RouteCooled, route=change.key, seconds=seconds)
        if self._sharing is not None:
            self._sharing.circuit(change)

    def _stop_checks(self) -> None:
        if self._checks is not None:
            self._checks.stop()

    def _order(self) -> list[Provider]:
        first = self._by_name[self._history[-1]]
        ordered = [first, *(each for each in self.providers if each is not first)]
        return sorted(ordered, key=lambda each: not self._is_up(each))  # stable

    def _is_up(self, provider: Provider) -> bool:
        return self._checks is None or self._checks.is_up(provider)

    def _known(self, name: str) -> Provider:
        if name not in self._by_name:
            known = ", ".join(map(repr, self._by_name))
            raise ConfigurationError(f"No provider is called {name!r}; there are {known}.")
        return self._by_name[name]

    def _activated(self, name: str, reason: str) -> None:
        if self._sharing is not None:
            self._sharing.active(name)
        self._emit(events.ActiveProviderChanged, provider=name, reason=reason)

    def _health_changed(self, provider: Provider, up: bool, reason: str) -> None:  # noqa: FBT001
        self._emit(events.ProviderHealthChanged, provider=provider.name, up=up, reason=reason)

    def _judge_canary(self) -> None:
        rollout, now = self.rollout, clock()
        if rollout is None or not rollout.canary.automatic:
            return
        canary, order = rollout.canary, self._order()
        new = self._known(canary.provider) if canary.provider else order[0]
        other = next((each for each in order if each is not new), new)
        theirs = canary.instead_of if canary.model else None
        with self._lock:
            verdict = rollout.judge(
                self.route_states.health(new, model=canary.model, since=rollout.since),
                self.route_states.health(
                    new if canary.model and not canary.provider else other,
                    model=theirs,
                    since=rollout.since,
                ),
                now,
            )
            if verdict is not None:
                rollout.move(verdict[0], now)
        if verdict is not None:
            self._canary_moved(rollout, verdict[1])

    def _move_canary(self, by: int | None, reason: str) -> None:
        if self.rollout is None:
            raise ConfigurationError("This gateway has no canary.")
        with self._lock:
            self.rollout.move(-1 if by is None else self.rollout.step + by, clock())
        self._canary_moved(self.rollout, reason)

    def _canary_moved(self, rollout: Rollout, reason: str) -> None:
        name = rollout.canary.name
        if self._sharing is not None:
            self._sharing.canary(name, rollout.step)
        self._emit(events.CanaryMoved, canary=name, percent=rollout.percent, reason=reason)

    def _emit(self, kind: Callable[..., events.Event], **facts: object) -> None:
        event = kind(call_id="", at=clock() - self._began, **facts)
        if self._on_event is not None:
            self._on_event(event)
        for observer in {each for user in self._users for each in user.observers}:
            Guard(observer.happened)(event)


def _check(providers: tuple[Provider, ...], canary: Canary | None) -> None:
    if not providers:
        raise ConfigurationError("APIGateway: needs at least one Provider.")
    for provider in providers:
        if not isinstance(provider, Provider):
            raise ConfigurationError(f"APIGateway: {provider!r} is no Provider.")
    names = list(_named(providers))
    if canary is not None and canary.provider is not None and canary.provider not in names:
        raise ConfigurationError(
            f"Canary: provider {canary.provider!r} is none of the gateway's: {names}."
        )


def _named(providers: Sequence[Provider]) -> dict[str, Provider]:
    named: dict[str, Provider] = {}
    for provider in providers:
        again = sum(each.name == provider.name for each in named.values())
        named[f"{provider.name}-{again + 1}" if again else provider.name] = provider
    return named
