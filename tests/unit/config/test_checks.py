"""The checks of numbers that all settings share."""

import math

import pytest

from holysheep_core.config.checks import check_count, check_number
from holysheep_core.errors import ConfigurationError

NO_NUMBERS = [-1, -0.001, math.nan, math.inf, -math.inf, True, "1", "", [1]]


NO_COUNTS = [-1, 1.0, math.nan, True, "1", None]


@pytest.mark.parametrize("bad", [*NO_NUMBERS, None, 0.5, 3.5])
def test_check_number_names_the_setting_and_both_ends_of_its_range(bad):
    with pytest.raises(ConfigurationError, match="needs a finite number from 1 to 3"):
        check_number("size", bad, minimum=1, maximum=3)


@pytest.mark.parametrize("bad", NO_COUNTS)
def test_check_count_names_the_setting_and_its_least_value(bad):
    with pytest.raises(ConfigurationError, match=r"^size=.*: needs a whole number from 2 up"):
        check_count("size", bad, minimum=2)


def test_a_whole_number_that_no_float_can_hold_is_refused_like_infinity():
    with pytest.raises(ConfigurationError, match="needs a finite number"):
        check_number("size", 10**400)


def test_check_number_and_check_count_let_the_ends_of_a_range_pass():
    assert check_number("size", 1, minimum=1, maximum=3) is None
    assert check_number("size", 3.0, minimum=1, maximum=3) is None
    assert check_count("size", 2, minimum=2) is None
