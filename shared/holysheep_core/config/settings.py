"""The settings a user types, checked when they are made.

Each class is frozen; a wrong value raises `ConfigurationError` at once, with the name of the
setting and what would be right, instead of a strange failure an hour into a run.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from holysheep_core.errors import ConfigurationError

RETRYABLE_STATUS_CODES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses that may go away by themselves."""


def check_number(
    name: str, value: object, *, minimum: float = 0.0, maximum: float = math.inf
) -> None:
    """Raise `ConfigurationError` unless `value` is a number from `minimum` to `maximum`."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    # Comparing comes first: `isfinite` fails on integers that no float can hold.
    largest = min(maximum, sys.float_info.max)
    if not good or not max(minimum, -largest) <= value <= largest:  # type: ignore[operator]  # `good` narrowed it
        low = f" from {minimum:g}" if minimum > -math.inf else ""
        high = f" to {maximum:g}" if maximum < math.inf else " up" if low else ""
        raise ConfigurationError(f"{name}={value!r}: needs a finite number{low}{high}.")


def check_count(name: str, value: object, *, minimum: int = 0) -> None:
    """Raise `ConfigurationError` unless `value` is a whole number of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise ConfigurationError(f"{name}={value!r}: needs a whole number from {minimum} up.")


FinishSignal = Literal["either", "finish_reason", "done"]
"""What proves that an answer is whole: a `finish_reason`, `[DONE]`, or either of them."""


def check_finish_signal(value: object) -> None:
    """Raise `ConfigurationError` unless `value` is a `FinishSignal`."""
    if value not in ("either", "finish_reason", "done"):
        raise ConfigurationError(
            f"finish_signal={value!r}: needs 'either', 'finish_reason' or 'done'."
        )


class RetryStrategy(str, Enum):
    """How the wait grows from one retry to the next, before jitter and cap."""

    EXPONENTIAL_BACKOFF = "exponential_backoff"
    """base_delay · 2ⁿ: 1, 2, 4, 8 … seconds."""
    LINEAR_BACKOFF = "linear_backoff"
    """base_delay · (n + 1): 1, 2, 3, 4 … seconds."""
    FIXED_INTERVAL = "fixed_interval"
    """base_delay, always."""


@dataclass(frozen=True)
class RetryConfig:
    """How often and how patiently a failed request is tried again.

    Attributes:
        max_retries: Requests beyond the first that a call may spend on failures that brought
            no new text. Continuations of a cut answer are counted by `ResumeConfig`.
        base_delay: Seconds of the first wait.
        max_delay: Longest wait in seconds, also for a wait the server asks for: one that is
            longer ends the call with an error that names it.
        strategy: How waits grow; a `RetryStrategy` or its value.
        jitter: Share of a wait that is left to chance, 0 to 1. At 0.5 a wait of 4 s becomes 2
            to 4 s, so that clients that failed together do not come back together. Waits the
            server asked for are kept exactly.
        patience: A 429 that names a wait up to this many seconds is sat out on the same
            model; a longer one downgrades.
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


@dataclass(frozen=True)
class Timeouts:
    """The clocks of a call, in seconds. None turns a clock off.

    Attributes:
        connect: For DNS, TCP and TLS together.
        read: Default of `first_token` and `stall`.
        first_token: From sending a request to its first content.
        stall: Between two pieces of content. Comments and empty chunks do not count.
        total: For the whole call, with all retries and waits.
    """

    connect: float | None = 30.0
    read: float | None = 60.0
    first_token: float | None = None
    stall: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for name in ("connect", "read", "first_token", "stall", "total"):
            value = getattr(self, name)
            if value is not None:
                check_number(name, value, minimum=0.001)
        for name in ("first_token", "stall"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, self.read)

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
        if isinstance(value, (int, float)):
            return cls(connect=min(value, cls.connect or value), read=value)
        raise ConfigurationError(
            f"timeout={value!r}: needs seconds, a (connect, read) pair, or a Timeouts."
        )


CONTINUE_EN = (
    "Your previous message was cut off by a network failure before it was complete. "
    "It ended with {tail}. Continue it: begin by repeating exactly those last characters, then "
    "go straight on from there. Do not start over, do not apologise, add no introduction and no "
    "comment, and keep the language and the format."
)
CONTINUE_KO = (
    "직전 메시지가 네트워크 장애로 끝까지 전달되지 못하고 끊겼습니다. "
    "마지막 부분은 {tail} 입니다. 바로 이 마지막 글자들을 그대로 한 번 반복한 다음, "
    "그 지점부터 이어서 계속 쓰세요. 처음부터 다시 쓰지 말고, 사과나 머리말, 설명을 "
    "덧붙이지 말고, 언어와 형식을 그대로 유지하세요."
)
FIRMER_EN = (
    " Your last attempt began a different answer and was discarded. The reader already has "
    "everything up to those characters and cannot be given any of it again: your message must "
    "start with them and contain nothing but the rest."
)
FIRMER_KO = (
    " 방금 전 시도는 다른 답을 새로 시작해서 버려졌습니다. 독자는 그 글자들까지의 내용을 이미 "
    "읽었고 다시 받을 수 없습니다. 메시지는 반드시 그 글자들로 시작해야 하며, 나머지 내용만 "
    "담아야 합니다."
)
_CONTINUE = {"en": (CONTINUE_EN, FIRMER_EN), "ko": (CONTINUE_KO, FIRMER_KO)}


@dataclass(frozen=True)
class ResumeConfig:
    """How a cut answer goes on.

    Attributes:
        enabled: False raises `StreamInterruptedError` with the partial at the first cut.
        max_resumes: Continuations one call may spend, however much each of them brings.
        prompt: The user turn that asks to go on: "en", "ko", or a text of your own in which
            `{tail}` stands for the quoted last words.
        firmer: What is added to it when the model answered something else ("" for nothing; by
            default in the prompt's language, English for a text of your own).
        prefill: Put the partial as the assistant's last message, where the model goes on with
            that (the best joint there is): None for the models known to, True for all, False for
            none. A server that rejects it is asked in words from then on.
        anchor_characters: About how many of the last characters are quoted; they are taken
            longer where the text repeats itself.
        finish_signal: What proves that an answer is whole: a `finish_reason`, `[DONE]`
            ("done"), or either of them.
        continue_on_length: Go on by the same machinery when the model's token limit ended the
            answer (`finish_reason` "length"); counted by `max_resumes`.
        max_held: Characters of a resumed leg that are held back at most until it is clear what
            was said already.
        max_hold: Seconds for which they are held at most.
    """

    enabled: bool = True
    max_resumes: int = 10
    prompt: str = "en"
    firmer: str | None = None
    prefill: bool | None = None
    anchor_characters: int = 32
    finish_signal: FinishSignal = "either"
    continue_on_length: bool = False
    max_held: int = 4000
    max_hold: float = 10.0

    def __post_init__(self) -> None:
        for name, optional in (
            ("enabled", False),
            ("continue_on_length", False),
            ("prefill", True),
        ):
            value = getattr(self, name)
            if not isinstance(value, bool) and not (optional and value is None):
                or_none = ", or None for what is known of the model" if optional else ""
                raise ConfigurationError(f"{name}={value!r}: needs True or False{or_none}.")
        if self.firmer is not None and not isinstance(self.firmer, str):
            raise ConfigurationError(f"firmer={self.firmer!r}: needs a text, or None.")
        check_count("max_resumes", self.max_resumes)
        check_count("anchor_characters", self.anchor_characters, minimum=8)
        check_count("max_held", self.max_held, minimum=64)
        check_number("max_hold", self.max_hold, minimum=0.1)
        check_finish_signal(self.finish_signal)
        if not isinstance(self.prompt, str) or "{tail}" not in self.wording:
            raise ConfigurationError(
                f"prompt={self.prompt!r}: needs 'en', 'ko', or a text that contains {{tail}}."
            )

    @property
    def wording(self) -> str:
        """The user turn, with `{tail}` still in it."""
        return _CONTINUE.get(self.prompt, (self.prompt, ""))[0]

    @property
    def firmer_wording(self) -> str:
        """The user turn after a different answer, with `{tail}` still in it."""
        firmer = _CONTINUE.get(self.prompt, ("", FIRMER_EN))[1]
        return self.wording + (firmer if self.firmer is None else self.firmer)

    @classmethod
    def coerce(cls, value: ResumeConfig | bool | None) -> ResumeConfig:  # noqa: FBT001 - the shorthand is a bool
        """Read the `resume` keyword: a `ResumeConfig`, or a bool that turns it on or off."""
        if isinstance(value, ResumeConfig):
            return value
        if value is None or isinstance(value, bool):
            return cls(enabled=value is not False)
        raise ConfigurationError(f"resume={value!r}: needs True, False or a ResumeConfig.")


@dataclass(frozen=True)
class FallbackConfig:
    """Which models stand in for the one asked for.

    Attributes:
        models: Models to try in order, or None for the default table (every model falls back
            to "gemini-2.5-flash"). An empty list never changes the model.
        cooldown: Seconds a model is left alone after an overload or a 429 without a hint, or
            when it fails and the retry budget is used up.
    """

    models: Sequence[str] | None = None
    cooldown: float = 10.0

    def __post_init__(self) -> None:
        check_number("cooldown", self.cooldown)
        if self.models is not None:
            wrong = (
                isinstance(self.models, str)
                or not isinstance(self.models, Sequence)
                or not all(isinstance(model, str) and model.strip() for model in self.models)
            )
            if wrong:
                raise ConfigurationError(
                    f"fallback models={self.models!r}: needs a list of model names."
                )
