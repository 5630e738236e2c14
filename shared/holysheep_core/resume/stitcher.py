"""The splice: what a resumed answer says again is taken out, and nothing else.

A model asked to go on does one of four things: it goes on at once; it first repeats some of
what stood last, as it is asked to (the *anchor*); it starts over; or it announces that it will
go on, and then does one of the others. The text of a resumed leg is compared with what the
reader has seen, in folded form (`fold`: white space and the shape of quotes do not count).
Every place of the seen text is a *candidate* from which the leg may be repeating:

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
occur twice. Rules that keep an honest text whole where it merely looks repeated:

- *The anchor* decides alone: it is chosen to occur only once, so a leg that begins with it
  repeats exactly that.
- *Floors.* Any other overlap counts from 4 code points and 6 bytes of text (Korean reaches the
  second early, "ha ha" the first late).
- *Rhythm.* Where the seen text already ended in repetition ("하하하하", a table's rule), more
  of it is no evidence.

White space at the joint: what the seen text ended with is not given a second time; a paragraph
break in the middle of a sentence is a model's way to begin a message, and is taken out.

A leg that repeats the beginning at length and then differs is a fresh answer, not a
continuation: `mismatch` says so, and nothing of it is let through.
"""

from __future__ import annotations

from holysheep_core.resume.introduction import MIN_PROOF, introduction_of, wrapping_of
from holysheep_core.resume.normalize import Folded, common_prefix, fold, is_inside_fence
from holysheep_core.resume.preamble import announcement_of, decoration_of

MIN_CODE_POINTS = 4
MIN_BYTES = 6
WINDOW = 4000
"""How far back from its end, in folded characters, the seen text is searched."""
RESTART_EVIDENCE = 24
"""Folded characters (some 35 as written) of the beginning, said again, that prove a restart
even if it then differs."""
MID_SENTENCE_EVIDENCE = 12
"""As many suffice where the seen text stopped in the middle of a sentence."""
MAX_ANCHOR = 400
_PROBE = 12
_PROSE_LINE = 12
_ENDS_OF_SENTENCES = ".!?:;。！？：；…\"'”’)]}>`|*_~"  # noqa: RUF001 - full-width on purpose
_MARKUP = "#|>*-+=`<"
_CASELESS = (range(0xAC00, 0xD7A4), range(0x3040, 0x3100), range(0x4E00, 0xA000))


def is_evidence(text: str) -> bool:
    """Tell whether a text is long enough for its repetition to be no coincidence."""
    core = text.strip()
    return len(core) >= MIN_CODE_POINTS and len(core.encode("utf-8", "surrogatepass")) >= MIN_BYTES


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
    r"""Joins one resumed leg to the text that was seen before it.

    >>> seam = Seam("The quick brown fox", anchor="brown fox")
    >>> seam.feed("Sure, continuing:\n\n"), seam.feed("brown fox ju"), seam.feed("mps")
    ('', ' ju', 'mps')

    Args:
        seen: The text the reader has.
        anchor: The suffix of it that the model was asked to repeat ("" if it was not asked).
        replay: The leg answers the original request again and so must begin with `seen`.
        prefilled: The model was given `seen`, without the white space at its end, to go on with:
            it says all of it again or nothing.
        max_held: Characters that are held at most for anything but a restart, whose text the
            reader has already.

    Attributes:
        decided: No text is held back any more.
        removed: Characters of the leg that were taken out.
        held: The most characters that were held back at once.
        mismatch: The leg is a different answer; none of it may be shown.
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
        self._seen = seen
        self._written = Folded(seen)
        self._folded = self._written.text
        self._anchor = fold(anchor)
        self._replay = replay
        self._prefilled = prefilled
        self._max_held = max_held
        self._held = ""
        self._restarting = False  # from `_restart` on, the leg is the beginning to the letter
        self._restart = 0
        self._closer = ""  # what the words asked for were wrapped in, and may be again
        self.decided = not seen
        self.removed = 0
        self.held = 0
        self.mismatch = False

    def feed(self, text: str) -> str:
        """Take new text of the leg and return what of it may be shown now."""
        if self.decided:
            return text
        if not text or self.mismatch:
            return ""
        at = len(self._held) - self._restart
        self._held += text
        self.held = max(self.held, len(self._held))
        if self._restarting and at + len(text) < len(self._seen):
            # The long way of a restart, without looking at all of it at every step.
            self._restarting = self._seen.startswith(text, at)
            if self._restarting:
                return ""
        return self._judge(final=False)

    def close(self, *, limited: bool = False) -> str:
        """Decide now, because the leg ended well, and return what may be shown.

        Args:
            limited: It ended at its token limit, so that a repetition may have been begun only.
        """
        if self.decided or self.mismatch:
            return ""
        held = fold(self._held)
        begun = held and self._anchor.startswith(held) and held != self._anchor
        if begun and (limited or is_evidence(held)):
            return ""  # the words it was asked to repeat, and not even all of them
        unfinished = self._folded.startswith(held) and held != self._folded
        if unfinished and is_evidence(held) and not self._folded.endswith(held):
            self.mismatch = not limited
            return ""
        return self._judge(final=True)

    def hurry(self) -> str:
        """Decide now, because the text was held long enough; a restart may still go on."""
        return "" if self.decided or self._restarting else self._judge(final=True)

    # -- deciding ---------------------------------------------------------------------------

    def _judge(self, *, final: bool) -> str:
        held, start = self._held, 0
        if not self._folded:  # nothing but white space was seen, and it comes again
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
        """Return how much of the leg stands before its text; None if more is needed to tell.

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
        once = self._folded.count(self._anchor) == 1
        introduced = introduction_of(text, self._anchor, self._seen) if once else 0
        if introduced or end or (introduced is None and not final):
            return introduced
        return decoration_of(
            text,
            inside_fence=is_inside_fence(self._seen),
            after_dot=self._seen.endswith((".", "…")),
        )

    def _end_of_repetition(self, start: int, *, final: bool) -> int | None:
        """Return where in the leg the repetition ends that begins at `start`; 0 if there is none.

        None if more text is needed to tell.
        """
        leg = Folded(self._held[start:])
        said, seen = leg.text, self._folded
        if not said:
            return 0 if final else None
        if self._is_anchored(start):
            return start + leg.end_of(len(self._anchor))
        overlap, is_open = self._overlap(said)
        if self._anchor.startswith(said):
            is_open = True
        restarted = common_prefix(said, seen)
        if is_open and not final:
            self._restarting = self._seen.startswith(self._held[start:])
            self._restart = start
            return None
        if (overlap < restarted < len(seen) and self._is_fresh(restarted)) or (
            self._replay and not overlap
        ):
            self.mismatch = True
        return start + leg.end_of(overlap) if overlap else 0

    def _is_anchored(self, start: int) -> bool:
        return bool(self._anchor) and fold(self._held[start:]).startswith(self._anchor)

    def _overlap(self, said: str) -> tuple[int, bool]:
        """Return the longest complete candidate that counts, and whether one is still open."""
        seen, overlap, is_open = self._folded, 0, False
        for place in self._places(said):
            ahead = seen[place : place + len(said)]
            if not said.startswith(ahead):
                continue
            if place + len(said) < len(seen):
                is_open = True
            elif len(ahead) > overlap and self._counts(place):
                overlap = len(ahead)
        return overlap, is_open

    def _places(self, said: str) -> list[int]:
        seen = self._folded
        if self._replay or self._prefilled:
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
        written = self._seen[self._written.start_of(place) :]
        return is_evidence(written) and not self._is_rhythm(self._folded[place:])

    def _is_rhythm(self, overlap: str) -> bool:
        if self._folded[: -len(overlap)].endswith(overlap):
            return True
        # A text that occurs in its own doubling before the middle is made of equal parts.
        return (overlap + overlap).find(overlap, 1) <= len(overlap) // 2

    def _is_fresh(self, restarted: int) -> bool:
        stopped_mid_sentence = not self._seen[-1:].isspace() and (
            self._seen[-1:] not in _ENDS_OF_SENTENCES
        )
        needed = MID_SENTENCE_EVIDENCE if stopped_mid_sentence else RESTART_EVIDENCE
        return restarted >= needed

    # -- joining ----------------------------------------------------------------------------

    def _join_after_repetition(self, end: int, *, final: bool) -> str:
        rest, closer = self._held[end:], self._closer
        if closer and len(rest) < len(closer) and closer.startswith(rest) and not final:
            return ""
        if closer and rest.startswith(closer):
            end += len(closer)
            rest = self._held[end:]
        last = _blank_end(self._seen)
        blank = rest[: len(rest) - len(rest.lstrip())]
        if blank == rest and not final:
            return ""  # the joint may be white space, and not all here yet
        if not last and blank.count("\n") > 1 and self._goes_on_small(rest[len(blank) :]):
            return self._release(end + len(blank))  # the repetition was made a paragraph
        if blank.startswith(last):
            return self._release(end + len(last))
        # The model wrote the joint's white space differently: what the reader has, stays.
        return self._release(end + (len(blank) if last else 0))

    def _join_clean(self, start: int) -> str:
        rest, last = self._held[start:], _blank_end(self._seen)
        blank = rest[: len(rest) - len(rest.lstrip())]
        following = rest[len(blank) : len(blank) + 1]
        if blank == " " == last and self._seen.strip() and not self._is_indented():
            return self._release(start + 1)
        if blank.count("\n") > 1 and not last and self._is_mid_sentence(blank, following):
            return self._release(start + blank.rfind("\n") + 1)
        return self._release(start)

    def _release(self, start: int) -> str:
        self.decided = True
        self.removed = start
        text, self._held = self._held[start:], ""
        return text

    def _goes_on_small(self, rest: str) -> bool:
        line = self._seen.rpartition("\n")[2].strip()
        return rest[:1].islower() and line[-1:].isalnum() and self._is_mid_sentence("", rest[:1])

    def _is_indented(self) -> bool:
        line = self._seen.rpartition("\n")[2]
        return not line.strip() or is_inside_fence(self._seen)

    def _is_mid_sentence(self, blank: str, following: str) -> bool:
        line = self._seen.rpartition("\n")[2].strip()
        if len(line) < _PROSE_LINE or line[0] in _MARKUP or line[0].isdigit():
            return False
        if is_inside_fence(self._seen) or line[-1] in _ENDS_OF_SENTENCES:
            return False
        if blank.endswith(" ") or following.islower() or following in ",.;:":
            return True
        # Scripts without small letters, to tell the middle of a sentence by.
        caseless = bool(following) and any(ord(following) in script for script in _CASELESS)
        return caseless and line[-1].isalnum()


def _blank_end(text: str) -> str:
    return text[len(text.rstrip()) :]
