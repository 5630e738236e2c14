"""How a cut answer is resumed, and the prompts that ask for the rest."""

from __future__ import annotations

from dataclasses import dataclass

from holysheep_core.config.checks import (
    FinishSignal,
    check_count,
    check_finish_signal,
    check_number,
)
from holysheep_core.errors import ConfigurationError

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
    """How a cut answer is resumed.

    Attributes:
        enabled: False raises `StreamInterruptedError` with the partial at the first cut.
        max_resumes: Continuations one call may spend, however much each of them adds.
        prompt: The user turn that asks for the rest: "en", "ko", or a text of your own in which
            `{tail}` stands for the quoted last words.
        firmer: What is added to it when the model answered something else ("" for nothing; by
            default in the prompt's language, English for a text of your own).
        prefill: Put the partial as the assistant's last message, where the model continues it
            (the cleanest splice there is): None for the models known to, True for all, False for
            none. A server that rejects it is asked in words from then on.
        anchor_characters: About how many of the last characters are quoted; they are taken
            longer where the text repeats itself.
        finish_signal: What proves that an answer is whole: a `finish_reason`, `[DONE]`
            ("done"), or either of them.
        continue_on_length: Resume in the same way when the model's token limit ended the
            answer (`finish_reason` "length"); counted by `max_resumes`.
        max_held: Characters of a resumed response that are held back at most until it is clear
            what was said already.
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
