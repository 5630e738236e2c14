"""Reasoning in tags before a resumed response's text."""

import pytest

from holysheep_core.resume.thinking import MAX_THINKING, Thinking, thinking_before


def before(written, seen="It was", *, obeys=False, final=False):
    return thinking_before(written, seen, obeys=obeys, final=final)


@pytest.mark.parametrize("tag", ["think", "thinking", "thought", "reasoning"])
def test_a_block_in_tags_is_open_until_text_follows_it(tag):
    whole = f" <{tag}>Hm.</{tag}>\n\nSheep"
    for end in range(2, len(whole) - len("Sheep") + 1):
        assert before(whole[:end]) == Thinking(is_open=True), whole[:end]
    assert before(whole) == Thinking(is_open=False, thought="Hm.", rest="Sheep")
    assert before(whole[: -len("Sheep")], final=True) == Thinking(is_open=False, thought="Hm.")


@pytest.mark.parametrize("written", ["", " ", "Sheep", "<b>Hm.</b>", "a <think>"])
def test_what_begins_with_text_has_none(written):
    assert before(written) is None


def test_half_a_tag_at_the_end_and_a_block_without_end_are_text():
    assert before("<thin", final=True) is None
    assert before("<think>Hm.", final=True) is None
    assert before("<think>" + "a" * MAX_THINKING) is None


def test_the_end_of_a_block_alone_counts_only_where_the_answer_began_with_one():
    said = "Hm.</think>Sheep"
    assert before(said) is None
    assert before(said, "Oh.</think>It was") == Thinking(False, "Hm.", "Sheep")
    assert before(said, "Oh.</think>It was", obeys=True) is None


def test_inside_the_readers_own_block_nothing_is_taken_out():
    assert before("<think>Hm.</think>Sheep", "<think>It was") is None
