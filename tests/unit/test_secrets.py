"""API keys: how they are stored, and how they are masked."""

import copy
import pickle

import pytest

from holysheep_core.secrets import Secret, scrub


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
