"""`make matrix`: the suite on every Python of this machine, with oldest and newest frameworks."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

VERSIONS = ("3.10", "3.11", "3.12", "3.13")
ENDS = (VERSIONS[0], VERSIONS[-1])
FRAMEWORKS = (
    "langchain-core",
    "llama-index-core",
    "httpx=",
    "msgspec",
    "tenacity",
    "limits",
    "redis",
)


def oldest_versions() -> list[str]:
    """Return a pin for the lower bound of each dependency in pyproject.toml."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    needs = [*project["dependencies"], *(need for name in extras for need in extras[name])]
    found = (re.match(r"([\w-]+)>=([\w.]+)", need) for need in needs)
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


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
    session.run("pytest", "-n", "4", "-q", *(session.posargs or ["tests"]))


@nox.session(python=[interpreter(version) for version in ENDS])
def oldest(session: nox.Session) -> None:
    """The oldest versions that are promised to work: of every dependency, or of the frameworks."""
    pins = oldest_versions()
    if session.python != interpreter(ENDS[0]):
        # What the tests themselves use there, such as httpx2, needs newer ones of the others.
        pins = [pin for pin in pins if pin.startswith(FRAMEWORKS)]
    install(session, *pins)
    session.run("pytest", "-n", "4", "-q", *(session.posargs or ["tests"]))
