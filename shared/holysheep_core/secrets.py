"""Keys: how they are held, and how they are blanked out of what a server says."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection
from typing import NoReturn
from urllib.parse import quote

MIN_SECRET_LENGTH = 8
"""Characters; blanking out shorter values ("1", "gzip") inside words would make errors
unreadable."""

MAX_LINE, MAX_TEXT = 1000, 2000
"""Characters that are kept of a message, and of a body."""


class Secret:
    """A key that shows itself only when asked to: not in a repr, a dict, a log or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("API keys are not pickled; give the other process its key by environment.")


Secrets = Collection[Secret | str]
"""Texts to blank out."""

_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # a terminal's colours and movements
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # its title and links
    r"|[\x00-\x08\x0e-\x1f\x7f-\x9f]"
    r"|[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"  # unseen, or reversing
)


def redact(text: str, secrets: Secrets = (), *, limit: int = MAX_TEXT) -> str:
    r"""Return what a server said as it may be shown: in errors, logs, events and on a terminal.

    Control characters are left out before keys are looked for, as one could hide in the other;
    the text is shortened last, or half a key would be left.

    >>> redact("bad key sk-0123456789\x1b[31m!", ["sk-0123456789"])
    'bad key ***!'

    Args:
        text: From outside.
        secrets: Texts to blank out.
        limit: Characters to keep.
    """
    text = _CONTROL.sub("", _LINE_ENDS.sub("\n", text))
    return scrub(text, secrets)[:limit]


def redact_line(text: str, secrets: Secrets = (), *, limit: int = MAX_LINE) -> str:
    """Do the same, as one line: a server is to write no lines of its own into a log."""
    line = " ".join(redact(text, secrets, limit=4 * limit).split())
    return line if len(line) <= limit else f"{line[:limit]}…"


def scrub(text: str, secrets: Secrets) -> str:
    """Blank out secrets in a text, also as JSON, URLs and HTML write them.

    One shorter than `MIN_SECRET_LENGTH` is blanked out only where it stands alone: the key
    "gpt" is not to hide the name of a model.
    """
    plain = (each.reveal() if isinstance(each, Secret) else each for each in secrets)
    for secret in sorted(filter(None, plain), key=len, reverse=True):
        for written in _spellings(secret):
            if len(secret) >= MIN_SECRET_LENGTH:
                text = text.replace(written, "***")
            else:
                alone = rf"(?<![\w.-]){re.escape(written)}(?![\w-]|\.\w)"
                text = re.sub(alone, "***", text)
    return text


def _spellings(secret: str) -> set[str]:
    as_json = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    return {
        secret,
        *as_json,
        *(each.replace("/", "\\/") for each in as_json),
        quote(secret, safe=""),
        quote(secret),
        html.escape(secret),
    }
