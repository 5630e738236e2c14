"""What `make dist` alone can afford: installations into empty environments, and what git says.

Not part of `make test`: each installation downloads a framework.
"""

import re
import subprocess
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"

OTHERS = {"langchain-holysheep": "llama_index", "llama-index-llms-holysheep": "langchain_core"}


@pytest.fixture(scope="module", params=OTHERS)
def installed(request, tmp_path_factory):
    """An environment with one plugin, installed by its name; returns the name and a runner."""
    folder = tmp_path_factory.mktemp(request.param)
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    command = [python, "-m", "pip", "install", "-qq", "--find-links", DIST, request.param]
    subprocess.run(command, check=True, timeout=900)

    def run(*words):
        command = [python, "-I", *words]  # -I: nothing of this folder is importable
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
        )

    return request.param, run


ANSWER = "Whole, once, in order."


@pytest.mark.timeout(1000)
def test_what_its_readme_shows_streams_a_cut_answer_whole_in_an_empty_environment(installed):
    name, run = installed
    readme = (ROOT / "packaging" / name / "README.md").read_text("utf-8")
    [block] = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    code = f"""
import os
from holysheep_core.simulator import Scenario, Simulator, cut

with Simulator() as simulator:
    url = simulator.add(Scenario(text={ANSWER!r}, faults=[cut(at=7)])).base_url
    os.environ.update(HOLYSHEEP_API_KEY="any", HOLYSHEEP_BASE_URL=url)
    exec({block!r})
"""
    result = run("-c", code)
    assert result.stdout == ANSWER, result.stderr


@pytest.mark.timeout(1000)
def test_what_was_installed_are_the_wheels_built_here(installed):
    name, run = installed  # an index may have the same names
    for each in (name, "holysheep"):
        [wheel] = DIST.glob(f"{each.replace('-', '_')}-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            [record] = (file for file in archive.namelist() if file.endswith("/RECORD"))
            ours = archive.read(record).decode().split()
        show = (
            f"import importlib.metadata as m; print(m.distribution({each!r}).read_text('RECORD'))"
        )
        assert set(ours) <= set(run("-c", show).stdout.split())


@pytest.mark.timeout(1000)
def test_the_other_framework_is_not_there_and_neither_is_shared(installed):
    name, run = installed
    for module in (OTHERS[name], "shared"):
        assert f"No module named '{module}'" in run("-c", f"import {module}").stderr


@pytest.mark.timeout(1000)
def test_all_that_is_installed_goes_together(installed):
    _, run = installed
    result = run("-m", "pip", "check")
    assert result.returncode == 0, result.stdout


def test_everything_in_the_sdist_is_known_to_git():
    [sdist] = DIST.glob("holysheep-*.tar.gz")
    with tarfile.open(sdist) as archive:
        shipped = {member.name.partition("/")[2] for member in archive.getmembers()}
    command = ["git", "ls-files"]
    known = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shipped - set(known.splitlines()) == {"PKG-INFO"}
