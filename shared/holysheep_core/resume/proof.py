"""The proof of a splice point: where the seen text *ends* in a resumed response.

A response is taken to be `lead + repetition of an end of the seen text + rest`. The repetition
is searched for by the end of the seen text and extended backwards as far as both agree:

- *No lead*: the response begins with an ending of the seen text. The longest one counts, from
  `MIN_CODE_POINTS` and `MIN_BYTES` up, if there is a word in it and the seen text does not repeat
  it there already.
- *A lead*: an announcement, an apology, a mark, a tag, a code fence, in whatever words. It is
  dropped only where it cannot be text of the answer (`_is_foreign`), and only before a
  repetition that weighs `MIN_PROOF` and occurs once in the seen text. Rows of a log or a table
  and refrains often begin alike, so a lead in front of one is not dropped.
- *The last unit*: the response begins with the last line, number, word or grapheme cluster and
  goes on in it ("graz" + "grazing", "12,3" + "12,345").
- *Nearly*: the same with punctuation, Markdown marks and escapes ignored, or with a few edits.

Whatever is not found by one of these is not proven.
"""

from __future__ import annotations

import re
from typing import NamedTuple

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
from holysheep_core.resume.seen import MAX_ANCHOR, MIN_PROOF, SeenText, is_joining
from holysheep_core.resume.seen import last_cluster as cluster_of

MAX_LEAD = 300
"""Characters of something else that may stand before the repetition."""
MIN_CODE_POINTS = 4
MIN_BYTES = 6
RESTART_EVIDENCE = 24
"""Folded characters of the beginning, said again, that prove a restart."""
FOLLOWING = 12
"""Folded characters, said again, that make it worth waiting for the end of the seen text."""
WINDOW = 4000
_MAX_INTRODUCTION = 160
_MAX_INTRODUCTION_BREAKS = 4
_MAX_PLACES = 24
_PROBE = 12
_GRAM = 8
_MIN_UNIT, _MAX_UNIT = 5, 2 * MIN_PROOF
_MAX_EDITS = 0.15
_OPENER = re.compile(r"\s*(?:(?:`{3,}|~{3,})[^`\n]*|<\w+>)\s*")
_ENDS_IN_FENCE_OR_RULE = re.compile(r"(?:^|\n)[ \t]*(?:`{3,}[^`\n]*|---+|\*\*\*+)\s*$")
_ENDS_IN_FENCE = re.compile(r"(?:^|\n)[ \t]*(?:`{3,}|~{3,})[^`\n]*\n\s*$")
_ENDS_IN_BREAK = re.compile(r"(?:[\n:：>]|[.!?。！？…][\"'”’)]*[ \t]*)$")  # noqa: RUF001 - full-width
_FENCE_LINE = re.compile(r"(`{3,}|~{3,})[^`\n]*\n")
_FENCE_BEGUN = re.compile(r"(?:`{1,3}|~{1,3})[^`\n]*")
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0e31-\u0e4e])+$")
_NUMBER = re.compile(r"\d[\d.,]*$")
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
        telling = len(anchor) >= MAX_ANCHOR or seen.is_unique(self._anchor)
        self._anchor_decides = bool(self._anchor) and telling
        self._asked = fold(asked)
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
        late = final or response.length >= MAX_LEAD
        if length and strong and (final or self.followed < max(length, FOLLOWING)):
            return self._place(response, written, 0, length)
        place = self._behind(response, written, final=late)
        return place or (self._few_words(response, written, length) if late else None)

    def _few_words(self, response: Folded, written: str, length: int) -> Place | None:
        """Few words prove less than the words asked for, which have not come by now."""
        probe = response.text[:_PROBE]
        elsewhere = probe in self._seen.folded[: -len(probe)]
        if length and not elsewhere:
            return Place(response.start_of(0), response.end_of(length))
        place = self._unit_behind(response, written)
        return place if place or elsewhere else self._last_unit(written)

    def is_open(self, response: Folded) -> bool:
        """Tell whether the response may still come to the end of the seen text."""
        said, seen = response.text, self._seen
        if self.followed == len(said) or response.length < MAX_LEAD:
            return True
        beginning = seen.folded[:RESTART_EVIDENCE]
        if len(beginning) == RESTART_EVIDENCE and beginning in said[: MAX_LEAD + RESTART_EVIDENCE]:
            self.restarted = True
        longest = 1.3 * len(seen.text) + MAX_LEAD
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
        return self.followed >= MIN_PROOF and len(said) - self.followed <= MAX_LEAD

    def repeats_enough(self, response: Folded) -> bool:
        """Tell whether a whole response, an ending of the seen text, is no coincidence."""
        length = len(response.text)
        return not length or length == len(self._seen.folded) or self._counts(length)

    # -- no lead ----------------------------------------------------------------------------

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
        while start > 0 and all(_is_letter(c) for c in written[start - 1 : start + 1]):
            start += 1
        start += len(written[start:]) - len(written[start:].lstrip())
        return Place(start, response.end_of(end))

    # -- behind a lead ----------------------------------------------------------------------

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
            in_reach = start <= MAX_LEAD or self.restarted
            if not in_reach or not response.is_boundary(end):
                continue
            # The lead's last marks may be like those before the words asked for.
            lengths = {length: 0, min(length, len(self._anchor) or length): 0}
            starts = [self._place(response, written, end - n, end).start for n in lengths]
            foreign = [
                place
                for place, n in zip(starts, lengths, strict=True)
                if not place or self._is_foreign(written[:place], n)
            ]
            if not foreign:
                continue
            start = foreign[0]
            lead = written[:start]
            if _is_mention(lead):  # `It ended with "…".`, and then perhaps the words themselves
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
            lead = written[:start]
            inside = re.sub(_ENDS_IN_FENCE, "", lead).strip()
            if start > MAX_LEAD or "\n" in inside or not self._is_foreign(lead, len(core)):
                continue
            if not seen.is_unique(core) and seen.may_go_on_with(written):
                continue
            set_off = lead.rstrip(" \t").endswith("\n\n") or lead.rstrip()[-1:] in ":："  # noqa: RUF001 - full-width
            if lead.rstrip(" \t").endswith("\n") and (set_off or _ENDS_IN_FENCE.search(lead)):
                return Place(start, response.end_of(at + len(core)))
        return None

    def _is_foreign(self, lead: str, length: int) -> bool:
        """Tell whether a lead is no text of the answer.

        Args:
            lead: What stands before the repetition.
            length: Folded characters of the repetition.
        """
        seen = self._seen
        if not has_words(lead) or _OPENER.fullmatch(lead):
            return True
        if length >= len(seen.folded) and (
            length >= 5 * MIN_PROOF or (lead.endswith("\n") and len(lead) < _MAX_INTRODUCTION)
        ):
            return True
        if self.restarted:
            return length >= 2 * MIN_PROOF + _GRAM
        cannot_follow = self._echoes(lead) or not seen.may_go_on_with(lead)
        if cannot_follow or _ENDS_IN_FENCE_OR_RULE.search(lead):
            return True
        return self._is_introduction(lead, length)

    def _is_introduction(self, lead: str, length: int) -> bool:
        """Tell whether a lead, though it could follow the seen text, is set off from the rest."""
        base = lead.rstrip(" \t>\"'*`“‘")  # noqa: RUF001 - quotes
        if lead[0].isspace() or not _ENDS_IN_BREAK.search(base):
            return False
        breaks = base.strip().count("\n")
        longest = MAX_LEAD if length >= len(self._anchor) else _MAX_INTRODUCTION
        if len(lead) > longest or breaks > _MAX_INTRODUCTION_BREAKS:
            return False
        return not base.endswith("\n") or not self._may_be_row(base, lead, length)

    def _may_be_row(self, base: str, lead: str, length: int) -> bool:
        """Tell whether a lead that ends in a line break may be a row or a verse of the answer."""
        seen = self._seen
        if "\n" not in seen.text:
            return False
        begin = seen.index.start_of(len(seen.folded) - length)
        before = seen.text[:begin].rstrip(" \t")
        if before and not before.endswith("\n"):
            return False  # rows and verses begin where a line begins
        announced = base.rstrip()[-1:] in ":："  # noqa: RUF001 - full-width
        if begin >= len(seen.text) - len(seen.line) and not announced:
            return not base.endswith("\n\n")
        return len(lead) > RESTART_EVIDENCE and (not announced or seen.is_verse)

    def _echoes(self, text: str) -> bool:
        """Tell whether a text repeats what the model was asked."""
        said, size = fold(text), RESTART_EVIDENCE
        starts = range(0, len(said) - size + 1, 4)
        return any(said[at : at + size] in self._asked for at in starts)

    # -- the last unit ----------------------------------------------------------------------

    def _last_unit(self, written: str) -> Place | None:
        end = self._line_in_fence(written) or self._line(written) or self._word(written)
        end = end or self._cluster(written)
        return Place(0, end) if end and len(written) > end else None

    def _line_in_fence(self, written: str) -> int:
        """A fence opened again inside an open one proves that a line begins after it."""
        opened = _FENCE_LINE.match(written)
        line = self._seen.line
        if not opened or not self._seen.fence or not line:
            return 0
        for form in (line, line.lstrip()):
            telling = form[:1].isspace() or len(form.strip()) > 1
            if form and telling and written.startswith(form, opened.end()):
                return opened.end() + len(form)
        return 0

    def _line(self, written: str) -> int:
        line = self._seen.line.strip()
        folded, begun = fold(line), Folded(written[: 2 * len(line) + _GRAM])
        enough = len(folded) >= 3 and not is_periodic(folded) and begun.text.startswith(folded)  # noqa: PLR2004
        if enough and len(begun.text) > len(folded) and begun.is_boundary(len(folded)):
            return begun.end_of(len(folded))
        return 0

    def _word(self, written: str) -> int:
        text = self._seen.text
        if self._seen.blank == " ":
            before, _, unit = text.rstrip().rpartition(" ")
            again = before.endswith(unit) or not unit.isalpha() or len(unit) < MIN_CODE_POINTS
            return 0 if again or not written.startswith(unit + " ") else len(unit)
        word, number = _WORD.search(text), _NUMBER.search(text)
        unit = word.group() if word else ""
        if number and len(number.group()) >= len(unit):
            unit = number.group()
        if not unit or not written.startswith(unit) or is_periodic(unit):
            return 0
        following = written[len(unit) : len(unit) + 2]
        goes_on = following[:1].isalnum() or is_joining(following[:1])
        if number and re.match(r"[.,]\d", following):
            goes_on = True
        wide = any(c > _WIDE for c in unit)
        if goes_on:
            return len(unit) if len(unit) >= (2 if wide or following[:1].isalpha() else 3) else 0
        blank = following[:1].isspace() and unit.islower()
        return len(unit) if following and not wide and len(unit) >= (2 if blank else 4) else 0

    def _cluster(self, written: str) -> int:
        cluster = cluster_of(self._seen.text)
        following = written[len(cluster) : len(cluster) + 1]
        joined = is_joining(following) or cluster.endswith("\u200d")
        return (
            len(cluster) if cluster and following and joined and written.startswith(cluster) else 0
        )

    # -- nearly -----------------------------------------------------------------------------

    def find_nearly(self, written: str) -> Place | None:
        """Return the place of the end of the seen text but for punctuation, marks or few edits."""
        beginning = written[: 2 * MAX_LEAD]
        plain = unescaped(beginning)
        if plain and not unescaped(self._seen.text[-MAX_LEAD:]):
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
        found = align(ours.text, theirs.text, fold_words(self._anchor))
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
        start = response.start_of(theirs.at[begin]) if begin < len(theirs.at) else 0
        lead = text[:start]
        if has_words(lead) and not (
            self._is_foreign(lead, last - theirs.at[begin])
            and (not seen.may_go_on_with(text) or lead.rstrip(" ").endswith("\n"))
        ):
            return None
        reached = seen.index.end_of(ours.at[-1] + 1 + at) if at < len(tail) else None
        return Place(start, response.end_of(last), reached)


def fold_words(folded: str) -> str:
    """Return the letters, digits and emoji of a folded text."""
    return Folded(folded).words().text


def align(seen: str, said: str, anchor: str) -> tuple[int, int] | None:
    """Find the end of the seen text in a response, both as words alone, with few edits.

    Returns:
        Where it begins and ends in `said`.
    """
    for length in range(min(len(seen), len(said)), _GRAM - 1, -1):
        if seen.endswith(said[:length]) and not is_periodic(said[:length]):
            return 0, length
    key = seen[-MIN_PROOF:]
    if len(key) == MIN_PROOF and seen.count(key) == 1 and (at := said.find(key)) >= 0:
        end = at + MIN_PROOF
        return end - common_suffix(seen, said[:end]), end
    pattern = anchor[-64:] if len(anchor) >= _PROBE and seen.endswith(anchor) else seen[-24:]
    return _fewest_edits(pattern, said) if len(pattern) >= _PROBE else None


def _fewest_edits(pattern: str, text: str) -> tuple[int, int] | None:
    """Find a pattern in a text by the fewest edits (Sellers 1980): 15 %, none at its end."""
    size = len(pattern)
    costs, begins = list(range(size + 1)), [0] * (size + 1)
    best: tuple[int, int, int] | None = None
    for end, character in enumerate(text, 1):
        above, origins = costs, begins
        costs, begins = [0], [end]
        for i in range(1, size + 1):
            choices = (
                (above[i - 1] + (pattern[i - 1] != character), origins[i - 1]),
                (above[i] + 1, origins[i]),
                (costs[i - 1] + 1, begins[i - 1]),
            )
            cost, begin = min(choices, key=lambda choice: choice[0])
            costs.append(cost)
            begins.append(begin)
        close = costs[size] <= max(1, int(_MAX_EDITS * size))
        if close and text[:end].endswith(pattern[-3:]) and (best is None or costs[size] < best[0]):
            best = (costs[size], begins[size], end)
    return best and best[1:]


def _is_letter(character: str) -> bool:
    """Tell whether a character is part of a word in a script that puts blanks between words."""
    return character.isalnum() and character < _WIDE


def _is_mention(lead: str) -> bool:
    """Tell whether a lead ends like `The message ended with "`."""
    quoted = lead.rstrip()[-1:] in tuple("\"“'`‘")  # noqa: RUF001 - quotes
    return bool(lead) and quoted and has_words(lead) and not lead[:-1].endswith("\n")
