"""What of an unfinished JSON text may be shown: no value that a later delta changes."""

from __future__ import annotations

import re

_OPEN_NUMBER = re.compile(r"[:\[,]\s*(-?[0-9][-+0-9.eE]*|-)$")
_ESCAPED = re.compile(r"\\.", re.DOTALL)


def without_open_number(text: str) -> str:
    r"""Return an unfinished JSON text without a number at its end, which may have more digits.

    A string is text as far as it goes; a number is another one with each digit: 1 of 1000 would
    pass for an amount.

    >>> without_open_number('{"sheep": 10'), without_open_number('{"sheep": 10,')
    ('{"sheep": ', '{"sheep": 10,')
    >>> without_open_number('{"said": "sheep: 10')
    '{"said": "sheep: 10'
    """
    found = _OPEN_NUMBER.search(text)
    if found is None or _ESCAPED.sub("", text[: found.start()]).count('"') % 2:
        return text  # no number, or one inside a string
    return text[: found.start(1)]
