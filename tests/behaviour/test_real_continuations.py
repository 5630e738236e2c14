"""How models really go on after a cut: recorded answers, and manners that were once joined wrongly.

`samples/resumes.json`: messages that an earlier splice joined wrongly, with what the reader should
get. `samples/real_continuations.json`: answers of SmolLM2-135M and Qwen2.5-Coder-1.5B to requests
for the rest, as they came.
"""

import json
from pathlib import Path

import pytest

from holysheep_core.resume.normalize import fold
from holysheep_core.resume.stitcher import Stitcher

SAMPLES = Path(__file__).parents[1] / "samples"
RESUMES = json.loads((SAMPLES / "resumes.json").read_text())["cases"]
RECORDED = json.loads((SAMPLES / "real_continuations.json").read_text())["cases"]
REPEATS_NOTHING = {
    "think_exact",
    "lead_newline_exact",
    "dots_exact_sp",
    "json_fence_exact",
    "fence_reopen_exact",
}
"""These go on without repeating a word: nothing proves where, so they are typed errors."""
AMBIGUOUS = {
    "var_word_swapped": "a word was put into the anchor: another sentence, or the same one",
    "var_fullwidth": "a full stop alone may be the rest, or a model that had nothing to add",
    "var_no_markup": "likewise white space alone",
    "var_bold_added": "likewise",
    "end_quoted_anchor": "likewise nothing at all",
}


def joined(case, *, last, cut):
    prefilled = case["technique"] == "prefill"
    stitcher = Stitcher(
        case["seen"],
        anchor="" if prefilled else case["asked_to_begin_with"],
        prefilled=prefilled,
        last=last,
    )
    shown = "".join(map(stitcher.feed, case["deltas"]))
    return shown if cut else shown + stitcher.close(), stitcher.rejected


def is_cut(case):
    """Tell whether the recorded message broke off itself, before the end of the text."""
    end = fold(case["wanted_after_seen"])[-8:]
    return not fold("".join(case["deltas"])).rstrip("\"'”`}>").endswith(end[-8:].rstrip("\"'”`}>"))


@pytest.mark.parametrize("number", range(len(RESUMES)))
def test_each_manner_that_was_joined_wrongly_is_joined_exactly_or_not_at_all(number):
    case = RESUMES[number]
    cut, wanted = is_cut(case), case["wanted_after_seen"]
    for last in (False, True):
        shown, rejected = joined(case, last=last, cut=cut)
        if not rejected:
            break
    if rejected:
        assert shown == ""
        assert case["manner"] in REPEATS_NOTHING | set(AMBIGUOUS)
    elif cut:
        assert wanted.startswith(shown)
    else:
        assert shown == wanted


def test_of_the_manners_that_prove_their_place_none_is_an_error():
    kinds = {case["manner"] for case in RESUMES}
    assert kinds >= REPEATS_NOTHING
    proven = [c for c in RESUMES if not is_cut(c) and c["manner"] not in REPEATS_NOTHING]
    errors = [c["manner"] for c in proven if joined(c, last=True, cut=False)[1]]
    assert set(errors) <= set(AMBIGUOUS)
    assert len(errors) <= 0.05 * len(proven)


@pytest.mark.parametrize("number", range(len(RECORDED)))
def test_what_real_models_said_is_never_shown_twice_and_half_of_it_never_whole(number):
    case = RECORDED[number]
    leg = case["legs"][0]
    prefilled = case["technique"] == "prefill"
    anchor = "" if prefilled else leg["asked_to_begin_with"]
    stitcher = Stitcher(case["seen"], anchor=anchor, prefilled=prefilled)
    shown = "".join(map(stitcher.feed, leg["deltas"]))
    shown += stitcher.close(limited=leg["finish"] == "length")
    if not prefilled:
        assert stitcher.rejected or shown.strip()
        said, again = fold("".join(leg["deltas"])), fold(anchor)
        # What the model says once more after its first repetition is its own.
        assert (
            stitcher.rejected
            or not again
            or said.count(again) > fold(shown).count(again)
            or (not said.count(again))
        )
    elif not stitcher.rejected:
        assert fold("".join(leg["deltas"])).endswith(fold(shown))
