"""White space at the splice point.

What the seen text ended with is not given a second time; a paragraph break in the middle of a
sentence is a model's way to begin a message, and is taken out.
"""

from __future__ import annotations

from holysheep_core.resume.normalize import is_inside_fence

ENDS_OF_SENTENCES = ".!?:;。！？：；…\"'”’)]}>`|*_~"  # noqa: RUF001 - full-width on purpose
_PROSE_LINE = 12
_MARKUP = "#|>*-+=`<"
_CASELESS = (range(0xAC00, 0xD7A4), range(0x3040, 0x3100), range(0x4E00, 0xA000))


def blank_after_repetition(seen: str, rest: str) -> int:
    """Return how much of `rest`, which follows a repetition, is white space to take out.

    Args:
        seen: The text the reader has.
        rest: What follows the repetition of its end.
    """
    last, blank = _blank_end(seen), _blank_start(rest)
    if not last and blank.count("\n") > 1 and _begins_small(seen, rest[len(blank) :]):
        return len(blank)  # the repetition was made a paragraph
    if blank.startswith(last):
        return len(last)
    # The model wrote the white space differently: what the reader has, stays.
    return len(blank) if last else 0


def blank_before_text(seen: str, rest: str) -> int:
    """Return how much white space of `rest`, which repeats nothing, is to take out."""
    last, blank = _blank_end(seen), _blank_start(rest)
    following = rest[len(blank) : len(blank) + 1]
    if blank == " " == last and seen.strip() and not _is_indented(seen):
        return 1
    if blank.count("\n") > 1 and not last and _is_mid_sentence(seen, blank, following):
        return blank.rfind("\n") + 1
    return 0


def _begins_small(seen: str, rest: str) -> bool:
    line = _last_line(seen).strip()
    return rest[:1].islower() and line[-1:].isalnum() and _is_mid_sentence(seen, "", rest[:1])


def _is_indented(seen: str) -> bool:
    return not _last_line(seen).strip() or is_inside_fence(seen)


def _is_mid_sentence(seen: str, blank: str, following: str) -> bool:
    line = _last_line(seen).strip()
    if len(line) < _PROSE_LINE or line[0] in _MARKUP or line[0].isdigit():
        return False
    if is_inside_fence(seen) or line[-1] in ENDS_OF_SENTENCES:
        return False
    if blank.endswith(" ") or following.islower() or following in ",.;:":
        return True
    # Scripts without small letters, to tell the middle of a sentence by.
    caseless = bool(following) and any(ord(following) in script for script in _CASELESS)
    return caseless and line[-1].isalnum()


def _last_line(text: str) -> str:
    return text.rpartition("\n")[2]


def _blank_start(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def _blank_end(text: str) -> str:
    return text[len(text.rstrip()) :]
