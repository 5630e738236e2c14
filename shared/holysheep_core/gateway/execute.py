"""Runs a user's own function with one provider after the other, whatever kind of function it is."""

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
from holysheep_core.routing.route_state import RouteStates

REST_SECONDS = 10.0
"""How long a provider whose call failed is asked after the others."""

_OWN_FAULT = (400, 404, 405, 413, 422)
_WHATEVER = "*"


def execute(
    call: Callable[[Provider], Any],
    order: Callable[[], Sequence[Provider]],
    route_states: RouteStates,
) -> Any:
    """Run `call` with the first provider that is well, and with the next if it fails.

    Args:
        call: Takes a provider.
        order: Returns the providers, best first.
        route_states: Remembers which of them failed.
    """
    _check_call(call)
    course = _FallbackRun(call, order, route_states)
    if inspect.isgeneratorfunction(call):
        return course.stream()
    if inspect.isasyncgenfunction(call):
        return course.astream()
    if inspect.iscoroutinefunction(call):
        return course.acall()
    return course.call()


class _FallbackRun:
    def __init__(
        self,
        call: Callable[[Provider], Any],
        order: Callable[[], Sequence[Provider]],
        route_states: RouteStates,
    ) -> None:
        self._call = call
        self._route_states = route_states
        now = clock()
        routes = [Route(provider, _WHATEVER) for provider in order()]
        well = [route for route in routes if route_states.admits(route, now)]
        self._left = well + [route for route in routes if route not in well]
        self._route = self._left.pop(0)
        self._sent = now

    def _begin(self) -> Any:
        self._sent = clock()
        return self._call(self._route.provider)

    def _went_well(self) -> None:
        self._route_states.succeeded(self._route, self._sent)
        self._route_states.ended(self._route, Note(clock(), Outcome.SUCCESS, None), probing=False)

    def _failed(self, error: Exception) -> None:
        """Remember it; raises the error if there is nobody else to ask, or no use in it."""
        if _is_own_fault(error):
            self._route_states.ended(self._route, None, probing=True)
            raise error
        now = clock()
        self._route_states.ended(self._route, Note(now, Outcome.FAILURE, None), probing=True)
        self._route_states.cool(self._route, now, now + REST_SECONDS)
        if not self._left:
            raise error
        self._route = self._left.pop(0)

    def call(self) -> Any:
        while True:
            try:
                result = self._begin()
            except Exception as error:  # noqa: BLE001 - whatever a user's client raises
                self._failed(error)
                continue
            # A plain function may return what has not run yet: then it is that which may fail.
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
            except Exception as error:  # noqa: BLE001 - whatever a user's client raises
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
            except Exception as error:  # noqa: BLE001 - whatever a user's client raises
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
            except Exception as error:  # noqa: BLE001 - whatever a user's client raises
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
            f"{wanted}: `lambda provider: …`. One without it would ask the same provider again."
        ) from None
    except ValueError:
        return  # a builtin without a signature
