"""What goes into a pickle."""

import logging
import threading

from holysheep_core.integrations.pickles import without_unpicklable
from holysheep_core.integrations.turns import warn_once


class Raises:
    def __reduce__(self):
        raise RuntimeError("no")


def test_what_cannot_be_pickled_is_left_out_and_named_once(caplog):
    warn_once.cache_clear()
    caplog.set_level(logging.WARNING)
    fields = {"a": 1, "b": lambda: 0, "c": Raises(), "d": threading.Lock(), "e": None}
    for _ in range(2):
        assert without_unpicklable("Model", fields, ("a", "b", "c", "e")).keys() == {"a", "d", "e"}
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith("A pickle of Model leaves out b, c, which cannot be pickled. Set them")


def test_nothing_is_said_if_all_can_be_pickled(caplog):
    assert without_unpicklable("Model", {"a": print, "b": [1]}, ("a", "b")) == {
        "a": print,
        "b": [1],
    }
    assert not caplog.records
