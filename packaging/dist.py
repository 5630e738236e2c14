"""Builds wheel and sdist of the three distributions into dist/, and proves them; `make dist`.

Nothing is uploaded: that is `twine upload dist/*`, by someone who has the right to.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PROJECTS = [ROOT, *sorted(path.parent for path in ROOT.glob("packaging/*/pyproject.toml"))]


def run(*words: str | Path) -> None:
    """Run a module of this Python; what it says is shown, and a failure ends it all."""
    environment = {**os.environ, "HOLYSHEEP_DIST": str(DIST)}
    done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, env=environment, check=False)  # noqa: S603 - no shell
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    """Build, and check what came of it: metadata, contents, installations."""
    shutil.rmtree(DIST, ignore_errors=True)
    for project in PROJECTS:
        # In an environment of its own, as pip does it; the wheel is built from the sdist.
        run("build", "-qq", "--outdir", DIST, project)
    run("twine", "check", "--strict", *sorted(DIST.iterdir()))
    run("pytest", "-q", "tests/repository/test_packaging.py", "packaging/test_dist.py")


if __name__ == "__main__":
    main()
