"""Text as it is compared at a splice point: without white space, and with plain quotes and dashes.

A model that repeats its last words may break the line elsewhere, drop a space at the end, or
write “ ” where it wrote " " before. None of that makes it another text.
"""

from __future__ import annotations

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»＂", '"'),  # noqa: RUF001 - these are what is replaced
        **dict.fromkeys("‘’‚‛`´＇", "'"),  # noqa: RUF001 - likewise
        **dict.fromkeys("‐‑‒–—―−", "-"),  # noqa: RUF001 - likewise
    }
)
_FENCE = "```"


class Folded:
    """A text and its folded form, with the way back from one to the other.

    >>> folded = Folded("say  “hi” now")
    >>> folded.text, folded.end_of(6)
    ('say"hi"now', 8)
    """

    def __init__(self, text: str) -> None:
        self._at = [i for i, character in enumerate(text) if not character.isspace()]
        # Every character folds to one, so positions in both forms correspond.
        self.text = "".join(text.split()).translate(_PLAIN)

    def end_of(self, count: int) -> int:
        """Return where, in the text as written, the first `count` folded characters end."""
        return self._at[count - 1] + 1 if count else 0

    def start_of(self, position: int) -> int:
        """Return where, in the text as written, the folded character of that position stands."""
        return self._at[position]


def fold(text: str) -> str:
    """Return the folded form alone."""
    return "".join(text.split()).translate(_PLAIN)


def common_prefix(a: str, b: str) -> int:
    """Return how many characters two texts begin with in common."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[:middle] == b[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def is_inside_fence(text: str) -> bool:
    """Tell whether a Markdown code fence is open at the end of a text."""
    return sum(line.lstrip().startswith(_FENCE) for line in text.split("\n")) % 2 == 1
