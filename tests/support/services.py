"""Servers and a browser that some tests need, and that a bare machine may not have."""

import os
import shutil

import pytest

USUAL = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
SEARCHED = os.environ.get("HOLYSHEEP_SERVICES", USUAL)  # another path, to see what is skipped


def service(*names):
    """Return the path of the first of these programs; skip the test if there is none.

    With REQUIRE_SERVICES=1, as in CI, a missing one fails the test.
    """
    for name in names:
        if found := shutil.which(name, path=SEARCHED):
            return found
    said = f"needs {names[0]}, which is not installed (tests/services.sh)"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(said)
    pytest.skip(said)
