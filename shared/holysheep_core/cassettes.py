"""Recordings of calls, for tests that need neither key nor network: vcrpy (extra "vcr").

>>> from holysheep_core.cassettes import cassette
>>> from langchain_holysheep import ChatHolySheep
>>> with cassette("story.yaml"):
...     ChatHolySheep(model="gpt-4.1").invoke("How do sheep live?").text
'Sheep live in flocks.'

The first run sends the request and writes the file; later runs replay it. Streams are replayed
too, but all at once: their timing is not recorded. The content type is the only header that is
recorded, so a cassette contains no key; it does contain prompts and answers. Where an answer
repeats a key or a header of your own (of 8 characters or more), "***" is recorded.

Only whole answers are recorded: vcrpy reads an answer to its end before the engine sees it, so a
stream that was cut is requested again. To test cuts, use `holysheep_core.simulator`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from holysheep_core.errors import ConfigurationError
from holysheep_core.secrets import MIN_SECRET_LENGTH, scrub

KEPT = ("content-type",)
"""Headers that are recorded. Of all others, who knows what they tell?"""

_PLAIN = (
    *("accept", "accept-encoding", "accept-language", "cache-control", "connection"),
    *("content-length", "content-type", "host", "transfer-encoding", "user-agent"),
)
"""Headers of a request that every client sends; what is in others may be a secret."""


@contextmanager
def cassette(
    path: str | Path,
    record_mode: Literal["once", "new_episodes", "none", "all"] = "once",
    **settings: Any,
) -> Iterator[Any]:
    """Record what is asked in this block, or play it.

    A request is the one recorded if model, messages and all else in its body are. Models need some
    key all the same: `api_key="none"` will do to play.

    Args:
        path: The file; its folders are made.
        record_mode: vcrpy's. "once": plays a file that is there, and refuses what is not in it.
            "none" (in CI): never asks anybody. "all": asks again. "new_episodes": adds.
        settings: More of `vcr.VCR.use_cassette`'s.

    Yields:
        vcrpy's cassette; its `play_count` says how often it was asked.

    Raises:
        ConfigurationError: vcrpy is not installed.
        vcr.errors.CannotOverwriteExistingCassetteException: A request is not in the file.
    """
    try:
        import vcr  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigurationError("cassette: needs vcrpy: pip install 'holysheep[vcr]'.") from None
    scribe = _Scribe()
    given: dict[str, Any] = {
        "record_mode": record_mode,
        # Not the address: what is recorded here is played anywhere.
        "match_on": ("method", "body"),
        "before_record_request": scribe.request,
        "before_record_response": scribe.response,
        "decode_compressed_response": True,
        **settings,
    }
    log = logging.getLogger("vcr")
    level = log.level
    log.setLevel(max(level, logging.WARNING))  # on INFO it tells all that passes
    try:
        with vcr.use_cassette(str(path), **given) as recorded:
            yield recorded
    finally:
        log.setLevel(level)


class _Scribe:
    """Leaves out of a recording what is nobody's business."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def request(self, request: Any) -> Any:
        for name, value in request.headers.items():
            if name.lower() not in _PLAIN:
                self._secrets |= _secrets_in(str(value))
        request.headers = _kept(request.headers)
        return request

    def response(self, response: dict[str, Any]) -> dict[str, Any]:
        # A server may repeat a secret, to say what is wrong with it.
        said = response["body"]["string"].decode("utf-8", "surrogateescape")
        said = scrub(said, self._secrets)
        body = {"string": said.encode("utf-8", "surrogateescape")}
        return {**response, "headers": _kept(response["headers"]), "body": body}


def _secrets_in(value: str) -> set[str]:
    # "Bearer …" as a whole, and what comes after the word. Short values ("none") are left: they
    # are parts of ordinary words, and what is played would not be what was recorded.
    return {each for each in (value, value.partition(" ")[2]) if len(each) >= MIN_SECRET_LENGTH}


def _kept(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name.lower() in KEPT}
