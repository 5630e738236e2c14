"""Retries and time-outs: the settings a user types, checked when they are made.

Each class is frozen. An invalid value raises `ConfigurationError` at once, with the name of the
setting and a valid value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from typing import Any

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import ConfigurationError

RETRYABLE_STATUS_CODES = frozenset({408, 409, 424, 425, 429, 499, *range(500, 600)} - {501, 505})
"""Statuses that may go away by themselves: also 424 (the model failed: text-generation-inference,
Bedrock) and those of the proxies before a server (nginx's 499, Cloudflare's 520 to 527, 530), but
not what a server cannot do at all."""


_MOST_DOUBLINGS = 60  # more would overflow, and the cap is far below


class RetryStrategy(str, Enum):
    """How the wait grows from one retry to the next, before jitter and cap."""

    EXPONENTIAL_BACKOFF = "exponential_backoff"
    """base_delay · 2ⁿ: 1, 2, 4, 8 … seconds."""
    LINEAR_BACKOFF = "linear_backoff"
    """base_delay · (n + 1): 1, 2, 3, 4 … seconds."""
    FIXED_INTERVAL = "fixed_interval"
    """base_delay, always."""

    @classmethod
    def _missing_(cls, value: object) -> RetryStrategy | None:
        """Understand the short names: "exponential", "linear", "fixed"."""
        return next((each for each in cls if each.value.partition("_")[0] == value), None)


@refuses_unknown()
@dataclass(frozen=True)
class RetryConfig:
    """How often, and after which waits, a failed request is tried again.

    Attributes:
        max_retries: Requests beyond the first that a call may spend on failures that added
            no new text. Continuations of a cut answer are counted by `ResumeConfig`.
        base_delay: Seconds of the first wait.
        max_delay: Longest wait in seconds. A longer wait that the server asks for ends the call
            with its error, whose `retry_after` is the wait.
        strategy: How waits grow; a `RetryStrategy` or its value.
        jitter: Random share of a wait, 0 to 1. At 0.5 a wait of 4 s becomes 2
            to 4 s, so that clients that failed together do not come back together. Waits the
            server asked for are kept exactly.
        patience: After a 429 that names a wait up to this many seconds the same model is asked
            again; after a longer one a fallback model, if one is left.
        retryable_status_codes: Statuses that are tried again.
        wait: Any tenacity `wait_*` object, in place of strategy, delays and jitter.
        stop: Any tenacity `stop_*` object, in place of `max_retries`.
    """

    max_retries: int = 5
    base_delay: float = 1.0
    max_delay: float = 60.0
    strategy: RetryStrategy | str = RetryStrategy.EXPONENTIAL_BACKOFF
    jitter: float = 0.5
    patience: float = 5.0
    retryable_status_codes: Collection[int] = RETRYABLE_STATUS_CODES
    # Of a `tenacity.RetryCallState`; to name the type, pydantic would have to import it.
    wait: Callable[[Any], float] | None = None
    stop: Callable[[Any], bool] | None = None

    def __post_init__(self) -> None:
        check_count("max_retries", self.max_retries)
        check_number("base_delay", self.base_delay)
        check_number("max_delay", self.max_delay)
        check_number("jitter", self.jitter, maximum=1.0)
        check_number("patience", self.patience)
        try:
            object.__setattr__(self, "strategy", RetryStrategy(self.strategy))
        except ValueError:
            known = ", ".join(repr(strategy.value) for strategy in RetryStrategy)
            raise ConfigurationError(f"strategy={self.strategy!r}: needs one of {known}.") from None
        if not isinstance(self.retryable_status_codes, Collection):
            raise ConfigurationError(
                f"retryable_status_codes={self.retryable_status_codes!r}: needs a list of statuses."
            )
        for code in self.retryable_status_codes:
            check_count("retryable_status_codes", code, minimum=400)
        for name in ("wait", "stop"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise ConfigurationError(
                    f"{name}={value!r}: needs a tenacity {name}_* object, or any callable "
                    "that takes a RetryCallState."
                )

    def calculate_delay(self, attempt: int) -> float:
        """Return the seconds before a retry, before jitter.

        >>> [RetryConfig(base_delay=1.0).calculate_delay(attempt) for attempt in range(4)]
        [1.0, 2.0, 4.0, 8.0]

        Args:
            attempt: 0 for the first retry.

        Raises:
            ConfigurationError: `attempt` is no count.
        """
        check_count("attempt", attempt)
        growth = {
            RetryStrategy.EXPONENTIAL_BACKOFF: 2.0 ** min(attempt, _MOST_DOUBLINGS),
            RetryStrategy.LINEAR_BACKOFF: attempt + 1.0,
            RetryStrategy.FIXED_INTERVAL: 1.0,
        }
        return min(self.base_delay * growth[RetryStrategy(self.strategy)], self.max_delay)

    @classmethod
    def coerce(cls, max_retries: int | None) -> RetryConfig:
        """Read the `max_retries` shorthand; None for the defaults."""
        return cls() if max_retries is None else cls(max_retries)


class _Default(float):
    """A default, told from the same number given by the user, and equal to none.

    So whoever writes a `Timeouts` without its defaults writes these fields, and reads it as it was.
    """

    __hash__ = float.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other


@refuses_unknown()
@dataclass(frozen=True)
class Timeouts:
    """The time limits of a call, in seconds. None: no limit.

    Attributes:
        connect: For DNS, TCP and TLS together.
        read: Default of `first_token` and `stall`. If given, also of those with a fallback.
        first_token: From the end of the upload of a request to its first content.
        stall: Between two pieces of content. Comments and empty chunks do not count.
        total: For the whole call, with all retries and waits.
        first_connect: Most of `connect` that a TCP connection may take to an address which has not
            answered in this process, so that a wrong address is an error soon.
        first_token_with_fallback: Most of `first_token` while another model or provider is left to
            ask; by default `first_token` if that or `read` is given, else 10. Models that reason,
            and long prompts, have more time.
        stall_with_fallback: Most of `stall` while another one is left to ask; by default `stall`
            if that or `read` is given, else 10. Not where tools are offered, or a model reasons,
            since a server may then be silent for long.
        min_rate: Share of a model's own usual rate, 0 to 1. An answer whose text comes more slowly
            for 5 s is resumed at the next route, if one is left. The rate is that of the model's
            recent answers in this process, three at least. None: no such guard.
        write: For each piece of a request that is sent (64 KB), so that a long one may take long.
            `first_token` begins when all is sent, except with an HTTP client of your own.
    """

    connect: float | None = 30.0
    read: float | None = _Default(60.0)
    first_token: float | None = None
    stall: float | None = None
    total: float | None = None
    write: float | None = 600.0
    first_connect: float | None = 2.0
    first_token_with_fallback: float | None = _Default(10.0)
    stall_with_fallback: float | None = _Default(10.0)
    min_rate: float | None = None

    def __post_init__(self) -> None:
        names = (
            *("connect", "read", "first_token", "stall", "total", "write", "first_connect"),
            *("first_token_with_fallback", "stall_with_fallback"),
        )
        for name in names:
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, minimum=0.001)
        if self.min_rate is not None:
            check_number("min_rate", self.min_rate, minimum=0.001, maximum=1.0)
        read_given = not isinstance(self.read, _Default)
        for name in ("first_token", "stall"):
            given = read_given or getattr(self, name) is not None
            if getattr(self, name) is None:
                object.__setattr__(self, name, self.read)
            # What the user chose is the limit everywhere: a smaller default would undo it.
            shorter = f"{name}_with_fallback"
            if given and isinstance(getattr(self, shorter), _Default):
                object.__setattr__(self, shorter, getattr(self, name))
        for name in names:  # from here on like any number
            if isinstance(value := getattr(self, name), _Default):
                object.__setattr__(self, name, float(value))

    @classmethod
    def coerce(cls, value: object) -> Timeouts:
        """Read the `timeout` shorthand: seconds, (connect, read), a `Timeouts`, or None."""
        if isinstance(value, Timeouts):
            return value
        if value is None:
            return cls()
        pair = 2
        if isinstance(value, (tuple, list)) and len(value) == pair:
            return cls(connect=value[0], read=value[1])
        if hasattr(value, "connect") and hasattr(value, "read"):  # an httpx.Timeout
            return cls(connect=value.connect, read=value.read)
        if isinstance(value, (int, float)):
            check_number("timeout", value, minimum=0.001)
            return cls(connect=min(value, cls.connect or value), read=value)
        raise ConfigurationError(
            f"timeout={value!r}: needs seconds, a (connect, read) pair, or a Timeouts."
        )
