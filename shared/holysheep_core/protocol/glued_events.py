"""Data of one event that is several values: what a server or a gateway glued together.

=====================================  ==========================================
data                                   comes from
=====================================  ==========================================
`{…}{…}`, `{…},{…}`                    two writes, one event
`{…}data: {…}`, `data: {…}`            a field's name written once more
`[{…}, {…}]`, `[{"error": …}]`         chunks in a list; Google's errors
`"[DONE]"`, `"ping"`, `true`           a value that is no object, so no chunk
=====================================  ==========================================

Only what is whole to its last byte is taken apart. Anything else is damage.
"""

from __future__ import annotations

import json
import re

from holysheep_core.protocol.wire import DONE

_MOST_BYTES = 1024 * 1024
"""Larger data is damage: millions of small values would take much more memory than they have."""
_BETWEEN = re.compile(r"(?:[\s,]|data:)*")
_DONE = DONE.decode()
_read = json.JSONDecoder(strict=False).raw_decode


def values_in(data: bytes) -> list[bytes] | None:
    r"""Return the whole values that data is made of; None if a part of it is no whole value.

    >>> values_in(b'{"a": 1}data: {"b": 2}data: [DONE]')
    [b'{"a": 1}', b'{"b": 2}', b'[DONE]']
    >>> values_in(b'"ping"')
    [b'ping']
    >>> values_in(b'{"a": 1}{"b":') is None
    True

    Args:
        data: What is no chunk as it stands.

    Returns:
        Objects and `[DONE]` as they came; of a list its objects; of a text what it says. Other
        values say nothing and are left out. Never the data itself as the only value.
    """
    if len(data) > _MOST_BYTES:
        return None
    try:
        found = _values(data.decode())
    except (ValueError, RecursionError):
        return None
    values = [each.encode("utf-8", "surrogatepass") for each in found]
    return None if values == [data.strip()] else values


def _values(text: str) -> list[str]:
    """Raise `ValueError` if a part is no whole value."""
    found: list[str] = []
    at = _end_of_gap(text, 0)
    while at < len(text):
        if text.startswith(_DONE, at):
            found.append(_DONE)
            end = at + len(_DONE)
        else:
            value, end = _read(text, at)
            found += _parts(value, text[at:end])
        at = _end_of_gap(text, end)
    return found


def _parts(value: object, written: str) -> list[str]:
    if isinstance(value, dict):
        return [written]
    if isinstance(value, list):
        return [json.dumps(each) for each in value if isinstance(each, dict)]
    return [value] if isinstance(value, str) and value.strip() else []


def _end_of_gap(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return at if found is None else found.end()
