"""The proof of a splice point: where the seen text *ends* in a resumed response.

A response is taken to be `preamble + repetition of an end of the seen text + rest`. The
repetition is searched for by the end of the seen text and extended backwards as far as both agree:

- *No preamble*: the response begins with an ending of the seen text. The longest one counts, from
  `MIN_CODE_POINTS` and `MIN_BYTES` up, if there is a word in it and the seen text does not repeat
  it there already.
- *A preamble*: an announcement, an apology, a mark, a tag, a code fence, in whatever words. It is
  dropped only where it cannot be text of the answer (module `preamble`), and only before a
  repetition that weighs `MIN_PROOF` and occurs once in the seen text. Rows of a log or a table
  and refrains often begin alike, so a preamble in front of one is not dropped.
- *The last unit*: the response begins with the last line, number, word or grapheme cluster and
  continues it (module `last_unit`).
- *Nearly*: the same with punctuation, Markdown marks and escapes ignored, or with a few edits
  (module `edits`).

Whatever is not found by one of these is not proven.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from holysheep_core.resume.edits import align, fold_words
from holysheep_core.resume.last_unit import end_of_last_unit
from holysheep_core.resume.normalize import (
    Folded,
    common_suffix,
    fold,
    has_words,
    is_periodic,
    is_word,
    unescaped,
    weight,
)
from holysheep_core.resume.preamble import MAX_PREAMBLE, RESTART_EVIDENCE, Preamble, is_mention
from holysheep_core.resume.seen import MAX_ANCHOR, MIN_PROOF, SeenText

MIN_CODE_POINTS = 4
MIN_BYTES = 6
FOLLOWING = 12
"""Folded characters, said again, that make it worth waiting for the end of the seen text."""
WINDOW = 4000
_MAX_PLACES = 24
_PROBE = 12
_GRAM = 8
_MIN_UNIT, _MAX_UNIT = 5, 2 * MIN_PROOF
_ENDS_IN_FENCE = re.compile(r"(?:^|\n)[ \t]*(?:`{3,}|~{3,})[^`\n]*\n\s*$")
_MAX_MARKS = 4
_ENDS_IN_ROW = re.compile(r"[^\s:：][ \t]*\n[ \t]*$")  # noqa: RUF001 - full-width
_WIDE = "\u2e80"


class Place(NamedTuple):
    """Where a response repeats the end of the seen text, in characters as written.

    Attributes:
        start: Where the repetition begins in the response.
        end: Where it ends there.
        reached: Where it ends in the seen text; None for its end. Only marks stand after it.
    """

    start: int
    end: int
    reached: int | None = None


def is_evidence(text: str) -> bool:
    """Tell whether a text is long enough for its repetition to be no coincidence."""
    core = text.strip()
    return len(core) >= MIN_CODE_POINTS and len(core.encode("utf-8", "surrogatepass")) >= MIN_BYTES


class Search:
    """Finds the end of the seen text in a response, as the response grows.

    Args:
        seen: The text the reader has.
        anchor: The ending of it that the model was asked to repeat.
        asked: What the model was asked, for responses that repeat that.

    Attributes:
        followed: Folded characters at the response's end that stand in the seen text, too.
        following: Where in the folded seen text they end.
        restarted: The response has begun with the beginning of the seen text.
    """

    def __init__(self, seen: SeenText, anchor: str, asked: str = "") -> None:
        self._seen = seen
        self._anchor = fold(anchor)
        # Where 400 characters do not occur only once, the model is trusted to have counted.
        unmistakable = len(anchor) >= MAX_ANCHOR or seen.is_unique(self._anchor)
        self._anchor_decides = bool(self._anchor) and unmistakable
        self._preamble = Preamble(seen, self._anchor, asked)
        self._mentioned = False  # the end of the seen text was quoted, in a remark
        self.followed = 0
        self.following = 0
        self.restarted = False

    def find(self, response: Folded, written: str, *, final: bool) -> Place | None:
        """Return the proven place, if there is one yet."""
        said, anchor = response.text, self._anchor
        if self._anchor_decides and said.startswith(anchor) and response.is_boundary(len(anchor)):
            return Place(response.start_of(0), response.end_of(len(anchor)))
        self._follow(said)
        if self.followed == len(said) and not final:
            return None
        length = self._overlap(response)
        strong = weight(said[:length]) >= MIN_PROOF or length == len(self._seen.folded)
        late = final or response.length >= MAX_PREAMBLE
        if length and strong and (final or self.followed < max(length, FOLLOWING)):
            return self._place(response, written, 0, length)
        place = self._behind(response, written, final=late)
        return place or (self._few_words(response, written, length) if late else None)

    def _few_words(self, response: Folded, written: str, length: int) -> Place | None:
        """Few words prove less than the words asked for, which have not come by now."""
        asked = fold_words(self._anchor)[:_GRAM]
        altered = len(asked) == _GRAM and fold_words(response.text[: 4 * _GRAM]).startswith(asked)
        if self._mentioned or altered:
            return None  # the words asked for in another form, or a remark about them
        probe = response.text[:_PROBE]
        elsewhere = probe in self._seen.folded[: -len(probe)]
        if length and not elsewhere:
            return Place(response.start_of(0), response.end_of(length))
        place = self._unit_behind(response, written)
        if place or elsewhere:
            return place
        end = end_of_last_unit(self._seen, written)
        return Place(0, end) if end else None

    def is_open(self, response: Folded) -> bool:
        """Tell whether the response may still come to the end of the seen text."""
        said, seen = response.text, self._seen
        if self.followed == len(said) or response.length < MAX_PREAMBLE:
            return True
        beginning = seen.folded[:RESTART_EVIDENCE]
        if (
            len(beginning) == RESTART_EVIDENCE
            and beginning in said[: MAX_PREAMBLE + RESTART_EVIDENCE]
        ):
            self.restarted = True
        longest = 1.3 * len(seen.text) + MAX_PREAMBLE
        return (self.restarted or self.followed >= FOLLOWING) and response.length < longest

    def follows(self, added: str) -> bool:
        """Tell whether text just added goes on along the seen text; if so, note how far."""
        folded, at = self._seen.folded, self.following
        if self.followed < FOLLOWING or not added or at + len(added) >= len(folded):
            return False
        if not folded.startswith(added, at):
            return False
        self.following += len(added)
        self.followed += len(added)
        return True

    def is_only_repetition(self, response: Folded) -> bool:
        """Tell whether a whole response says nothing but what the reader has."""
        said = response.text
        if self.followed == len(said) or self._seen.folded.endswith(said):
            return True
        return self.followed >= MIN_PROOF and len(said) - self.followed <= MAX_PREAMBLE

    def repeats_enough(self, response: Folded) -> bool:
        """Tell whether a whole response, an ending of the seen text, is no coincidence."""
        length = len(response.text)
        return not length or length == len(self._seen.folded) or self._counts(length)

    # -- no preamble ------------------------------------------------------------------------

    def _follow(self, said: str) -> None:
        """Find where in the seen text the end of the response stands, with the longest match."""
        seen = self._seen.folded
        gram = said[-_GRAM:]
        self.followed = self.following = 0
        places: list[int] = []
        at = seen.find(gram)
        while at >= 0 and len(places) < _MAX_PLACES:
            places.append(at)
            at = seen.find(gram, at + 1)
        at = seen.rfind(gram, 0, len(seen) - 1) if len(places) == _MAX_PLACES else -1
        while at >= 0 and len(places) < 2 * _MAX_PLACES:
            places.append(at)
            at = seen.rfind(gram, 0, at + len(gram) - 1)
        for place in places:
            end = place + len(gram)
            if end < len(seen) and (length := common_suffix(seen[:end], said)) > self.followed:
                self.followed, self.following = length, end

    def _overlap(self, response: Folded) -> int:
        """Return the folded length of the longest ending that the response begins with."""
        seen, said = self._seen.folded, response.text
        if said.startswith(seen) and response.is_boundary(len(seen)):
            return len(seen)
        lengths = []
        probe = said[:_PROBE]
        at = seen.find(probe, max(1, len(seen) - WINDOW)) if len(said) >= _PROBE else -1
        while at >= 0:
            if said.startswith(seen[at:]):
                lengths.append(len(seen) - at)
            at = seen.find(probe, at + 1)
        shorter = range(min(_PROBE - 1, len(seen) - 1, len(said)), MIN_CODE_POINTS - 1, -1)
        lengths += [length for length in shorter if seen.endswith(said[:length])]
        return next((n for n in lengths if self._counts(n) and response.is_boundary(n)), 0)

    def _counts(self, length: int) -> bool:
        seen = self._seen
        written = seen.text[seen.index.start_of(len(seen.folded) - length) :]
        repeated = seen.folded[-length:]
        rhythm = seen.folded[:-length].endswith(repeated) or is_periodic(repeated)
        return is_evidence(written) and has_words(repeated) and not rhythm

    def _place(self, response: Folded, written: str, begin: int, end: int) -> Place:
        """Return a place, without marks of the response that only look like the seen text's.

        `gone."` and a paragraph after it are not repeated by `"She`, nor "in 14" by "json 14".
        """
        seen = self._seen
        offset = len(seen.folded) - end
        while begin < end - MIN_PROOF and not is_word(response.text[begin]):
            ours = seen.index.end_of(offset + begin + 1)
            theirs = response.end_of(begin + 1)
            if not seen.text[ours : ours + 1].isspace() or written[theirs : theirs + 1].isspace():
                break
            begin += 1
        start = response.start_of(begin)
        while 0 < start < len(written) and all(map(_is_letter, written[start - 1 : start + 1])):
            start += 1
        start += len(written[start:]) - len(written[start:].lstrip())
        return Place(start, response.end_of(end))

    # -- behind a preamble ------------------------------------------------------------------

    def _behind(self, response: Folded, written: str, *, final: bool) -> Place | None:
        place = self._behind_key(self._seen.key, response, written, final=final)
        asked = self._anchor_decides and weight(self._anchor) >= MIN_PROOF
        if place or not asked or len(self._anchor) >= len(self._seen.key):
            return place
        return self._behind_key(self._anchor, response, written, final=final)

    def _behind_key(self, key: str, response: Folded, written: str, *, final: bool) -> Place | None:
        seen, said = self._seen, response.text
        at = said.find(key) if key else -1
        while at >= 0:
            end = at + len(key)
            length = common_suffix(seen.folded, said[:end])
            at = said.find(key, at + 1)
            start = response.start_of(end - length)
            in_reach = start <= MAX_PREAMBLE or self.restarted
            if not in_reach or not response.is_boundary(end):
                continue
            # The preamble's last marks may be like those before the words asked for.
            lengths = {length: 0, min(length, len(self._anchor) or length): 0}
            starts = [self._place(response, written, end - n, end).start for n in lengths]
            foreign = [
                place
                for place, n in zip(starts, lengths, strict=True)
                if not place or self.is_foreign(written[:place], n)
            ]
            if not foreign:
                continue
            start = foreign[0]
            preamble = written[:start]
            if is_mention(preamble):  # `It ended with "…".`, and then perhaps the words themselves
                self._mentioned = True
                if at >= 0 or final:
                    continue
                return None
            return Place(start, response.end_of(end))
        return None

    def _unit_behind(self, response: Folded, written: str) -> Place | None:
        """Find the last line or sentence from its beginning, though short, as a paragraph."""
        seen, said = self._seen, response.text
        for begin in seen.units:
            core = fold(seen.text[begin:])
            at = said.find(core) if _MIN_UNIT <= len(core) < _MAX_UNIT else -1
            if at <= 0 or is_periodic(core) or not response.is_boundary(at + len(core)):
                continue
            start = response.start_of(at)
            preamble = written[:start]
            if not seen.is_unique(core) and seen.folded.startswith(said[:at]):
                continue  # the response starts over, and has not come to the end yet
            if seen.is_unique(core) and self._preamble.repeats_lines(preamble):
                return Place(start, response.end_of(at + len(core)))
            inside = re.sub(_ENDS_IN_FENCE, "", preamble).strip()
            if start > MAX_PREAMBLE or "\n" in inside or not self.is_foreign(preamble, len(core)):
                continue
            if not seen.is_unique(core) and seen.may_go_on_with(written):
                continue
            apart = preamble.rstrip(" \t").endswith("\n\n") and not preamble[:1].islower()
            set_off = apart or preamble.rstrip()[-1:] in ":："  # noqa: RUF001 - full-width
            if preamble.rstrip(" \t").endswith("\n") and (
                set_off or _ENDS_IN_FENCE.search(preamble)
            ):
                return Place(start, response.end_of(at + len(core)))
        return None

    def is_foreign(self, preamble: str, length: int) -> bool:
        """Tell whether what stands before so long a repetition is no text of the answer."""
        return self._preamble.is_foreign(preamble, length, restarted=self.restarted)

    # -- nearly -----------------------------------------------------------------------------

    def find_nearly(self, written: str) -> Place | None:
        """Return the place of the end of the seen text but for punctuation, marks or few edits."""
        if self._mentioned:
            return None
        beginning = written[: 2 * MAX_PREAMBLE]
        plain = unescaped(beginning)
        if plain and not unescaped(self._seen.text[-MAX_PREAMBLE:]):
            text, ends = plain
            place = self._aligned(text)
            if place is None or place.end > len(ends):
                return None
            if unescaped(written[ends[place.end - 1] :][:200]) and "\\" not in self._seen.text:
                return None  # all of it is escaped, which the answer is not
            start = ends[place.start - 1] if place.start else 0
            return Place(start, ends[place.end - 1], place.reached)
        return self._aligned(beginning)

    def _aligned(self, text: str) -> Place | None:
        seen, response = self._seen, Folded(text)
        ours, theirs = seen.index.words(), response.words()
        # Code is copied exactly, and the next line is often like the last one.
        anchor, copied = fold_words(self._anchor), bool(seen.fence)
        found = align(ours.text, theirs.text, anchor, exactly=copied)
        if found is None:
            return None
        begin, end = found
        last = theirs.at[end - 1] + 1
        if not response.is_boundary(last):
            return None
        # The punctuation after the last word, as far as both have it.
        tail, at = seen.folded[ours.at[-1] + 1 :], 0
        while last < len(response.text) and at < len(tail):
            same = tail.find(response.text[last], at)
            if same < 0:
                break
            last, at = last + 1, same + 1
        if at < len(tail) and (end - begin < MIN_PROOF or len(tail) - at > _MAX_MARKS):
            return None  # "not again!" after "not again, " are other words
        start = response.start_of(theirs.at[begin]) if begin < len(theirs.at) else 0
        preamble = text[:start]
        if is_mention(preamble) or _ENDS_IN_ROW.search(preamble):
            return None
        foreign = not preamble or self.is_foreign(preamble, last - theirs.at[begin])
        set_off = not seen.may_go_on_with(text) or preamble.rstrip(" ").endswith("\n")
        if not foreign or (has_words(preamble) and not set_off):
            return None
        reached = seen.index.end_of(ours.at[-1] + 1 + at) if at < len(tail) else None
        return Place(start, response.end_of(last), reached)


def _is_letter(character: str) -> bool:
    """Tell whether a character is part of a word in a script that puts blanks between words."""
    return character.isalnum() and character < _WIDE
