"""How a cut answer is resumed, and the prompts that ask for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from holysheep_core.config.checks import (
    FinishSignal,
    check_count,
    check_finish_signal,
)
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.errors import ConfigurationError

FIRST_EN = (
    "Your message is not complete yet: it breaks off after these words:\n\n{tail}\n\n"
    "Write these words again and go on from there, in the same language and format, until the "
    "message is complete."
)
SECOND_EN = (
    "The beginning of the answer is written already (if it is complete, write only [END]):\n\n"
    "<begun>\n{seen}\n</begun>\n\n"
    "It is not complete yet: it stops after these words:\n\n{tail}\n\n"
    "Write the missing rest of the answer. Begin with those words."
)
LINE_EN = (
    "Your message is not complete yet: it stops in the middle of this line:\n\n{line}\n\n"
    "Write this line again, now complete, and then the rest of your message up to its end. "
    "Nothing else. If nothing at all is missing, write only [END]."
)
"""The second wording where the partial cannot be added to the last message."""
FIRST_KO = (
    "답변의 앞부분이 이미 쓰여 있습니다:\n\n<begun>\n{seen}\n</begun>\n\n"
    "아직 끝나지 않았고, 다음 말에서 멈췄습니다:\n\n{tail}\n\n"
    "답변의 빠진 나머지를 쓰세요. 위의 그 말로 시작하세요."
)
SECOND_KO = (
    "답변의 앞부분은 이미 쓰여 있으며 아래 태그 사이에 있습니다"
    "(이미 완성된 답변이면 [END]만 쓰세요). 중간에서 끊겼습니다.\n\n<begun>\n{seen}\n</begun>\n\n"
    "다음 줄의 중간에서 멈췄습니다. 이 줄을 처음부터 다시 완성해서 쓰고, "
    "같은 언어와 형식으로 나머지를 끝까지 쓰세요:\n\n{line}"
)
SENTINEL = "[END]"
_PROMPTS = {"en": (FIRST_EN, SECOND_EN), "ko": (FIRST_KO, SECOND_KO)}
_PLACES = ("{tail}", "{line}")


@refuses_unknown()
@dataclass(frozen=True)
class ResumeConfig:
    """How a cut answer is resumed.

    Attributes:
        enabled: False raises `StreamInterruptedError` with the partial at the first cut.
        max_resumes: Most requests for the rest that one call may send.
        prompt: The user turn that asks for the rest: "en", "ko", or a text of your own in which
            `{tail}` stands for the last words and `{line}` for the last line, both as written.
            With `{seen}`, for all of the partial, it is added to the last user message;
            else the partial goes before it as the assistant's message.
        second_prompt: The user turn after an answer that could not be joined; by default in the
            prompt's language, English for a text of your own.
        unproven: What to do when the second continuation does not prove its place either:
            "error" raises `StreamInterruptedError` with the partial, "append" appends it as it
            is. Real models' answers of this kind were never exact continuations.
        prefill: Put the partial as the assistant's last message, where the model continues it
            (the cleanest splice there is): None for the models known to, True for all, False for
            none. A server that rejects it is asked in words from then on.
        anchor_characters: About how many of the last characters are quoted; they are taken
            longer where the text repeats itself.
        finish_signal: What proves that an answer is whole. "either": a `finish_reason`; after
            `[DONE]` alone, the rest is requested once. "finish_reason": that alone. "done":
            `[DONE]`, for servers that never send a reason.
        continue_on_length: Resume in the same way when the model's token limit ended the
            answer (`finish_reason` "length"); counted by `max_resumes`.
    """

    enabled: bool = True
    max_resumes: int = 10
    prompt: str = "en"
    second_prompt: str | None = None
    unproven: Literal["error", "append"] = "error"
    prefill: bool | None = None
    anchor_characters: int = 32
    finish_signal: FinishSignal = "either"
    continue_on_length: bool = False

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
        check_count("max_resumes", self.max_resumes)
        check_count("anchor_characters", self.anchor_characters, minimum=8)
        check_finish_signal(self.finish_signal)
        if self.unproven not in ("error", "append"):
            raise ConfigurationError(f"unproven={self.unproven!r}: needs 'error' or 'append'.")
        for name, value in (("prompt", self.prompt), ("second_prompt", self.second_prompt)):
            named = isinstance(value, str) and (name == "prompt" and value in _PROMPTS)
            own = isinstance(value, str) and any(place in value for place in _PLACES)
            if not (named or own or (name == "second_prompt" and value is None)):
                raise ConfigurationError(
                    f"{name}={value!r}: needs "
                    + ("'en', 'ko', or " if name == "prompt" else "None, or ")
                    + "a text that contains {tail} or {line}."
                )

    @property
    def wording(self) -> str:
        """The user turn, with its placeholders."""
        return _PROMPTS.get(self.prompt, (self.prompt, ""))[0]

    @property
    def second_wording(self) -> str:
        """The user turn after an answer that could not be joined."""
        return self.second_prompt or _PROMPTS.get(self.prompt, _PROMPTS["en"])[1]

    @classmethod
    def coerce(cls, value: ResumeConfig | bool | None) -> ResumeConfig:  # noqa: FBT001 - the shorthand is a bool
        """Read the `resume` keyword: a `ResumeConfig`, or a bool that turns it on or off."""
        if isinstance(value, ResumeConfig):
            return value
        if value is None or isinstance(value, bool):
            return cls(enabled=value is not False)
        raise ConfigurationError(f"resume={value!r}: needs True, False or a ResumeConfig.")
