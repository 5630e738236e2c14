"""Conditions of tests on the versions of the frameworks that are installed."""

from importlib.metadata import version

import pytest
from packaging.version import Version


def _older(package, than):
    return Version(version(package)) < Version(than)


def since(package, than, what):
    """Mark a test that needs what a package has since a version."""
    return pytest.mark.skipif(_older(package, than), reason=f"{package} {than} brought {what}")


def skip_before(package, than, what):
    """Skip the running test, which needs what a package has since a version."""
    if _older(package, than):
        pytest.skip(f"{package} {than} brought {what}")
