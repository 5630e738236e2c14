"""Names of errors: one class for each, however it is written."""

import pytest

from holysheep_core.errors import QuotaExceededError, RateLimitError
from holysheep_core.protocol.error_codes import CODES, class_of_code

NAMES = [(cls, name) for cls, names in CODES.items() for name in names.split()]


@pytest.mark.parametrize(("cls", "name"), NAMES)
def test_a_name_is_known_in_any_case_and_punctuation(cls, name):
    for written in (name, name.upper(), name.lower(), name.replace("_", "-"), f" {name} "):
        assert class_of_code(written) is cls


def test_no_name_is_in_two_classes():
    plain = [name.lower().replace("_", "").replace(".", "") for _, name in NAMES]
    twice = {name for name in plain if plain.count(name) > 1}
    assert {cls for cls, name in NAMES if name.lower().replace("_", "") in twice} <= set(CODES)
    for name in twice:
        classes = {cls for cls, each in NAMES if each.lower().replace("_", "") == name}
        assert len(classes) <= 1, name


@pytest.mark.parametrize("name", [None, "", "x", "429", "quota", "insufficient_quota" * 100, "²"])
def test_what_names_nothing_has_no_class(name):
    assert class_of_code(name) is None


def test_money_and_a_rate_are_told_apart():
    assert class_of_code("InsufficientUserQuota") is QuotaExceededError
    assert class_of_code("Throttling.RateQuota") is RateLimitError
