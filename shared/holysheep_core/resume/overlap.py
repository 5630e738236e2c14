"""The evidence that a resumed text repeats what was seen: where it does, and whether that counts.

All comparisons are of folded text (`normalize`). Rules that keep an honest text whole where it
merely looks repeated:

- *Floors.* An overlap counts from 4 code points and 6 bytes of text (Korean reaches the second
  early, "ha ha" the first late).
- *Rhythm.* Where the seen text already ended in repetition ("하하하하", a table's rule), more
  of it is no evidence.
"""

from __future__ import annotations

from typing import NamedTuple

from holysheep_core.resume.joint import ENDS_OF_SENTENCES
from holysheep_core.resume.normalize import Folded, common_prefix

MIN_CODE_POINTS = 4
MIN_BYTES = 6
WINDOW = 4000
"""How far back from its end, in folded characters, the seen text is searched."""
RESTART_EVIDENCE = 24
"""Folded characters (some 35 as written) of the beginning, said again, that prove a restart
even if it then differs."""
MID_SENTENCE_EVIDENCE = 12
"""As many suffice where the seen text stopped in the middle of a sentence."""
_PROBE = 12


def is_evidence(text: str) -> bool:
    """Tell whether a text is long enough for its repetition to be no coincidence."""
    core = text.strip()
    return len(core) >= MIN_CODE_POINTS and len(core.encode("utf-8", "surrogatepass")) >= MIN_BYTES


class Overlap(NamedTuple):
    """How much of the seen text's end a resumed text begins with.

    Attributes:
        length: Folded characters of the longest repetition that counts; 0 for none.
        is_open: The text so far may yet become a longer one.
        is_different: It repeats the beginning at length and then says something else.
    """

    length: int
    is_open: bool
    is_different: bool


class SeenText:
    """The text a reader has, as it is compared with a resumed one.

    Args:
        text: The text.
        whole_only: A resumed text repeats all of it or nothing.

    Attributes:
        text: The text as written.
        folded: The text as it is compared.
    """

    def __init__(self, text: str, *, whole_only: bool) -> None:
        self.text = text
        self._written = Folded(text)
        self.folded = self._written.text
        self._whole_only = whole_only

    def overlap(self, said: str) -> Overlap:
        """Compare the beginning of a resumed text, folded."""
        seen, length, is_open = self.folded, 0, False
        for place in self._places(said):
            ahead = seen[place : place + len(said)]
            if not said.startswith(ahead):
                continue
            if place + len(said) < len(seen):
                is_open = True
            elif len(ahead) > length and self._counts(place):
                length = len(ahead)
        restarted = common_prefix(said, seen)
        differs = length < restarted < len(seen) and self._is_fresh(restarted)
        return Overlap(length, is_open, differs)

    def _places(self, said: str) -> list[int]:
        seen = self.folded
        if self._whole_only:
            return [0]
        probe = said[:_PROBE]
        places = [0]
        at = seen.find(probe, max(1, len(seen) - WINDOW))
        while at >= 0:
            places.append(at)
            at = seen.find(probe, at + 1)
        # Endings of the seen text that are shorter than the probe.
        places += range(max(1, len(seen) - len(probe) + 1), len(seen))
        return places

    def _counts(self, place: int) -> bool:
        if place == 0:
            return True
        written = self.text[self._written.start_of(place) :]
        return is_evidence(written) and not self._is_rhythm(self.folded[place:])

    def _is_rhythm(self, overlap: str) -> bool:
        if self.folded[: -len(overlap)].endswith(overlap):
            return True
        # A text that occurs in its own doubling before the middle is made of equal parts.
        return (overlap + overlap).find(overlap, 1) <= len(overlap) // 2

    def _is_fresh(self, restarted: int) -> bool:
        last = self.text[-1:]
        stopped_mid_sentence = not last.isspace() and last not in ENDS_OF_SENTENCES
        return restarted >= (MID_SENTENCE_EVIDENCE if stopped_mid_sentence else RESTART_EVIDENCE)
