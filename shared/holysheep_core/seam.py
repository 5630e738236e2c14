"""The splice: what a resumed answer says again is taken out, and nothing else.

A model asked to go on does one of three things: it goes on at once, it first repeats some of
what stood last (as it is asked to, see `anchor`), or it starts over. So the text of a resumed
leg is compared with what the reader has seen. Every place of the seen text is a *candidate*
from which the leg may be repeating; each new character rules most of them out:

=============  ======================================  =====================================
candidate      holds when                              then
=============  ======================================  =====================================
open           the leg so far is a proper part of      hold the text back: it may yet turn
               the seen text from there on             out to be a repetition
complete       the leg begins with everything from     take that much out, if no open
               there to the end of the seen text       candidate is left that says more
ruled out      a character differs                     -
=============  ======================================  =====================================

A restart is the candidate at position 0. With no candidate left open the longest complete one
wins, and from then on text passes untouched: repetition later in an answer is the author's.
Unrelated text is decided after a handful of characters, since few short strings of an answer
occur twice.

Three rules keep an honest text whole where it merely looks repeated:

- *Floors.* An overlap counts from 4 code points and 6 bytes of non-blank text (Korean reaches
  the second early, "ha ha" the first late); indentation is no evidence.
- *Rhythm.* Where the seen text already ended in repetition ("하하하하", a table's rule), more
  of it is no evidence either.
- *The anchor.* The words the model was asked to repeat are chosen so that they occur only
  once; if the leg begins with them, the overlap is exactly those, rhythm or not.

A leg that repeats the beginning at length and then differs is a fresh answer, not a
continuation: `mismatch` says so, and nothing of it is let through.
"""

from __future__ import annotations

MIN_CODE_POINTS = 4
MIN_BYTES = 6
WINDOW = 4000
"""How far back from its end, in characters, the seen text is searched for a repetition."""
RESTART_EVIDENCE = 40
"""Characters of the beginning, said again, that prove a restart even if it then differs."""
MAX_ANCHOR = 400


def is_evidence(text: str) -> bool:
    """Tell whether a text is long enough for its repetition to be no coincidence."""
    core = text.strip()
    return len(core) >= MIN_CODE_POINTS and len(core.encode("utf-8", "surrogatepass")) >= MIN_BYTES


def choose_anchor(seen: str, characters: int) -> str:
    """Choose the last words of a text that a model shall begin by repeating.

    Args:
        seen: The text so far.
        characters: About how many characters to quote.

    Returns:
        A suffix of `seen` that starts at a word where one is near, and that occurs only once
        in `seen` unless 400 characters are not enough for that.
    """
    length = min(len(seen), characters)
    while length < min(len(seen), MAX_ANCHOR) and seen.find(seen[-length:]) < len(seen) - length:
        length = min(length * 2, len(seen))
    start = len(seen) - length
    blank = seen.rfind(" ", max(0, start - characters // 2), start)
    return seen[blank + 1 if blank >= 0 else start :]


class Seam:
    """Joins one resumed leg to the text that was seen before it.

    >>> seam = Seam("The quick brown fox", anchor="brown fox")
    >>> seam.feed("brown"), seam.feed(" fox ju"), seam.feed("mps")
    ('', ' ju', 'mps')

    Args:
        seen: The text the reader has.
        anchor: The suffix of it that the model was asked to repeat ("" if it was not asked).
        replay: The leg answers the original request again and so must begin with `seen`.

    Attributes:
        decided: No text is held back any more.
        removed: Characters taken out as said already.
        mismatch: The leg is a different answer; none of it may be shown.
    """

    def __init__(self, seen: str, *, anchor: str = "", replay: bool = False) -> None:
        self._seen = seen
        self._anchor = anchor
        self._replay = replay
        self._held: list[str] = []
        self._length = 0
        self._open: list[int] | None = None  # positions in `seen`; None before the first text
        self._overlap = 0  # the longest complete candidate that counts
        self._restarted = 0  # characters of the beginning that were said again
        self.decided = not seen
        self.removed = 0
        self.mismatch = False

    def feed(self, text: str) -> str:
        """Take new text of the leg and return what of it may be shown now."""
        if self.decided:
            return text
        if not text or self.mismatch:
            return ""
        self._rule_out(text)
        self._held.append(text)
        self._length += len(text)
        return "" if self._open else self._decide()

    def close(self, *, limited: bool = False) -> str:
        """Decide now, because the leg ended well, and return what may be shown.

        Args:
            limited: It ended at its token limit, so that a repetition may have been begun only.
        """
        if self.decided or self.mismatch:
            return ""
        if self._open and not self._overlap:
            held = "".join(self._held)
            begun = self._anchor.startswith(held) or self._restarted == self._length
            if begun and (limited or self._anchor.startswith(held)):
                return ""
            if begun and is_evidence(held):
                self.mismatch = True
                return ""
        return self._decide()

    def _rule_out(self, text: str) -> None:
        seen, offset = self._seen, self._length
        if self._open is None:
            self._open = self._places_of(text[0])
        still_open = []
        for start in self._open:
            ahead = seen[start + offset : start + offset + len(text)]
            if not text.startswith(ahead):
                if start == 0:
                    self._restarted = offset + _common_prefix(ahead, text)
            elif start + offset + len(text) < len(seen):
                still_open.append(start)
            elif seen[start:] == self._anchor:
                # What was asked for came. Longer candidates are the text's own repetition.
                self._overlap = len(self._anchor)
                self._open = []
                return
            elif self._counts(overlap := seen[start:]):
                self._overlap = max(self._overlap, len(overlap))
        if still_open and still_open[0] == 0:
            self._restarted = offset + len(text)
        self._open = still_open

    def _places_of(self, character: str) -> list[int]:
        if self._replay:
            return [0]
        seen = self._seen
        places = [0] if len(seen) > WINDOW else []
        at = seen.find(character, max(0, len(seen) - WINDOW))
        while at >= 0:
            places.append(at)
            at = seen.find(character, at + 1)
        return places

    def _counts(self, overlap: str) -> bool:
        if self._replay or len(overlap) == len(self._seen):
            return True
        return is_evidence(overlap) and not self._is_rhythm(overlap)

    def _is_anchored(self) -> bool:
        return 0 < self._overlap == len(self._anchor)

    def _is_rhythm(self, overlap: str) -> bool:
        if self._seen[: -len(overlap)].endswith(overlap):
            return True
        # A text that occurs in its own doubling before the middle is made of equal parts.
        return (overlap + overlap).find(overlap, 1) <= len(overlap) // 2

    def _decide(self) -> str:
        # The beginning was said again, further than any repeated ending would explain.
        fresh = self._overlap < self._restarted < len(self._seen) and not self._is_anchored()
        if (fresh and self._restarted >= RESTART_EVIDENCE) or (self._replay and not self._overlap):
            self.mismatch = True
            return ""
        self.decided = True
        self.removed = self._overlap
        text = "".join(self._held)[self._overlap :]
        self._held.clear()
        return text


def _common_prefix(a: str, b: str) -> int:
    count = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        count += 1
    return count
