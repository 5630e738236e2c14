"""Unknown keywords: the error has the name and the best advice, never the value."""

import pytest

from holysheep_core import ConfigurationError, refuse_unknown

HINTS = {"organization": "Write default_headers."}
KNOWN = ["temperature", "timeout"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("organization", "Llm has no organization. Write default_headers."),
        ("temprature", "Llm has no temprature. Did you mean temperature?"),
        ("zzz", "Llm has no zzz. Put it elsewhere."),
    ],
)
def test_it_says_what_to_write_instead(given, says):
    with pytest.raises(ConfigurationError) as caught:
        refuse_unknown("Llm", [given, "timeout"], KNOWN, HINTS, "Put it elsewhere.")
    assert str(caught.value) == says


def test_known_keywords_pass():
    assert refuse_unknown("Llm", KNOWN, KNOWN, HINTS, "") is None
