"""Several providers as one: order, failover, rollback, canaries."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from holysheep_core import events
from holysheep_core.catalog import Catalog
from holysheep_core.clock import clock
from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.config.keywords import refuses_unknown
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


@refuses_unknown()
class APIGateway:
    """Named providers; the first healthy one answers.

    >>> from holysheep_core import APIGateway, Provider
    >>> from langchain_holysheep import ChatHolySheep
    >>> gateway = APIGateway(
    ...     [
    ...         Provider(api_key="cr-your-key"),  # HolySheep
    ...         Provider("sk-other", base_url="https://api.openai.com/v1", name="openai"),
    ...     ]
    ... )
    >>> llm = ChatHolySheep(model="gpt-4.1", gateway=gateway)  # or HolySheep(…)
    >>> gateway.switch_to("openai"), gateway.active
    (True, 'openai')
    >>> gateway.rollback()
    'holysheep'

    Any number of models may share a gateway and its knowledge of the providers. An answer that is
    cut at one provider is resumed at the next; once the first provider works again, new calls go
    there.

    Args:
        providers: Providers in order of preference. A repeated name gets a number: "holysheep-2".
        health_check: Background checks while a model uses the gateway; None for no checks (the
            results of calls count in either case).
        circuit: When the circuit of a failing route opens.
        canary: A new provider or model that gets a share of the traffic.
        store: A `redis://` URL; shares circuits, the active provider and the canary's step with
            all processes that use the same URL, and the retry budget and rate limits of the models
            that use this gateway.
        on_event: Called with the gateway's own events, from any thread.

    Raises:
        ConfigurationError: `providers` is empty, or does not contain the canary's provider.
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
        _check(providers, canary)
        self.providers = tuple(providers)
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

    # -- order of providers-------------------------------------------------------------------

    @property
    def active(self) -> str:
        """Name of the provider that gets new calls first."""
        first = self._order()[0]
        return next(name for name, provider in self._by_name.items() if provider is first)

    def switch_to(self, name: str) -> bool:
        """Send new calls to this provider first; with a `store`, in all processes.

        Returns:
            False if it was the first already.

        Raises:
            ConfigurationError: No provider has this name.
        """
        self._known(name)
        with self._lock:
            changed = self._history[-1] != name
            self._history.append(name)
        self._activated(name, "switched to")
        return changed

    def rollback(self) -> str:
        """Undo the last switch; return the name of the provider that is first now."""
        with self._lock:
            if len(self._history) > 1:
                self._history.pop()
            name = self._history[-1]
        self._activated(name, "rolled back")
        return name

    def health(self, name: str, *, model: str | None = None) -> Health:
        """Return the recent error rate and latencies of a provider's calls.

        Args:
            name: The provider.
            model: One model; None for all models.

        Raises:
            ConfigurationError: No provider has this name.
        """
        return self.route_states.health(self._known(name), model=model)

    def is_up(self, name: str) -> bool:
        """Return whether a provider passes its health checks; True without checks.

        Raises:
            ConfigurationError: No provider has this name.
        """
        return self._is_up(self._known(name))

    def advance(self) -> None:
        """Move the canary to its next step.

        Raises:
            ConfigurationError: The gateway has no canary.
        """
        self._move_canary(1, "advanced")

    def abort_canary(self) -> None:
        """Roll the canary back: its share becomes 0.

        Raises:
            ConfigurationError: The gateway has no canary.
        """
        self._move_canary(None, "aborted")

    def chain(
        self, request: ChatRequest, fallback: FallbackConfig, catalog: Catalog
    ) -> FallbackChain:
        """Return the routes of a request, in order of preference."""
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
        if request.fallback_models is not None:
            fallback = replace(fallback, models=request.fallback_models)
        routes = routes_for(request, providers, fallback, catalog)
        if new and rollout is not None and rollout.canary.model is not None:
            first = Route(providers[0], rollout.canary.model)
            routes = [first, *(route for route in routes if route != first)]
        return FallbackChain(routes, self.route_states, catalog, self._circuit_changed)

    def execute_with_fallback(self, call: Callable[[Provider], Any]) -> Any:
        """Run a function with the active provider, and with the next one if it fails.

        >>> from holysheep_core import APIGateway, Provider
        >>> gateway = APIGateway([Provider("cr-your-key")])
        >>> gateway.execute_with_fallback(lambda provider: f"an answer of {provider.name}")
        'an answer of holysheep'

        `call` may be a function, a coroutine function, a generator function or an async generator
        function; the result has the same kind. A stream that fails before its first item starts
        again at the next provider. One that fails later raises its error, since a new start would
        repeat items; the provider cools down for 10 s, and the next call goes to another one.
        (`ChatHolySheep`, `HolySheep` and `StreamingRetryHandler` do resume in mid-answer.)

        Args:
            call: A function of the `Provider` to use.

        Raises:
            ConfigurationError: `call` takes no provider.
            Exception: The error of the last provider's call. Errors of the request itself (status
                400, 404, 405, 413, 422) are raised at once.
        """
        return execute(call, self._order(), self.route_states, self._circuit_changed)

    def continuing(self, before: APIGateway) -> APIGateway:
        """Return `before` if it has the same providers and settings; else keep its routes' states.

        Args:
            before: A gateway that this one replaces, without health checks or a canary.
        """
        plain = before._checks is None and before.rollout is None
        alike = before.store is self.store and self.route_states.has_config_of(before.route_states)
        if plain and alike:
            if before.providers == self.providers:
                return before
            self.route_states = before.route_states  # by account: another key has its own
        return self

    # -- closing ----------------------------------------------------------------------------

    def use(self, user: object, budget: RetryBudget) -> None:
        """Register a model: health checks run while a registered model has made a call.

        Args:
            user: The model; held weakly.
            budget: Its retry budget, shared by the store if there is one.
        """
        self._users.add(user)
        if self.store is not None:
            self.store.share_budget(budget)

    def leave(self, user: object) -> None:
        """Unregister a closed model."""
        self._users.leave(user)

    def close(self) -> None:
        """Stop the health checks, and write pending changes to the store."""
        self._users.clear()
        if self.store is not None:
            self.store.exchange()

    def __enter__(self) -> APIGateway:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __deepcopy__(self, memo: object) -> APIGateway:
        return self  # gateways are shared

    def __getstate__(self) -> NoReturn:
        raise TypeError("A gateway holds keys and threads; make a new one where it is needed.")

    def __repr__(self) -> str:
        return f"APIGateway({', '.join(self._by_name)})"

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may have held."""
        self._lock = threading.RLock()

    # -- changes from other processes -------------------------------------------------------

    def circuit_shared(self, key: str, seconds: float | None) -> None:
        """Apply a circuit that another process opened for `seconds`, or closed (None)."""
        now = clock()
        if seconds is None:
            self.route_states.close(key)
        else:
            self.route_states.open(key, now, now + seconds)

    def active_shared(self, name: str) -> None:
        """Apply a switch to another provider."""
        if name in self._by_name:
            with self._lock:
                self._history.append(name)
            self._emit(events.ActiveProviderChanged, provider=name, reason="shared by the store")

    def canary_shared(self, canary: str, step: int) -> None:
        """Apply a canary's step."""
        if self.rollout is not None and canary == self.rollout.canary.name:
            self.rollout.move(step, clock())

    # -- inside -----------------------------------------------------------------------------

    def _circuit_changed(self, change: RouteChange) -> None:
        seconds = None if change.until is None else max(0.0, change.until - clock())
        account = change.key.partition("/")[0]
        name = next((each.name for each in self.providers if each.account == account), "")
        self._emit(events.RouteCooled, route=change.key, seconds=seconds, provider=name)
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


def _check(providers: Sequence[Provider], canary: Canary | None) -> None:
    if not isinstance(providers, (list, tuple)):
        raise ConfigurationError("APIGateway: needs a list, such as [Provider(api_key, base_url)].")
    if not providers:
        raise ConfigurationError("APIGateway: needs at least one Provider.")
    for provider in providers:
        if not isinstance(provider, Provider):  # it may be a key, and is not shown
            kind = type(provider).__name__
            raise ConfigurationError(
                f"APIGateway: a {kind} is not a Provider; write Provider(api_key, base_url)."
            )
    names = list(_named(providers))
    if canary is not None and canary.provider is not None and canary.provider not in names:
        raise ConfigurationError(
            f"Canary: provider {canary.provider!r} is not one of the gateway's: {names}."
        )


def _named(providers: Sequence[Provider]) -> dict[str, Provider]:
    named: dict[str, Provider] = {}
    for provider in providers:
        again = sum(each.name == provider.name for each in named.values())
        named[f"{provider.name}-{again + 1}" if again else provider.name] = provider
    return named
