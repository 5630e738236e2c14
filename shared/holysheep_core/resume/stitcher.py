"""The splice: what a resumed response repeats is taken out, and nothing else.

A model asked for the rest begins, as it was asked to, with some of the last words (the
*anchor*), starts over, announces what it will do, or does all of that. The response is held back
until it is *proven* where the seen text ends in it (`proof`); from there on it passes. Time never
releases held text. What ends without a proof is rejected, for one of these reasons:

=============  ===========================================================================
`rejected`     the response
=============  ===========================================================================
unproven       does not say where it goes on; none of it is shown, or all (`append_unproven`)
nothing new    says only what the reader has, though that is not a whole answer
different      begins like the seen text and then says something else, or repeats the request
=============  ===========================================================================

A continued prefill is text from its first character on: only white space and a repetition of
all that was seen are taken out of it.
"""

from __future__ import annotations

import re

from holysheep_core.resume.again import TOO_LONG, Repetition, said_again
from holysheep_core.resume.filters import Filters
from holysheep_core.resume.joint import (
    BLOCK_QUOTE,
    ClosingMarks,
    EchoFilter,
    beyond_block,
    closer_of,
    join,
    without_closer,
    without_dots,
)
from holysheep_core.resume.json_end import EndOfJson
from holysheep_core.resume.normalize import Folded, fold, has_words
from holysheep_core.resume.preamble import RESTART_EVIDENCE
from holysheep_core.resume.proof import MIN_CODE_POINTS, Place, Search
from holysheep_core.resume.seen import (
    SeenText,
    choose_anchor,
    is_finished,
    is_open_json,
    is_provable,
)
from holysheep_core.resume.thinking import thinking_before

NOTHING_NEW = "nothing new"
"""`Stitcher.rejected` of a response that only repeats what was seen."""

_MAX_QUIET = 64
_MAX_REPETITIONS = 4
_END_OF_BEGUN = "</begun>"
"""What closes the partial in the request, and then perhaps the response."""
_REMARK_BEGUN = re.compile(r"[.:。：…]*\n?")  # noqa: RUF001 - full-width
_REMARKED = re.compile(r"[.:。：…]*\n\n")  # noqa: RUF001 - full-width
_DOTS = re.compile(r"\s*(?:\.{1,3}|…)?")

__all__ = ["Stitcher", "choose_anchor", "is_provable"]


class Stitcher:
    r"""Joins one resumed response to the text that was seen before it.

    >>> stitcher = Stitcher("It was the quick brown fox", anchor="the quick brown fox")
    >>> stitcher.feed("Sure:\n\n"), stitcher.feed("the quick brown fox jum"), stitcher.feed("ps.")
    ('', ' jum', 'ps.')

    Args:
        seen: The text the reader has.
        anchor: The suffix of it that the model was asked to repeat ("" if it was not asked).
        replay: The response answers the original request again and so must begin with `seen`.
        prefilled: The model was given `seen`, without the white space at its end, to continue.
        asked: The user turn that asks for the rest, which some models repeat.
        sentinel: What the model was asked to write if nothing is missing ("" if it was not).
        last: The model was asked before: a mark alone ("." or ")") counts as the rest.
        contradicted: And wrote something then that could not be joined: that nothing is missing
            is believed only if it writes the `sentinel`.
        doubtful: The seen text may be a whole answer: a response that adds nothing confirms it.
        append_unproven: Show a response that does not prove where it goes on.

    Attributes:
        decided: It is known where the response goes on.
        transparent: Text passes untouched from now on.
        rejected: Why none of the response may be shown; "" while that is not so.
        removed: Characters of the response that were taken out.
        held: The most characters that were held back at once.
        thinking: The reasoning that stood in the response as `<think>…</think>`.
    """

    def __init__(
        self,
        seen: str,
        *,
        anchor: str = "",
        replay: bool = False,
        prefilled: bool = False,
        asked: str = "",
        sentinel: str = "",
        last: bool = False,
        contradicted: bool = False,
        doubtful: bool = False,
        append_unproven: bool = False,
    ) -> None:
        self._seen = SeenText(seen)
        self._anchor = fold(anchor)
        self._search = Search(self._seen, anchor, asked)
        self._replay = replay
        self._prefilled = prefilled
        self._echo = EchoFilter(asked) if asked else None
        self._sentinel = sentinel
        self._end_mark = ClosingMarks(sentinel, "", alone=True) if sentinel else None
        self._filters = Filters(*(part for part in (self._echo, self._end_mark) if part))
        if _END_OF_BEGUN in asked and _END_OF_BEGUN not in seen:
            self._filters.add(ClosingMarks(_END_OF_BEGUN, ""))
        self._last = last
        self._contradicted = contradicted
        self._doubtful = doubtful
        self._append = append_unproven
        self._brings_more = False
        self._held = ""
        self._response = Folded()
        self._silent = False  # joined, and no word was shown after that
        self._quiet: str | None = None  # the beginning of the rest, while there is no word in it
        self.decided = self.transparent = not seen
        self.rejected = ""
        self.removed = 0
        self.held = 0
        self.thinking = ""

    def feed(self, text: str) -> str:
        """Take new text of the response and return what of it may be shown now."""
        if self.rejected or not text:
            return ""
        if self.decided:
            return self._pass(text)
        self._held += text
        self.held = max(self.held, len(self._held))
        if self._search.follows(self._response.add(text)):
            return ""
        return self._decide(final=False)

    def close(self, *, limited: bool = False, brings_more: bool = False) -> str:
        """Decide now, because the response ended, and return what may be shown.

        Args:
            limited: It ended at its token limit, so that a repetition may have been begun only.
            brings_more: It has something beside text, such as tool calls: no text is needed.
        """
        self._brings_more = brings_more
        text = "" if self.decided or self.rejected else self._decide(final=True, limited=limited)
        if self.rejected or not self.decided:
            return ""
        quiet, self._quiet = self._quiet, None
        if quiet:
            text += self._filter(quiet)
        text += self._filters.close()
        self._silent = self._silent and not has_words(text)
        if self._silent and not self._may_end_with(text):
            return self._reject(NOTHING_NEW)
        return text

    @property
    def holds_text(self) -> bool:
        """Tell whether text that came may still be missing from what was let through."""
        held = self._held or self._quiet or self._filters.holds_text
        return bool(held or self.rejected)

    # -- deciding ---------------------------------------------------------------------------

    def _decide(self, *, final: bool, limited: bool = False) -> str:
        if self._is_thinking(final=final):
            return ""
        written = self._held
        if self._prefilled:
            return self._decide_prefill(written, final=final)
        if not self._response.text or not self._seen.folded:
            return self._decide_blank(written, final=final)
        if self._replay:
            return self._decide_replay(final=final, limited=limited)
        return self._decide_continuation(written, final=final)

    def _decide_continuation(self, written: str, *, final: bool) -> str:
        if self._sentinel and final and fold(written) == fold(self._sentinel):
            return self._say_nothing(marked=True)
        place = self._search.find(self._response, written, final=final)
        if place:
            return self._splice(place, final=final)
        if not final and self._search.is_open(self._response):
            return ""
        return self._without_proof(written, final=final)

    def _without_proof(self, written: str, *, final: bool) -> str:
        if final and self._search.is_only_repetition(self._response):
            if not self._seen.folded.endswith(self._response.text):
                return self._reject(NOTHING_NEW)
            # "0" after "40" is the rest of "400" as likely as the end of "40" said again.
            return self._say_nothing(proven=self._search.repeats_enough(self._response))
        place = self._search.find_nearly(written)
        if place:
            return self._splice(place, final=final)
        if self._search.restarted:
            return self._reject("different")
        if not self._append:
            return self._reject("unproven")
        blank = self._seen.blank == " " and written[:1] == " "
        return self._release(written[int(blank) :])

    def _decide_blank(self, written: str, *, final: bool) -> str:
        """Nothing but white space was seen, or came."""
        if not self._response.text and not final:
            return ""
        if not self._response.text and self._seen.folded:
            return self._say_nothing()
        return self._release(join(self._seen, written, prefilled=True))

    def _decide_replay(self, *, final: bool, limited: bool) -> str:
        said, seen = self._response.text, self._seen.folded
        if said.startswith(seen):
            return self._splice(Place(0, self._response.end_of(len(seen))), final=final)
        if seen.startswith(said) and (not final or limited):
            return ""
        return self._reject("different")

    def _decide_prefill(self, written: str, *, final: bool) -> str:
        said, seen = self._response.text, self._seen.folded
        if said != seen and seen.startswith(said) and not final:
            return ""
        if said != seen and seen.startswith(said) and len(said) >= RESTART_EVIDENCE:
            return self._reject(NOTHING_NEW)
        end = 0
        if said.startswith(seen) and len(seen) >= MIN_CODE_POINTS:
            end = self._response.end_of(len(seen))
        if not written[end:].strip():
            return self._say_nothing() if final else ""
        return self._release(join(self._seen, written[end:], prefilled=True))

    @property
    def _obeys(self) -> bool:
        """The response begins with the words it was asked to begin with, or with some of them."""
        said, anchor = self._response.text, self._anchor
        return bool(anchor) and (said.startswith(anchor) or anchor.startswith(said))

    def _is_thinking(self, *, final: bool) -> bool:
        """Take reasoning in tags out of the beginning; tell whether it is still open."""
        found = thinking_before(self._held, self._seen.text, obeys=self._obeys, final=final)
        if found is None or found.is_open:
            return found is not None
        self.thinking = found.thought
        self.removed += len(self._held) - len(found.rest)
        self._held, self._response = found.rest, Folded(found.rest)
        return False

    # -- joining ----------------------------------------------------------------------------

    def _splice(self, place: Place, *, final: bool) -> str:
        """Join after a proven repetition, once it is clear what stands right behind it."""
        preamble, rest = self._held[: place.start], self._held[place.end :]
        closer = closer_of(preamble, self._seen, self._begin_of(place))
        said = self._held[place.start : place.end]
        quoted = preamble.rstrip(" ").endswith("\n>") or "\n>" in said
        if quoted and "\n>" not in self._seen.text:
            closer = BLOCK_QUOTE  # of several lines
        body = rest.lstrip()
        begun = closer and closer.strip().startswith(body.strip("\n "))
        unclear = not body or begun or _DOTS.fullmatch(rest) or _REMARK_BEGUN.fullmatch(rest)
        if not final and unclear:
            return ""
        closed = without_closer(rest, closer, self._seen, spaced=preamble.endswith(" "))
        body = beyond_block(rest, closer) if closed is None else closed
        remarked = has_words(preamble) and _REMARKED.match(body) and self._seen.line.strip()
        again = self._without_repetitions(
            body,
            closer,
            Repetition(
                self._anchor,
                fold(said),
                closed != rest or closer == BLOCK_QUOTE or bool(remarked),
                self._search.is_foreign,
            ),
            final=final,
        )
        if again is None:
            return ""
        twice = again != body
        if closed is None and not twice:
            return self._reject("unproven")
        if closer.startswith(("```", "~~~")) and is_open_json(self._seen.text):
            self._filters.add(EndOfJson(self._seen.text.lstrip()))
        elif closer.strip() and closed == rest and not twice:
            self._filters.add(ClosingMarks(closer, self._seen.text))
        reached = None if twice else place.reached
        if self._seen.blank == " " and not self._seen.fence and said not in self._seen.text:
            again = again.lstrip(" ") or again  # its blanks are other ones
        text = join(self._seen, without_dots(again, self._seen), reached)
        if self._breaks_sentence(text):
            return self._reject("unproven")
        self._quiet = None if self._replay else ""
        self._silent = not self._replay
        return self._release(text)

    def _without_repetitions(
        self, rest: str, closer: str, first: Repetition, *, final: bool
    ) -> str | None:
        """Return the rest without what it says once more; None while that is not clear."""
        closer = "" if closer == BLOCK_QUOTE else closer
        for _ in range(_MAX_REPETITIONS):
            again = said_again(self._seen, first, rest)
            if again == TOO_LONG:
                self._reject("different")
                return None
            if again is None and not final:
                return None
            if not again:
                break
            rest = without_closer(rest[again:], closer, self._seen) or ""
            if not rest.strip() and not final:
                return None
            first = first._replace(set_off=False)
        return rest

    def _begin_of(self, place: Place) -> int:
        """Return where in the seen text the repetition begins."""
        index, length = self._seen.index, len(fold(self._held[place.start : place.end]))
        return index.start_of(max(len(index.text) - length, 0))

    def _breaks_sentence(self, text: str) -> bool:
        """Tell whether prose that stopped in mid-sentence goes on with a new paragraph."""
        seen = self._seen
        if not (seen.is_mid_sentence and seen.is_prose and "\n\n" in text[:4]):
            return False
        body = text.lstrip()
        return not text[: len(text) - len(body)].startswith(" ") and body[:1].isupper()

    def _may_end_with(self, rest: str) -> bool:
        """Tell whether a rest without a word in it may be all that was missing."""
        seen = self._seen
        if self._brings_more or (self._doubtful and self._last):
            return True
        # A line break alone ends a line of verse or a list, not a sentence of prose.
        broken = not rest.strip() and seen.is_prose
        if not is_finished(seen.text if broken else seen.text + rest):
            return False
        closes = bool(rest.strip()) and (bool(seen.fence) or is_open_json(seen.text))
        marked = bool(self._end_mark and self._end_mark.found)
        return self._is_believed(marked=marked) or closes

    def _is_believed(self, *, marked: bool) -> bool:
        """Tell whether a response that adds nothing shows that nothing is missing.

        Args:
            marked: It ended with the sentinel.
        """
        return self._doubtful or (self._last and (marked or not self._contradicted))

    def _say_nothing(self, *, proven: bool = True, marked: bool = False) -> str:
        """Nothing is missing, if a second response says so, and the text may be a whole answer.

        Nor is it where tool calls follow. A repetition says so only if it is `proven` to be one.
        """
        sure = self._is_believed(marked=marked)
        finished = is_finished(self._seen.text) or (self._doubtful and self._last)
        if not proven or not ((sure and finished) or self._brings_more):
            return self._reject(NOTHING_NEW)
        self.decided, self.removed = True, self.removed + len(self._held)
        self._held = ""
        return ""

    def _reject(self, reason: str) -> str:
        self.rejected, self._held = reason, ""
        return ""

    def _release(self, text: str) -> str:
        self.removed += len(self._held) - len(text)
        self.decided, self._held = True, ""
        self.transparent = self._quiet is None and not self._filters
        return self._pass(text) if text else ""

    def _pass(self, text: str) -> str:
        if self._quiet is not None:
            text = self._quiet + text
            if not has_words(text) and len(text) < _MAX_QUIET:
                self._quiet = text
                return ""
            self._quiet = None
            self.transparent = not self._filters
        return self._filter(text)

    def _filter(self, text: str) -> str:
        text = self._filters.feed(text)
        if self._echo and self._echo.found:
            self._reject("different")
        self._silent = self._silent and not has_words(text)
        return text
