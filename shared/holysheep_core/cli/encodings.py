"""Output for terminals that cannot show every character, such as a Korean Windows' (cp949)."""

from __future__ import annotations

import codecs
import io
from typing import TextIO

PLAIN = {
    "\N{CHECK MARK}": "OK",
    "\N{BALLOT X}": "FAILED",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "\N{RIGHTWARDS ARROW}": "->",
    "\N{MIDDLE DOT}": ".",
    "\N{MULTIPLICATION SIGN}": "x",
    "\N{BULLET}": "*",
    **dict.fromkeys("\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588", "#"),
    **dict.fromkeys("\u2500\u2501\u2574\u2578\u257a\u2508", "-"),
    **dict.fromkeys("\u2502\u2503", "|"),
}
"""What stands for our own marks; any other character that cannot be shown is a "?"."""

_NAME = "holysheep.plain"


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(PLAIN.get(each, "?") for each in lost), error.end


def show_plainly(*streams: TextIO) -> None:
    """Replace what a stream's encoding does not have, where it would raise an error."""
    codecs.register_error(_NAME, _plainly)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_NAME)
