"""The ways in which models go on after a cut, and which of them nobody could tell apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from holysheep_core.resume.proof import is_evidence

Manner = Callable[[str, int, str], str | None]
"""(text, cut, anchor) -> the resumed leg; None where the manner makes no sense."""


def _fence(text: str, at: int, anchor: str) -> str | None:
    line = text[:at].rstrip().rpartition("\n")[2]
    if text[:at].count("```") % 2 == 0 or line.startswith("```"):
        return None
    return "```python\n" + anchor + text[at:]


def _break(text: str, at: int, _anchor: str) -> str | None:
    line, rest = text[:at].rpartition("\n")[2], text[at:]
    prose = len(line) > 15 and line[0].isalpha() and line[-1:].isalpha()
    if not prose or text[:at].count("```") % 2 or not re.match(r" ?[a-z가-힣一-龥ぁ-ん]", rest):
        return None
    return "\n\n" + rest


def _double_space(text: str, at: int, _anchor: str) -> str | None:
    line = text[:at].rpartition("\n")[2]
    if not re.search(r"\w $", line) or text[:at].count("```") % 2 or text[at : at + 1].isspace():
        return None
    return " " + text[at:]


def _ellipsis(text: str, at: int, _anchor: str) -> str | None:
    fenced = text[:at].count("```") % 2
    if text[:at].endswith((".", "…")) or fenced or not text[at : at + 1].isalnum():
        return None
    return "..." + text[at:]


def _mid_word(text: str, at: int, _anchor: str) -> str:
    return text[max(0, at - 13) :]


def _fresh(text: str, at: int, _anchor: str) -> str | None:
    if at < 60 or text[at - 1] in ".!?\n。 ":
        return None
    return text[:45] + " ☂ but now it says something else entirely."


OTHER_WORDS = (
    "Understood. Here's the remainder of my answer:\n\n",
    "Right, carrying on from there:\n\n",
    "I apologize for the interruption. Continuing:\n\n",
    "[continued]\n\n",
    "이어지는 내용입니다:\n\n",
    "계속 이어가겠습니다.\n\n",
    "알겠습니다. 끊긴 부분부터 다시 쓰겠습니다:\n\n",
    "接下来的内容如下：\n\n",
    "好，接着刚才的内容：\n",
    "続けます。\n\n",
)

MANNERS: Mapping[str, Manner] = {
    "goes on exactly": lambda text, at, _: text[at:],
    "repeats the words asked for": lambda text, at, anchor: anchor + text[at:],
    "… with other line breaks": lambda text, at, anchor: (
        re.sub(r"\s", "\n", anchor.rstrip()) + anchor[len(anchor.rstrip()) :] + text[at:]
    ),
    "… with typographic quotes": lambda text, at, anchor: (
        anchor.replace('"', "“").replace("'", "’") + text[at:]
    ),
    "… without the space at the end": lambda text, at, anchor: (
        anchor.rstrip() + text[at:] if text[at : at + 1].strip() else None
    ),
    "repeats 12 characters": lambda text, at, _: text[max(0, at - 12) :],
    "repeats from inside a word": _mid_word,
    "repeats 60 characters": lambda text, at, _: text[max(0, at - 60) :],
    "repeats the last line": lambda text, at, _: (
        text[text.rfind("\n", 0, at) + 1 :] if at - text.rfind("\n", 0, at) > 8 else None
    ),
    "starts over": lambda text, _at, _anchor: text,
    "announces it (English)": lambda text, at, anchor: (
        "Sure, continuing where I left off:\n\n" + anchor + text[at:]
    ),
    "announces it, then exactly": lambda text, at, _: (
        "Certainly! Continuing from where I stopped:" + "\n\n" + text[at:]
    ),
    "announces it (Korean)": lambda text, at, anchor: (
        "네, 이어서 작성하겠습니다:\n\n" + anchor + text[at:]
    ),
    "announces it (Chinese)": lambda text, at, anchor: "好的，我继续：\n" + anchor + text[at:],
    "announces it (Japanese)": lambda text, at, anchor: (
        "はい、続きを書きます：\n" + anchor + text[at:]
    ),
    "announces it, then starts over": lambda text, _at, _anchor: (
        "Here is the rest, continued:\n\n" + text
    ),
    # Phrases that the engine's own list was not written for.
    "announces it in other words": lambda text, at, anchor: (
        OTHER_WORDS[at % len(OTHER_WORDS)] + anchor + text[at:]
    ),
    "begins with dots": _ellipsis,
    "opens the code fence again": _fence,
    "begins a paragraph in mid-sentence": _break,
    "doubles the space": _double_space,
    "gives another answer": _fresh,
}


def is_ambiguous(name: str, text: str, at: int) -> str:  # noqa: C901, PLR0911 - a list of reasons
    """Say why nobody could tell what is meant here, or ""."""
    rest = text[at:]
    if name in ("goes on exactly", "announces it, then exactly", "begins with dots"):
        for size in range(len(text[:at]), 3, -1):
            if rest.startswith(text[at - size : at]) and is_evidence(rest[:size]):
                return "the text itself repeats what stood last"
        if name != "begins with dots" and rest.startswith(("...", "…")):
            return "the text itself goes on with dots"
    if name.startswith("repeats") and name != "repeats the words asked for":
        tail = {"repeats 12 characters": 12, "repeats from inside a word": 13}.get(name, 60)
        if text[: max(0, at - tail)].endswith(text[max(0, at - tail) : at]):
            return "what is repeated stands there twice already"
        core = text[max(0, at - tail) : at].lstrip()
        if name == "repeats the last line":
            core = text[text.rfind("\n", 0, at) + 1 : at]
        if not is_evidence(core):
            return "what is repeated is next to nothing"
        if (core + core).find(core, 1) <= len(core) // 2:
            return "what is repeated is a rhythm"
        leg = core + text[at:]
        for size in range(at, 3, -1):
            same = size != len(core) and text[:at].endswith(leg[:size])
            if same and is_evidence(leg[:size]):
                return "another length of the repetition fits as well"
    if name.startswith("announces") and at < 25 and go_on_begins_like(text[:at], name):
        return "the announcement begins with the very words that stand there"
    return ""


def go_on_begins_like(seen: str, name: str) -> bool:
    """Tell whether a manner's announcement begins with all of a short text."""
    leg = MANNERS[name]("☂" * 99, 50, "")
    return bool(leg) and str(leg).split() != [] and str(leg).startswith(seen.strip())
