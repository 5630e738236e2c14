"""`make matrix`: the suite on every Python of this machine, with oldest and newest frameworks."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

OLDEST = (
    "httpx==0.28.1",
    "langchain-core==1.6.0",
    "llama-index-core==0.14.10",
    "msgspec==0.19.0",
    "tenacity==8.5.0",
)
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def interpreter(version: str) -> str:
    """Return a Python of that version: pyenv's, where its shims refuse, or the one on PATH."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = sorted(root.glob(f"{version}.*/bin/python"))
    return str(found[-1]) if found else shutil.which(f"python{version}") or f"python{version}"


def install(session: nox.Session, *pins: str) -> None:
    """Install the project with everything its tests need, at the given versions."""
    session.run("python", "-m", "pip", "install", "-qq", "--upgrade", "pip")
    groups = ("--group", "pyproject.toml:test")
    session.run("python", "-m", "pip", "install", "-qq", "-e", ".[all]", *groups, *pins)


@nox.session(python=[interpreter(version) for version in VERSIONS])
def newest(session: nox.Session) -> None:
    """The newest frameworks this Python can have."""
    install(session)
    session.run("pytest", "-n", "auto", "-q", "tests")


@nox.session(python=[interpreter(VERSIONS[0]), interpreter(VERSIONS[-1])])
def oldest(session: nox.Session) -> None:
    """The oldest frameworks that are promised to work."""
    install(session, *OLDEST)
    session.run("pytest", "-n", "auto", "-q", "tests")
