"""The splice: what a resumed response repeats is taken out, and nothing else.

A model asked for the rest does one of four things: it continues at once; it first repeats some of
what stood last, as it is asked to (the *anchor*); it starts over; or it announces that it will
continue, and then does one of the others. The text of a resumed response is compared with what the
reader has seen, in folded form (`fold`: white space and the shape of quotes do not count).
Every place of the seen text is a *candidate* that the response may be repeating:

=============  ======================================  =====================================
candidate      holds when                              then
=============  ======================================  =====================================
open           the text so far is a proper part of      hold the text back: it may yet turn
               the seen text from there on             out to be a repetition
complete       it begins with everything from          take that much out, if no open
               there to the end of the seen text       candidate is left that says more
ruled out      a character differs                     -
=============  ======================================  =====================================

A restart is the candidate at position 0. With no candidate left open the longest complete one
wins, and from then on text passes untouched: repetition later in an answer is the author's.
Unrelated text is decided after a handful of characters, since few short strings of an answer
occur twice. Rules that keep an honest text whole where it merely looks repeated:

- *The anchor* decides alone: it is chosen to occur only once, so a response that begins with it
  repeats exactly that.
- `overlap` has the floors below which nothing counts, `joint` what happens to white space.

A response that repeats the beginning at length and then differs is a fresh answer, not a
continuation: `mismatch` says so, and nothing of it is let through.
"""

from __future__ import annotations

from holysheep_core.resume.joint import blank_after_repetition, blank_before_text
from holysheep_core.resume.normalize import Folded, fold, is_inside_fence
from holysheep_core.resume.overlap import WINDOW, SeenText, is_evidence
from holysheep_core.resume.preamble import (
    MIN_PROOF,
    announcement_of,
    decoration_of,
    introduction_of,
    wrapping_of,
)

MAX_ANCHOR = 400


def is_provable(seen: str) -> bool:
    """Tell whether there is enough text for a continuation of it to be recognised as one."""
    return len(fold(seen)) >= MIN_PROOF


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
    while length < min(len(seen), MAX_ANCHOR) and (
        seen.find(seen[-length:]) < len(seen) - length or not is_provable(seen[-length:])
    ):
        length = min(length * 2, len(seen))
    start = len(seen) - length
    blank = seen.rfind(" ", max(0, start - characters // 2), start)
    return seen[blank + 1 if blank >= 0 else start :]


class Stitcher:
    r"""Joins one resumed response to the text that was seen before it.

    >>> stitcher = Stitcher("The quick brown fox", anchor="brown fox")
    >>> stitcher.feed("Sure, continuing:\n\n"), stitcher.feed("brown fox ju"), stitcher.feed("mps")
    ('', ' ju', 'mps')

    Args:
        seen: The text the reader has.
        anchor: The suffix of it that the model was asked to repeat ("" if it was not asked).
        replay: The response answers the original request again and so must begin with `seen`.
        prefilled: The model was given `seen`, without the white space at its end, to continue:
            it repeats all of it again or nothing.
        max_held: Characters that are held at most for anything but a restart, whose text the
            reader has already.

    Attributes:
        decided: No text is held back any more.
        removed: Characters of the response that were taken out.
        held: The most characters that were held back at once.
        mismatch: The response is a different answer; none of it may be shown.
    """

    def __init__(
        self,
        seen: str,
        *,
        anchor: str = "",
        replay: bool = False,
        prefilled: bool = False,
        max_held: int = WINDOW,
    ) -> None:
        self._seen = SeenText(seen, whole_only=replay or prefilled)
        self._anchor = fold(anchor)
        self._replay = replay
        self._prefilled = prefilled
        self._max_held = max_held
        self._held = ""
        self._restart: int | None = None  # from there on, it is the beginning to the letter
        self._closer = ""  # what the words asked for were wrapped in, and may be again
        self.decided = not seen
        self.removed = 0
        self.held = 0
        self.mismatch = False

    def feed(self, text: str) -> str:
        """Take new text of the response and return what of it may be shown now."""
        if self.decided:
            return text
        if not text or self.mismatch:
            return ""
        at = len(self._held) - (self._restart or 0)
        self._held += text
        self.held = max(self.held, len(self._held))
        if self._restart is not None and at + len(text) < len(self._seen.text):
            # The long way of a restart, without looking at all of it at every step.
            if self._seen.text.startswith(text, at):
                return ""
            self._restart = None
        return self._judge(final=False)

    def close(self, *, limited: bool = False) -> str:
        """Decide now, because the response ended well, and return what may be shown.

        Args:
            limited: It ended at its token limit, so that a repetition may have been begun only.
        """
        if self.decided or self.mismatch:
            return ""
        held = fold(self._held)
        begun = held and self._anchor.startswith(held) and held != self._anchor
        if begun and (limited or is_evidence(held)):
            return ""  # the words it was asked to repeat, and not even all of them
        seen = self._seen.folded
        unfinished = seen.startswith(held) and held != seen
        if unfinished and is_evidence(held) and not seen.endswith(held):
            self.mismatch = not limited
            return ""
        return self._judge(final=True)

    def hurry(self) -> str:
        """Decide now, because the text was held long enough; a restart may still continue."""
        keeps = self.decided or self._restart is not None
        return "" if keeps else self._judge(final=True)

    # -- deciding ---------------------------------------------------------------------------

    def _judge(self, *, final: bool) -> str:
        held, start = self._held, 0
        if not self._seen.folded:  # nothing but white space was seen, and it comes again
            return self._join_after_repetition(0, final=final)
        final = final or len(held) > self._max_held
        while True:
            announced = (
                0 if self._replay or self._is_anchored(start) else announcement_of(held[start:])
            )
            if announced is None and not final:
                return ""
            if announced:
                start += announced
                continue
            end = self._end_of_repetition(start, final=final)
            if end is None or self.mismatch:
                return ""
            lead = self._lead(start, end, final=final)
            if lead is None and not final:
                return ""
            if lead:
                start += lead
                continue
            if end or self._prefilled:
                return self._join_after_repetition(end or start, final=final)
            return self._join_clean(start)

    def _lead(self, start: int, end: int, *, final: bool) -> int | None:
        """Return how much of the response stands before its text; None if more is needed to tell.

        A repetition up to `end` rules it out, unless it is of so few words that they may as well
        be the first ones of an introduction.
        """
        if len(fold(self._held[start:end])) >= MIN_PROOF:
            return 0
        text = self._held[start:]
        wrapped, closer = wrapping_of(text, self._anchor)
        if wrapped:
            self._closer = closer
        if wrapped or (wrapped is None and not final):
            return wrapped
        once = self._seen.folded.count(self._anchor) == 1
        introduced = introduction_of(text, self._anchor, self._seen.text) if once else 0
        if introduced or end or (introduced is None and not final):
            return introduced
        return decoration_of(
            text,
            inside_fence=is_inside_fence(self._seen.text),
            after_dot=self._seen.text.endswith((".", "…")),
        )

    def _end_of_repetition(self, start: int, *, final: bool) -> int | None:
        """Return where the repetition that begins at `start` ends; 0 if there is none.

        None if more text is needed to tell.
        """
        response = Folded(self._held[start:])
        said = response.text
        if not said:
            return 0 if final else None
        if self._is_anchored(start):
            return start + response.end_of(len(self._anchor))
        overlap = self._seen.overlap(said)
        if (overlap.is_open or self._anchor.startswith(said)) and not final:
            restarts = self._seen.text.startswith(self._held[start:])
            self._restart = start if restarts else None
            return None
        if overlap.is_different or (self._replay and not overlap.length):
            self.mismatch = True
        return start + response.end_of(overlap.length) if overlap.length else 0

    def _is_anchored(self, start: int) -> bool:
        return bool(self._anchor) and fold(self._held[start:]).startswith(self._anchor)

    # -- joining ----------------------------------------------------------------------------

    def _join_after_repetition(self, end: int, *, final: bool) -> str:
        rest, closer = self._held[end:], self._closer
        if closer and len(rest) < len(closer) and closer.startswith(rest) and not final:
            return ""
        if closer and rest.startswith(closer):
            end += len(closer)
            rest = self._held[end:]
        if not rest.strip() and not final:
            return ""  # the white space at the splice point, perhaps not all of it
        return self._release(end + blank_after_repetition(self._seen.text, rest))

    def _join_clean(self, start: int) -> str:
        return self._release(start + blank_before_text(self._seen.text, self._held[start:]))

    def _release(self, start: int) -> str:
        self.decided = True
        self.removed = start
        text, self._held = self._held[start:], ""
        return text
