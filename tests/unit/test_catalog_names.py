"""Names of one model: what is equal, and what is another model."""

import pytest

from holysheep_core.catalog_names import lookup_key, lookup_keys


@pytest.mark.parametrize("name", ["Claude-Sonnet-4.5", "claude-sonnet-4-5", " CLAUDE-SONNET-4-5 "])
def test_case_and_dots_do_not_matter(name):
    assert lookup_key(name) == "claude-sonnet-4-5"


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("m", ["m"]),
        ("m-2025-04-14", ["m-2025-04-14", "m"]),
        ("m-20250414", ["m-20250414", "m"]),
        ("m@20250414", ["m@20250414", "m"]),
        ("m-latest", ["m-latest", "m"]),
        ("a/m", ["a/m", "m"]),
        ("a/b/m-latest", ["a/b/m-latest", "a/b/m", "b/m-latest", "b/m", "m-latest", "m"]),
        ("", [""]),
        ("a/", ["a/", ""]),
    ],
)
def test_the_most_exact_name_is_first(name, keys):
    assert list(lookup_keys(name)) == keys


@pytest.mark.parametrize(
    "name",
    ["m-mini", "m-preview", "m-0528", "m-1106", "m-250414", "m:free", "m:latest", "m-19990101"],
)
def test_what_may_be_another_model_keeps_its_name(name):
    assert list(lookup_keys(name)) == [name]


@pytest.mark.parametrize("name", ["ft:m:acme::1", "ft:m-2025-04-14", "openai/ft:m", "ft:acme/m"])
def test_a_fine_tuned_model_is_only_itself(name):
    assert list(lookup_keys(name)) == [name]
