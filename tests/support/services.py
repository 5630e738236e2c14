"""Servers and a browser that some tests need, and that a bare machine may not have."""

import os
import shutil

import pytest

USUAL = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
SEARCHED = os.environ.get("HOLYSHEEP_SERVICES", USUAL)  # another path, to see what is skipped


def service(*names, folder=None, by="tests/services.sh"):
    """Return the path of the first of these programs; skip the test if there is none.

    With REQUIRE_SERVICES=1, as in CI, a missing one fails the test.

    Args:
        names: Names of the same program.
        folder: Where it is looked for too.
        by: What installs it.
    """
    for name in names:
        if found := shutil.which(name, path=f"{SEARCHED}:{folder}" if folder else SEARCHED):
            return found
    said = f"needs {names[0]}, which is not installed ({by})"
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(said)
    pytest.skip(said)
