"""Conditions of tests on the versions of the frameworks that are installed."""

import sys
from importlib.metadata import version

import pytest
from packaging.version import Version


def older(package, than):
    """Tell whether the installed version of a package is older."""
    return Version(version(package)) < Version(than)


def since(package, than, what):
    """Mark a test that needs what a package has since a version."""
    return pytest.mark.skipif(older(package, than), reason=f"{package} {than} brought {what}")


def skip_before(package, than, what):
    """Skip the running test, which needs what a package has since a version."""
    if older(package, than):
        pytest.skip(f"{package} {than} brought {what}")


def skip_where_tasks_have_no_context():
    """Skip the running test, which needs LangGraph's `astream` to find the graph in a task."""
    if sys.version_info < (3, 11):
        pytest.skip("before Python 3.11, tasks have no context: LangGraph streams no messages then")
