"""What the commands say, in English and in Korean.

A command says it in the language of `--lang`, else of the environment (`LC_ALL`, `LC_MESSAGES`,
`LANG`): Korean where that begins with "ko", else English. Names of models and errors are the same
in both, and so are the lines of the event log.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from holysheep_core.cli.english import ENGLISH
from holysheep_core.cli.korean import KOREAN

LANGUAGES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "ko": KOREAN}


class Words:
    """The texts of one language.

    Args:
        language: "en" or "ko".

    Attributes:
        language: The same.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._texts = LANGUAGES[language]

    def __call__(self, key: str, /, **facts: object) -> str:
        """Return a text with the facts in it.

        Raises:
            KeyError: There is no such text, or a fact is missing.
        """
        return self._texts[key].format(**facts)


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of an environment: "ko" or "en"."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "ko" if re.match(r"ko(?![a-z])", value, re.IGNORECASE) else "en"
    return "en"
