"""What a session tells its driver to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from holysheep_core.routing.providers import Route
from holysheep_core.types import ChatRequest, Completion


@dataclass(frozen=True)
class Send:
    """POST `body` to `url`. The time limit for an answer is `Session.deadline`.

    Attributes:
        url: Where to.
        headers: With the key.
        body: The request.
        hedge: Seconds without content after which `Session.hedge` is to be asked for a second
            request; None for never.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)  # the key is among them
    body: bytes = field(repr=False)
    hedge: float | None = None


@dataclass(frozen=True)
class Admit:
    """Ask admission control whether a request may go out, and wait until it may.

    Attributes:
        route: Where to.
        request: What will be sent.
        until: When the total time of the call ends, on the driver's clock; None for never.
    """

    route: Route
    request: ChatRequest = field(repr=False)
    until: float | None


@dataclass(frozen=True)
class Wait:
    """Do nothing for that many seconds."""

    seconds: float


@dataclass(frozen=True)
class Finish:
    """The answer is whole."""

    completion: Completion
