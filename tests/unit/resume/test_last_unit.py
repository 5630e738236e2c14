"""A response that says the last line, number, word or cluster once more and continues it."""

import pytest

from holysheep_core.resume.last_unit import end_of_last_unit
from holysheep_core.resume.seen import SeenText


@pytest.mark.parametrize(
    ("seen", "response", "said_again"),
    [
        ("the sheep graz", "grazing", "graz"),
        ("it costs 12,3", "12,345 won", "12,3"),
        ("3x = ", "3x = 15", "3x = "),
        ("양이 풀을 뜯", "뜯는다", ""),
        ("양이 풀밭에", "풀밭에서 논다", "풀밭에"),
        ("he saw the lamp ", "lamp was lit", "lamp"),
        ("he saw the ", "the lamp", ""),
        ("and long long ", "long ago", ""),
        ("it is a", "and so on", ""),
        ("see 1", "10 sheep", ""),
        ("```py\nfor x in y:\n    pri", "```py\n    print(x)", "```py\n    pri"),
        ("a hand 👍", "👍🏽 yes", "👍"),
        ("the end", "the end", ""),
        ("ha", "", ""),
    ],
)
def test_the_last_unit_is_found_where_the_response_goes_on_in_it(seen, response, said_again):
    end = end_of_last_unit(SeenText(seen), response)
    assert response[:end].rstrip() == said_again.rstrip()
