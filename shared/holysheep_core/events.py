"""Events: what the engine does while it works, a frozen record each.

Every event carries `call_id` (the same for all events of one call) and `at` (seconds since
the call began). `str(event)` is a sentence for a log or a terminal. No event holds a key or
any text of the conversation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Base of all events.

    Attributes:
        call_id: Which call this belongs to.
        at: Seconds since the call began.
    """

    call_id: str
    at: float


@dataclass(frozen=True)
class RequestSent(Event):
    """A request is sent."""

    attempt: int
    provider: str
    model: str
    technique: str

    def __str__(self) -> str:
        return f"request {self.attempt} to {self.provider}/{self.model} ({self.technique})"


@dataclass(frozen=True)
class FirstToken(Event):
    """The first content of a request arrived after `latency` seconds."""

    attempt: int
    latency: float

    def __str__(self) -> str:
        return f"first token of request {self.attempt} after {self.latency:.3f} s"


@dataclass(frozen=True)
class RetryScheduled(Event):
    """A request failed; the next one goes to `provider`/`model` in `wait` seconds."""

    attempt: int
    error: str
    provider: str
    model: str
    wait: float

    def __str__(self) -> str:
        return (
            f"request {self.attempt} failed ({self.error}); next one to "
            f"{self.provider}/{self.model} in {self.wait:.2f} s"
        )


@dataclass(frozen=True)
class RateLimitWait(Event):
    """A 429 named a wait, and the same model is asked after it."""

    model: str
    wait: float

    def __str__(self) -> str:
        return f"rate limited on {self.model}: waiting {self.wait:.2f} s as the server asked"


@dataclass(frozen=True)
class Throttled(Event):
    """A rate limit of your own delays the next request by about `wait` seconds."""

    provider: str
    limit: str
    wait: float

    def __str__(self) -> str:
        return f"held back for {self.wait:.2f} s: own limit of {self.limit} on {self.provider}"


@dataclass(frozen=True)
class StillWaiting(Event):
    """The call still waits; sent every two seconds while there is nothing else to report.

    Attributes:
        what: "the next request", or "content" of a silent server.
        wait: Seconds until the request is sent, or until the timeout; None for no limit.
        receiving: What arrived since the last event: "a tool call", "parts" (images, audio, blocks
            of reasoning), "an unfinished event", "comments"; "" for nothing.
    """

    what: str
    wait: float | None
    receiving: str = ""

    def __str__(self) -> str:
        limit = "" if self.wait is None else f", {self.wait:.2f} s left"
        incoming = f" (receiving {self.receiving})" if self.receiving else ""
        return f"still waiting for {self.what}{incoming}{limit}"


@dataclass(frozen=True)
class StreamCut(Event):
    """The answer was cut after `characters` characters in all."""

    attempt: int
    error: str
    characters: int

    def __str__(self) -> str:
        return f"stream cut after {self.characters} characters ({self.error})"


@dataclass(frozen=True)
class Resumed(Event):
    """The answer is resumed after a cut; `removed` repeated characters were left out."""

    attempt: int
    characters: int
    removed: int

    def __str__(self) -> str:
        return (
            f"resumed at character {self.characters} ({self.removed} repeated characters removed)"
        )


@dataclass(frozen=True)
class ModelDowngraded(Event):
    """A fallback model is used, because this one is rate limited, overloaded or silent."""

    from_model: str
    to_model: str
    reason: str

    def __str__(self) -> str:
        return f"{self.from_model} -> {self.to_model} ({self.reason})"


@dataclass(frozen=True)
class ProviderSwitched(Event):
    """Another provider is used."""

    from_provider: str
    to_provider: str
    reason: str

    def __str__(self) -> str:
        return f"provider {self.from_provider} -> {self.to_provider} ({self.reason})"


@dataclass(frozen=True)
class MalformedEvent(Event):
    """An event that is not JSON was skipped; if text was lost with it, a cut will show it."""

    attempt: int
    size: int

    def __str__(self) -> str:
        return f"skipped a malformed event of {self.size} bytes"


@dataclass(frozen=True)
class UnknownFinishReason(Event):
    """The model gave an unknown `finish_reason`; its answer counts as whole."""

    reason: str

    def __str__(self) -> str:
        return f"took the unknown finish_reason {self.reason!r} for a normal end"


@dataclass(frozen=True)
class ConnectionDiscarded(Event):
    """A connection is closed: the server sent more on it than the response."""

    reason: str

    def __str__(self) -> str:
        return f"closed a connection: {self.reason}"


@dataclass(frozen=True)
class StreamCompleted(Event):
    """The answer is whole."""

    model: str
    characters: int
    attempts: int
    resumes: int

    def __str__(self) -> str:
        return (
            f"completed by {self.model}: {self.characters} characters, "
            f"{self.attempts} request(s), {self.resumes} resume(s)"
        )


@dataclass(frozen=True)
class StreamFailed(Event):
    """The call ends with an error of class `error`."""

    error: str
    characters: int
    attempts: int

    def __str__(self) -> str:
        return f"failed after {self.attempts} request(s): {self.error}"


@dataclass(frozen=True)
class ProviderHealthChanged(Event):
    """The health checks of a gateway found a provider down, or up again. Belongs to no call."""

    provider: str
    up: bool
    reason: str

    def __str__(self) -> str:
        return f"provider {self.provider} is {'up' if self.up else 'down'} ({self.reason})"


@dataclass(frozen=True)
class ActiveProviderChanged(Event):
    """Another provider of the gateway is the primary from now on. Belongs to no call."""

    provider: str
    reason: str

    def __str__(self) -> str:
        return f"{self.provider} is the primary provider now ({self.reason})"


@dataclass(frozen=True)
class RouteCooled(Event):
    """The circuit of a route opened for some seconds, or closed. Belongs to no call.

    Attributes:
        route: The account (no secret) and the model.
        seconds: For how long; None: it is used again.
        provider: The provider's name; "" if it is not known here.
    """

    route: str
    seconds: float | None
    provider: str = ""

    def __str__(self) -> str:
        # A person knows the provider's name, and not the account's digest.
        named = f"{self.provider}/{self.route.partition('/')[2]}" if self.provider else self.route
        if self.seconds is None:
            return f"circuit of {named} closed"
        return f"circuit of {named} open for {self.seconds:.1f} s"


@dataclass(frozen=True)
class CanaryMoved(Event):
    """A canary gets another share of the traffic, in percent. Belongs to no call."""

    canary: str
    percent: float
    reason: str

    def __str__(self) -> str:
        return f"canary {self.canary} gets {self.percent:g} % of the traffic ({self.reason})"
