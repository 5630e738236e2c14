"""Filters in a row: each gets what those before it let through."""

from holysheep_core.resume.filters import Filters


class Upto:
    """Holds text until a mark came, and then lets it through in capitals."""

    def __init__(self, mark):
        self._mark, self.held = mark, ""

    def feed(self, text):
        self.held += text
        if self._mark not in self.held:
            return ""
        shown, self.held = self.held.upper(), ""
        return shown

    def close(self):
        held, self.held = self.held, ""
        return f"({held})"


def test_without_a_filter_text_passes_untouched():
    filters = Filters()
    assert not filters
    assert filters.feed("sheep") == "sheep"
    assert filters.close() == ""


def test_text_passes_all_in_order_and_is_held_by_any():
    filters = Filters(Upto("a"))
    filters.add(Upto("B"))
    assert filters
    assert filters.feed("x") == ""
    assert filters.holds_text
    assert filters.feed("a") == ""  # the second one waits for a B
    assert filters.holds_text
    assert filters.feed("ab") == "XAAB"
    assert not filters.holds_text


def test_at_the_end_what_one_held_passes_those_behind_it():
    filters = Filters(Upto("a"), Upto("b"))
    filters.feed("x")
    assert filters.close() == "((x))"
    filters.feed("ya")
    assert filters.close() == "(YA())"
