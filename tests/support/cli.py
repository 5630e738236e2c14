"""The command line, as a user runs it."""

import os
import subprocess
import sys

HOLYSHEEP = [sys.executable, "-m", "holysheep_core.cli"]


def run(*arguments, **environment):
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "130", **environment}
    command = [*HOLYSHEEP, *map(str, arguments)]
    encoding = environment.get("PYTHONIOENCODING", "utf-8")
    return subprocess.run(
        command, capture_output=True, encoding=encoding, timeout=60, env=env, check=False
    )
