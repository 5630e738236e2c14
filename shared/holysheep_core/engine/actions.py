"""What a session tells its driver to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from holysheep_core.routing.providers import Route
from holysheep_core.types import ChatRequest, Completion


@dataclass(frozen=True)
class Send:
    """POST `body` to `url`. The clock for an answer is `Session.deadline`."""

    url: str
    headers: Mapping[str, str] = field(repr=False)  # the key is among them
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Admit:
    """Ask whether a request may go out, and wait until it may.

    Attributes:
        route: Where to.
        request: What will be asked.
        until: When the whole call is over its time, on the driver's clock; None for never.
        held: To be called when it has to wait: with the limit in words, the seconds, and the time.
    """

    route: Route
    request: ChatRequest = field(repr=False)
    until: float | None
    held: Callable[[str, float, float], None] = field(repr=False)


@dataclass(frozen=True)
class Wait:
    """Do nothing for that many seconds."""

    seconds: float


@dataclass(frozen=True)
class Finish:
    """The answer is whole."""

    completion: Completion
