"""How well cut answers are joined: every text, cut at every character, in every manner.

    python tests/benchmarks/seams [step]

For each manner it prints the share joined byte for byte, the share raised as an error (the
seam says that this is another answer), the share wrong, and how many characters were held. The
same legs go through two plain policies for comparison: "append" joins as it comes, and
"longest overlap" takes out the longest suffix that is a prefix, however short.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from corpus import corpus
from manners import MANNERS, is_ambiguous

from holysheep_core.resume.seen import choose_anchor, is_provable
from holysheep_core.resume.stitcher import Stitcher

FRESH = "gives another answer"


def ours(seen: str, leg: str, anchor: str, replay: bool) -> tuple[str | None, int]:
    stitcher = Stitcher(seen, anchor="" if replay else anchor, replay=replay)
    rng = random.Random(len(seen))
    got, at = [], 0
    while at < len(leg):
        size = rng.randint(1, 9)
        got.append(stitcher.feed(leg[at : at + size]))
        at += size
    got.append(stitcher.close())
    return None if stitcher.rejected else seen + "".join(got), stitcher.held


def append(seen: str, leg: str, _anchor: str, _replay: bool) -> tuple[str | None, int]:
    return seen + leg, 0


def longest_overlap(seen: str, leg: str, _anchor: str, _replay: bool) -> tuple[str | None, int]:
    for size in range(min(len(seen), len(leg)), 0, -1):
        if seen.endswith(leg[:size]):
            return seen + leg[size:], 0
    return seen + leg, 0


Policy = Callable[[str, str, str, bool], tuple[str | None, int]]


def measure(policy: Policy, step: int) -> tuple[dict[str, Counter[str]], list[int], list[str]]:
    score: dict[str, Counter[str]] = defaultdict(Counter)
    held: list[int] = []
    wrong: list[str] = []
    for name, text in corpus():
        for at in range(1, len(text), step):
            seen = text[:at]
            replay = not is_provable(seen)
            anchor = choose_anchor(seen, 32)
            for manner, go_on in MANNERS.items():
                leg = text if replay else go_on(text, at, anchor)
                if leg is None or (replay and manner == FRESH):
                    continue
                joined, most = policy(seen, leg, anchor, replay)
                if is_ambiguous(manner, text, at):
                    outcome = "ambiguous"
                elif joined is None:
                    outcome = "raised"
                elif joined == text:
                    outcome = "exact"
                else:
                    outcome = "wrong"
                    wrong.append(f"{manner} | {name} @{at}: {seen[-25:]!r} + {leg[:40]!r}")
                score[manner][outcome] += 1
                if manner != "starts over":
                    held.append(most)
    return score, held, wrong


def main(step: int) -> int:
    print(f"{len(corpus())} texts, cut at every {step}. character, {len(MANNERS)} manners")
    print(f"{'manner':38}{'cases':>8}{'exact %':>9}{'raised %':>9}{'wrong':>7}{'ambiguous':>10}")
    score, held, wrong = measure(ours, step)
    total: Counter[str] = Counter()
    for manner, outcomes in score.items():
        total.update(outcomes if manner != FRESH else {})
        print(f"{manner:38}{_row(outcomes)}")
    print(f"{'all but another answer':38}{_row(total)}")
    print(f"characters held: median {statistics.median(held):.0f}, most {max(held)}")
    for policy in (append, longest_overlap):
        plain, _, _ = measure(policy, step)
        both: Counter[str] = Counter()
        for manner, outcomes in plain.items():
            both.update(outcomes if manner != FRESH else {})
        print(f"{'policy: ' + policy.__name__.replace('_', ' '):38}{_row(both)}")
    if wrong:
        print("\nwrong:")
        for line in random.Random(1).sample(wrong, min(25, len(wrong))):
            print("  " + line)
    return 1 if total["wrong"] else 0


def _row(outcomes: Counter[str]) -> str:
    counted = sum(outcomes.values()) - outcomes["ambiguous"]
    exact, raised = (100 * outcomes[name] / max(1, counted) for name in ("exact", "raised"))
    return f"{counted:8}{exact:9.2f}{raised:9.2f}{outcomes['wrong']:7}{outcomes['ambiguous']:10}"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
