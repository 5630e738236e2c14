"""What `make dist` alone can afford: installations into empty environments, and what git says.

Not part of `make test`: each installation downloads a framework.
"""

import subprocess
import tarfile
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"

ENDINGS = {
    "langchain-holysheep": """
from langchain_holysheep import ChatHolySheep

model = ChatHolySheep(model="gpt-4.1", api_key="any", base_url=url)
answer = "".join(chunk.text for chunk in model.stream("Hi"))
""",
    "llama-index-llms-holysheep": """
from llama_index.llms.holysheep import HolySheep

model = HolySheep(model="gpt-4.1", api_key="any", api_base=url)
answer = "".join(response.delta for response in model.stream_complete("Hi"))
""",
}
OTHERS = {"langchain-holysheep": "llama_index", "llama-index-llms-holysheep": "langchain_core"}


@pytest.fixture(scope="module", params=ENDINGS)
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


@pytest.mark.timeout(1000)
def test_a_cut_answer_arrives_whole_in_an_empty_environment(installed):
    name, run = installed
    start = """
from holysheep_core.simulator import Scenario, Simulator, cut

simulator = Simulator().start()
url = simulator.add(Scenario(text="Whole, once, in order.", faults=[cut(at=7)])).base_url
"""
    result = run("-c", start + ENDINGS[name] + "print(answer)\nsimulator.stop()")
    assert result.stdout == "Whole, once, in order.\n", result.stderr


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
