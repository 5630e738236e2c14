"""The settings of a resume. `test_retry` tests the invalid values of all classes."""

import pytest

from holysheep_core.config.resume import FIRST_EN, FIRST_KO, SECOND_EN, SECOND_KO, ResumeConfig
from holysheep_core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("shorthand", "resume"),
    [
        (True, ResumeConfig()),
        (None, ResumeConfig()),
        (False, ResumeConfig(enabled=False)),
        (ResumeConfig(prompt="ko"), ResumeConfig(prompt="ko")),
    ],
)
def test_the_resume_shorthand_is_read(shorthand, resume):
    assert ResumeConfig.coerce(shorthand) == resume


@pytest.mark.parametrize("bad", ["ko", "", 0, 1, {}, [], object()])
def test_a_resume_shorthand_of_no_sense_is_refused(bad):
    with pytest.raises(ConfigurationError, match=r"^resume="):
        ResumeConfig.coerce(bad)


@pytest.mark.parametrize(
    ("prompt", "first", "second"),
    [
        ("en", FIRST_EN, SECOND_EN),
        ("ko", FIRST_KO, SECOND_KO),
        ("Ab {tail}", "Ab {tail}", SECOND_EN),
    ],
)
def test_a_prompt_is_a_language_or_ones_own_words(prompt, first, second):
    config = ResumeConfig(prompt=prompt)
    assert (config.wording, config.second_wording) == (first, second)
    assert ResumeConfig(prompt=prompt, second_prompt="Cd {line}").second_wording == "Cd {line}"
