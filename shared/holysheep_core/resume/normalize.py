"""Text as it is compared at a splice point, with the way back to the text as written.

Two texts count as the same where only white space, letter case, full-width forms, composed or
decomposed letters, and the shape of quotes and dashes differ. `words` drops punctuation and
Markdown marks as well, for models that mend what they repeat.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_PLAIN = {
    **dict.fromkeys("“”„‟«»＂", '"'),  # noqa: RUF001 - these are what is replaced
    **dict.fromkeys("‘’‚‛`´＇", "'"),  # noqa: RUF001 - likewise
    **dict.fromkeys("‐‑‒–—―−", "-"),  # noqa: RUF001 - likewise
    "。": ".",
    "、": ",",
}
_INVISIBLE = frozenset("\u200b\u2060\ufeff\u00ad")
_ESCAPE = re.compile(r"\\[nrt\"'/\\]|\\u[0-9a-fA-F]{4}|&(?:amp|lt|gt|quot|#39);")
_EMOJI = 0x2000


@lru_cache(maxsize=20_000)
def _fold_character(character: str) -> str:
    if character.isspace() or character in _INVISIBLE:
        return ""
    plain = _PLAIN.get(character)
    return plain or "".join(unicodedata.normalize("NFKD", character).casefold().split())


def fold(text: str) -> str:
    """Return the folded form alone."""
    return "".join(map(_fold_character, text))


class Folded:
    """A text that grows, its folded form, and the way back from one to the other.

    >>> folded = Folded("say  “Hi” now")
    >>> folded.text, folded.end_of(6)
    ('say"hi"now', 8)
    """

    def __init__(self, text: str = "") -> None:
        self._parts: list[str] = []
        self._text = ""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.length = 0
        self.add(text)

    @property
    def text(self) -> str:
        """The folded form."""
        if self._parts:
            self._text += "".join(self._parts)
            self._parts = []
        return self._text

    def add(self, text: str) -> str:
        """Append text; return what it adds to the folded form."""
        new = []
        for at, character in enumerate(text, self.length):
            folded = _fold_character(character)
            if folded:
                new.append(folded)
                self._starts += [at] * len(folded)
                self._ends += [at + 1] * len(folded)
        self.length += len(text)
        added = "".join(new)
        self._parts.append(added)
        return added

    def start_of(self, position: int) -> int:
        """Return where, in the text as written, the folded character of that position stands."""
        return self._starts[position] if position < len(self._starts) else self.length

    def end_of(self, count: int) -> int:
        """Return where, in the text as written, the first `count` folded characters end."""
        return self._ends[count - 1] if count else 0

    def is_boundary(self, count: int) -> bool:
        """Tell whether the first `count` folded characters are whole characters as written."""
        return count in (0, len(self._ends)) or self._ends[count] != self._ends[count - 1]

    def words(self) -> Words:
        """Return the letters, digits and emoji alone."""
        return Words(self)


class Words:
    """The letters, digits, marks and emoji of a text, and where they stand in its folded form.

    Attributes:
        text: These characters.
        at: Their positions in the folded form.
    """

    def __init__(self, folded: Folded) -> None:
        self.at = [i for i, character in enumerate(folded.text) if is_word(character)]
        self.text = "".join(folded.text[i] for i in self.at)


def is_word(character: str) -> bool:
    """Tell whether a character is a letter, a digit, a combining mark or an emoji."""
    kind = unicodedata.category(character)[0]
    return kind in "LNM" or (kind == "S" and ord(character) > _EMOJI)


def has_words(text: str) -> bool:
    """Tell whether a text has more than punctuation and white space."""
    return any(map(is_word, text))


def weight(folded: str) -> int:
    """Return how much a folded text proves: wide characters say as much as two letters."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" and c > "ᇿ" else 1 for c in folded)


def unescaped(text: str) -> tuple[str, list[int]] | None:
    """Return a text without its JSON or HTML escapes, and where each character ended before.

    None where it has none.
    """
    if not _ESCAPE.search(text):
        return None
    characters: list[str] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        escape = _ESCAPE.match(text, at)
        end = escape.end() if escape else at + 1
        characters.append(_unescape(escape.group()) if escape else text[at])
        ends.append(end)
        at = end
    return "".join(characters), ends


def _unescape(escape: str) -> str:
    if escape.startswith("\\u"):
        return chr(int(escape.removeprefix("\\u"), base=16))
    names = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'"}
    blanks = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}
    return names.get(escape) or blanks.get(escape) or escape[-1]


def common_suffix(a: str, b: str) -> int:
    """Return how many characters two texts end with in common."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[len(a) - middle :] == b[len(b) - middle :]:
            low = middle
        else:
            high = middle - 1
    return low


def is_periodic(text: str) -> bool:
    """Tell whether a text is made of equal parts, as "하하하하" and a table's rule are."""
    return len(text) > 1 and (text + text).find(text, 1) <= len(text) // 2
