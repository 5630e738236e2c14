"""Where a JSON value ends, and that nothing after it is shown."""

import json

import pytest

from holysheep_core.resume.json_end import EndOfJson
from support.stitching import SIZES, passed, stitcher_after

VALUE = '{\n  "note": "a \\"wool\\" } coat",\n  "legs": [4, [4]],\n  "name": "양 세 마리"\n}'


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_nothing_after_the_end_of_a_value_cut_at_every_character_is_let_through(size):
    for at in range(len(VALUE)):
        end = EndOfJson(VALUE[:at])
        text = VALUE[at:] + "\n```\n\nThat is all."
        assert (
            "".join(end.feed(text[i : i + size]) for i in range(0, len(text), size)) == VALUE[at:]
        )
        assert (end.is_open, end.held, end.close()) == (False, "", "")


def test_a_value_is_open_until_its_last_bracket():
    json.loads(VALUE)
    assert not EndOfJson().is_open
    assert all(EndOfJson(VALUE[:at]).is_open for at in range(1, len(VALUE)))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("before", ["", "Here is the complete JSON:\n\n"])
def test_a_remark_behind_a_fence_around_the_whole_value_is_not_shown(before, size):
    for at in range(30, len(VALUE) - 1):
        said = f"{before}```json\n{VALUE}\n```\n\nLet me know if you need more."
        assert passed(stitcher_after(VALUE[:at]), said, size) == VALUE[at:], at
