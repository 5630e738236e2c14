"""Runs a user's own function with one provider after another: sync, async or generator function."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, closing
from typing import Any

from holysheep_core.clock import clock
from holysheep_core.errors import (
    BadRequestError,
    ConfigurationError,
    HolySheepError,
    NotFoundError,
)
from holysheep_core.routing.circuit import Note, Outcome
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteChange, RouteStates

REST_SECONDS = 10.0
"""Cooldown in seconds of a provider whose call failed."""

_OWN_FAULT = (400, 404, 405, 413, 422)
_WHATEVER = "*"


def execute(
    call: Callable[[Provider], Any],
    providers: Sequence[Provider],
    states: RouteStates,
    report: Callable[[RouteChange], object],
) -> Any:
    """Run `call` with the first provider whose circuit is closed, and with the next on failure.

    Args:
        call: A function of one provider.
        providers: Providers in order of preference.
        states: The circuits of the providers.
        report: Called with every circuit that opens or closes.

    Raises:
        ConfigurationError: `call` takes no provider.
    """
    _check_call(call)
    run = _FallbackRun(call, providers, states, report)
    if inspect.isgeneratorfunction(call):
        return run.stream()
    if inspect.isasyncgenfunction(call):
        return run.astream()
    if inspect.iscoroutinefunction(call):
        return run.acall()
    return run.call()


class _FallbackRun:
    def __init__(
        self,
        call: Callable[[Provider], Any],
        providers: Sequence[Provider],
        states: RouteStates,
        report: Callable[[RouteChange], object],
    ) -> None:
        self._call = call
        self._states = states
        self._report = report
        self._left = [Route(provider, _WHATEVER) for provider in providers]
        self._route = self._left[0]
        self._sent = 0.0

    def _begin(self) -> Any:
        self._route, self._sent = self._next(), clock()
        return self._call(self._route.provider)

    def _next(self) -> Route:
        # Takes the probe of a half-open provider only if the call goes there.
        now = clock()
        for route in self._left:
            if self._states.take_probe(route, now):
                break
        else:
            route = self._left[0]  # all circuits are open: try the first provider
        self._left.remove(route)
        return route

    def _went_well(self) -> None:
        change = self._states.succeeded(self._route, self._sent)
        if change is not None:
            self._report(change)
        self._states.ended(self._route, Note(clock(), Outcome.SUCCESS, None), probing=False)

    def _failed(self, error: Exception) -> None:
        """Record the failure; raise the error if no other provider is left or would help."""
        if _is_own_fault(error):
            self._states.ended(self._route, None, probing=True)
            raise error
        now = clock()
        self._states.ended(self._route, Note(now, Outcome.FAILURE, None), probing=True)
        self._report(self._states.cool(self._route, now, now + REST_SECONDS))
        if not self._left:
            raise error

    def call(self) -> Any:
        while True:
            try:
                result = self._begin()
            except Exception as error:  # noqa: BLE001 - a user's client may raise anything
                self._failed(error)
                continue
            # A plain function may return a generator or awaitable that has not run yet.
            if inspect.isgenerator(result):
                return self.stream(result)
            if inspect.isasyncgen(result):
                return self.astream(result)
            if inspect.isawaitable(result):
                return self.acall(result)
            self._went_well()
            return result

    async def acall(self, begun: Awaitable[Any] | None = None) -> Any:
        while True:
            try:
                result = await (self._begin() if begun is None else begun)
            except Exception as error:  # noqa: BLE001 - a user's client may raise anything
                self._failed(error)
                begun = None
                continue
            if inspect.isasyncgen(result):
                return self.astream(result)
            self._went_well()
            return result

    def stream(self, begun: Generator[Any, Any, Any] | None = None) -> Generator[Any, None, None]:
        while True:
            yielded = False
            try:
                with closing(self._begin() if begun is None else begun) as items:
                    for item in items:
                        yielded = True
                        yield item
            except Exception as error:  # noqa: BLE001 - a user's client may raise anything
                self._left = [] if yielded else self._left
                self._failed(error)
                begun = None
            else:
                self._went_well()
                return

    async def astream(
        self, begun: AsyncGenerator[Any, Any] | None = None
    ) -> AsyncGenerator[Any, None]:
        while True:
            yielded = False
            try:
                async with aclosing(self._begin() if begun is None else begun) as items:
                    async for item in items:
                        yielded = True
                        yield item
            except Exception as error:  # noqa: BLE001 - a user's client may raise anything
                self._left = [] if yielded else self._left
                self._failed(error)
                begun = None
            else:
                self._went_well()
                return


def _is_own_fault(error: Exception) -> bool:
    if isinstance(error, HolySheepError):
        return isinstance(error, (BadRequestError, NotFoundError, ConfigurationError))
    return getattr(error, "status_code", None) in _OWN_FAULT


def _check_call(call: object) -> None:
    wanted = "execute_with_fallback: needs a function that takes the Provider to use"
    if not callable(call):
        raise ConfigurationError(f"{wanted}, not {call!r}.")
    try:
        inspect.signature(call).bind(object())
    except TypeError:
        raise ConfigurationError(
            f"{wanted}: `lambda provider: …`. Without it, every try would use the same provider."
        ) from None
    except ValueError:
        return  # a builtin without a signature
