"""A resumed response, fed to a stitcher in pieces of several sizes."""

from holysheep_core.resume.seen import choose_anchor
from holysheep_core.resume.stitcher import Stitcher

TEXT = (
    "안녕, 양 세 마리가 왔어요! Then count `flock = [1, 2]`:\n\n"
    "```py\nfor sheep in flock:\n    if sheep:\n        print(sheep)\n```\n끝났어요, 정말로 👋."
)
SIZES = {"whole": 10_000, "per character": 1, "in pieces of 3": 3}


def obedient(seen: str, rest: str) -> str:
    """Return the response of a model that begins with the quoted words, as it was asked to."""
    return choose_anchor(seen, 32) + rest


def stitcher_after(seen: str, *, last: bool = True, **more) -> Stitcher:
    """Return the stitcher of a second request, for which a mark alone may be the rest."""
    return Stitcher(seen, anchor=choose_anchor(seen, 32), last=last, **more)


def passed(stitcher: Stitcher, response: str, size: int = 10_000) -> str:
    """Return the text that a stitcher lets through of a whole response."""
    fed = [stitcher.feed(response[i : i + size]) for i in range(0, len(response), size)]
    return "".join(fed) + stitcher.close()
