"""API keys: how they are stored, and how they are masked."""

import copy
import pickle

import pytest

from holysheep_core.secrets import Secret, redact, redact_line, scrub


def test_secrets_compare_by_value_alone():
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_a_secret_shows_itself_only_when_asked_to():
    secret = Secret("sk-0123456789")
    assert secret.reveal() == "sk-0123456789"
    assert "0123" not in repr(secret) + str(secret) + f"{secret}"
    assert copy.deepcopy(secret) is copy.copy(secret) is secret
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


@pytest.mark.parametrize("written", ["a/b+c", "a\\/b+c"])
def test_a_secret_is_blanked_out_of_a_text_also_as_json_writes_it(written):
    assert scrub(f"<{written}> and {written}", ["a/b+c", ""]) == "<***> and ***"


def test_a_text_without_secrets_stays_as_it_is():
    assert scrub("nothing", ["else"]) == "nothing"


KEY = "sk-a/b+c4&ü"


@pytest.mark.parametrize(
    "written",
    [KEY, "sk-a\\/b+c4&ü", "sk-a/b+c4&\\u00fc", "sk-a%2Fb%2Bc4%26%C3%BC", "sk-a/b+c4&amp;ü"],
)
@pytest.mark.parametrize("around", ["{}", "x{}x", "Bearer {}", '{{"key": "{}"}}'])
def test_a_key_is_blanked_out_as_json_urls_and_html_write_it(written, around):
    assert scrub(around.format(written), [KEY]) == around.format("***")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bad key gpt", "bad key ***"),
        ("bad key gpt.", "bad key ***."),
        ("'gpt' (gpt) =gpt", "'***' (***) =***"),
        ("model gpt-4.1 is not chatgpt", "model gpt-4.1 is not chatgpt"),
        ("see my-gpt and gpt.example", "see my-gpt and gpt.example"),
    ],
)
def test_a_short_key_is_blanked_out_where_it_stands_alone(text, shown):
    assert scrub(text, ["gpt"]) == shown


def test_a_key_that_is_the_beginning_of_another_leaves_nothing_of_it():
    assert scrub("sk-0123456789", ["sk-01234", "sk-0123456789"]) == "***"


def test_control_characters_are_left_out_before_keys_are_looked_for():
    assert redact("sk-\x000123\x1b[1m4567\u200b89", ["sk-0123456789"]) == "***"
    assert redact("a\r\nb\rc\x0bd\te") == "a\nb\nc\nd\te"
    assert redact("양 👨\u200d👩\u200d👧 é") == "양 👨\u200d👩\u200d👧 é"
    assert "\ud800" not in redact("a\ud800b")


def test_a_key_at_the_limit_is_not_cut_in_two():
    text = "x" * 1995 + "sk-0123456789"
    assert redact(text, ["sk-0123456789"]) == "x" * 1995 + "***"
    assert redact("y" * 5000) == "y" * 2000


def test_a_line_is_one_line_and_short():
    assert redact_line(" a\n\n b\u2028c ") == "a b c"
    assert redact_line("x" * 2000, limit=10) == "x" * 10 + "…"
