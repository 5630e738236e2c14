"""The tree of errors: as documented, with a rule for every class, and picklable."""

import builtins
import inspect
import pickle
import re

import pytest

import holysheep_core
from holysheep_core import errors
from holysheep_core.engine.rules import RULES
from holysheep_core.errors import APIError, HolySheepError, RateLimitError, StreamCutError, caused
from holysheep_core.types import Attempt


def all_below(cls: type) -> list[type]:
    below = [sub for sub in cls.__subclasses__() if sub.__module__.startswith("holysheep_core")]
    return [*below, *(lower for sub in below for lower in all_below(sub))]


CLASSES = [HolySheepError, *all_below(HolySheepError)]
API = [cls for cls in CLASSES if issubclass(cls, APIError)]
FACTS = {
    "status_code": 429,
    "code": "c",
    "type": "t",
    "param": "p",
    "request_id": "r",
    "retry_after": 1.5,
    "body": "b",
}


def drawn() -> dict[str, str | None]:
    path, tree = [], {}
    for line in errors.__doc__.splitlines():
        if found := re.match(r"    ([│├└─ ]*)(\w+)  ", line):
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            tree[found[2]] = path[depth - 1] if depth else None
    return tree


def test_the_tree_in_the_docstring_is_the_real_one():
    real = {
        cls.__name__: next(
            (b.__name__ for b in cls.__bases__ if issubclass(b, HolySheepError)), None
        )
        for cls in CLASSES
    }
    assert drawn() == real


def test_every_class_of_error_has_its_rule_on_purpose():
    assert set(RULES) == set(CLASSES) - {HolySheepError}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_public_and_documented(cls):
    assert getattr(holysheep_core, cls.__name__) is cls
    assert cls.__name__ in holysheep_core.__all__
    assert cls.__doc__
    assert inspect.getmodule(cls) is errors


def furnished(cls: type[HolySheepError]) -> HolySheepError:
    error = cls("no sheep", **(FACTS if issubclass(cls, APIError) else {}))
    error.partial = "안녕"
    error.attempts = (Attempt(1, "p", "m", "request", 0.0, outcome="RateLimitError"),)
    return error


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_survives_pickling_with_all_it_carries(cls, protocol):
    error = furnished(cls)
    back = pickle.loads(pickle.dumps(error, protocol))
    assert (type(back), str(back), back.args) == (cls, "no sheep", error.args)
    assert vars(back) == vars(error)


@pytest.mark.parametrize("cls", CLASSES)
def test_the_first_cause_survives_pickling_too(cls):
    error = furnished(cls)
    error.first_cause = furnished(RateLimitError)
    back = pickle.loads(pickle.dumps(error)).first_cause
    assert (type(back), str(back), vars(back)) == (
        RateLimitError,
        "no sheep",
        vars(error.first_cause),
    )


@pytest.mark.parametrize("cls", API)
def test_a_refusal_keeps_every_fact(cls):
    error = cls("no", **FACTS)
    assert {name: getattr(error, name) for name in FACTS} == FACTS


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_without_facts_has_empty_ones(cls):
    error = cls()
    assert (str(error), error.partial, error.attempts, error.first_cause) == ("", "", (), None)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_about_time_and_no_other_is_a_timeout_error(cls):
    timely = any(word in cls.__name__ for word in ("Timeout", "Stalled", "Slow", "Deadline"))
    assert issubclass(cls, builtins.TimeoutError) is timely


@pytest.mark.parametrize("cls", CLASSES)
def test_no_error_is_a_value_error_which_pydantic_would_print_the_key_with(cls):
    assert not issubclass(cls, (ValueError, AssertionError))


def test_caused_sets_the_cause_and_returns_the_error():
    error, cause = StreamCutError("a"), RateLimitError("b")
    assert caused(error, cause) is error
    assert error.__cause__ is cause
