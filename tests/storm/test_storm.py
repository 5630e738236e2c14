"""The storm, short: `make storm` is the long one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

STORM = Path(__file__).parent


# Fifteen seconds of it, and those of a rehearsal, of the last calls and of a machine that is busy.
@pytest.mark.timeout(300)
def test_a_storm_leaves_whole_answers_typed_errors_and_nothing_else():
    for name in ("haproxy", "redis-server"):
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
        assert found, f"the tests need {name} (apt-get install {name})"
    command = [sys.executable, STORM, "--seconds", "15", "--callers", "30"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
