"""The end of a JSON object or array: whatever follows it is no part of the answer.

Models put a JSON value into a code fence when they repeat it, and add a remark behind the fence.
"""

from __future__ import annotations


class EndOfJson:
    r"""Lets a JSON value through up to its end, and nothing after that.

    >>> end = EndOfJson('{"name": "양", "legs": [4')
    >>> end.feed(', 4]'), end.feed('}\n```\nThat is all.'), end.is_open
    (', 4]', '}', False)

    Args:
        begun: The beginning of the value.

    Attributes:
        held: Nothing is ever held back.
    """

    held = ""

    def __init__(self, begun: str = "") -> None:
        self._depth = 0
        self._in_string = self._escaped = False
        self._ended = False
        self.feed(begun)

    @property
    def is_open(self) -> bool:
        """The value has begun and is not complete."""
        return bool(self._depth)

    def feed(self, text: str) -> str:
        """Take text; return what of it belongs to the value."""
        if self._ended:
            return ""
        for at, character in enumerate(text):
            if self._in_string:
                self._in_string = self._escaped or character != '"'
                self._escaped = character == "\\" and not self._escaped
            elif character == '"':
                self._in_string = True
            elif character in "{[":
                self._depth += 1
            elif character in "}]":
                self._depth -= 1
                if not self._depth:
                    self._ended = True
                    return text[: at + 1]
        return text

    def close(self) -> str:
        """Return what was held: nothing."""
        return ""
