"""httpx and httpx2, for tests that are run with both."""

import importlib
import sys
from dataclasses import replace

import pytest

from holysheep_core import Connections

OLD = pytest.mark.skipif(sys.version_info < (3, 11), reason="httpx2 needs Python 3.11")
NAMES = ["httpx", pytest.param("httpx2", marks=OLD)]
with_both = pytest.mark.parametrize("library", NAMES)


def load(name):
    """Return the library of that name."""
    return importlib.import_module(name)


def made_with(library, settings):
    """Return settings of a handler whose own clients are made with that library."""
    connections = settings.get("connections") or Connections()
    return {**settings, "connections": replace(connections, library=library)}
