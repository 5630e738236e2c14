"""The notebooks: each runs from a clean copy with the committed outputs and its claims."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="the notebooks' dependency group is not here")
for needed in ("nbclient", "ipykernel", "matplotlib"):
    pytest.importorskip(needed, reason="likewise")

FOLDER = Path(__file__).parents[2] / "notebooks"
CLAIMS = {
    "01_langchain_quickstart": [
        "finish_reason stop",
        "13 in, 49 out",
        "$0.000418",
        "Sheep(name='양순이', age=3)",
        "2 resumes",
        "StreamCutError",
    ],
    "02_llamaindex_quickstart": [
        "gpt-4.1 62 tokens, $0.000418",
        "from 2 sources",
        "stream cut after 40 characters",
        "89 characters, 2 request(s), 1 resume(s)",
    ],
    "03_when_the_stream_breaks": [
        "62 of 272, no error ",
        "272 of 272 characters, each once, in order",
        "62 of 272 characters, no error",
        "gpt-4.1 -> claude-sonnet-4.5 (RateLimitError)",
        "6 request(s), 4 resume(s)",
    ],
    "04_agents_and_tools": [
        "ChatOpenAI     paid [1]\nChatHolySheep  paid [1000]\n",
        "OpenAILike     paid [1]\nHolySheep      paid [1000]\n",
        "pay({'amount': 1000}) -> 1000 won sent",
    ],
    "05_migrate_and_roll_back": [
        "It is timeout here",
        "100 %: {'holysheep': 20}",
        "0 of ",
        "of them in mid-answer",
        "saved against gpt-4.1: $0.001931",
        "100.000 %",
    ],
}
every_notebook = pytest.mark.parametrize("name", CLAIMS)


def cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(cell):
    return "".join(
        output.text if output.output_type == "stream" else output.data.get("text/plain", "")
        for output in cell.outputs
    )


def shown(path):
    """What each cell shows; of one whose figures are never twice the same, in which form."""
    return [
        [output.output_type for output in cell.outputs]
        if "varies" in cell.metadata.get("tags", ())
        else text_of(cell)
        for cell in cells(path)
    ]


def run(folder, *names, **env):
    return subprocess.run(
        [sys.executable, folder / "run.py", *names],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture
def copy(tmp_path):
    folder = shutil.copytree(FOLDER, tmp_path / "notebooks")
    for path in folder.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)
    return folder


def test_there_are_claims_for_every_notebook():
    assert [path.stem for path in sorted(FOLDER.glob("*.ipynb"))] == list(CLAIMS)


@pytest.mark.slow
@pytest.mark.timeout(120)
@every_notebook
def test_it_runs_from_a_clean_copy_and_shows_what_is_committed(copy, name):
    result = run(copy, name)
    assert result.returncode == 0, result.stdout + result.stderr
    ran = copy / f"{name}.ipynb"
    assert shown(ran) == shown(FOLDER / f"{name}.ipynb")
    told = "".join(map(text_of, cells(ran)))
    assert [claim for claim in CLAIMS[name] if claim not in told] == []


@every_notebook
def test_what_is_committed_is_a_run_from_top_to_bottom_and_bears_out_the_claims(name):
    committed = cells(FOLDER / f"{name}.ipynb")
    assert [cell.execution_count for cell in committed] == list(range(1, len(committed) + 1))
    assert all(output.output_type != "error" for cell in committed for output in cell.outputs)
    assert all(text_of(cell).count("\n") < 32 for cell in committed)
    told = "".join(map(text_of, committed))
    assert [claim for claim in CLAIMS[name] if claim not in told] == []


def test_no_call_was_lost_in_the_outage():
    told = "".join(map(text_of, cells(FOLDER / "05_migrate_and_roll_back.ipynb")))
    assert re.search(r"^0 of [1-9]\d+ calls lost$", told, flags=re.MULTILINE)


def test_the_timeline_is_a_picture():
    forms = [
        set(output.get("data", ()))
        for cell in cells(FOLDER / "03_when_the_stream_breaks.ipynb")
        for output in cell.outputs
    ]
    assert any("image/png" in form for form in forms)


@every_notebook
def test_nothing_of_a_machine_or_an_account_is_in_it(name):
    raw = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    raw = re.sub(r'"image/png": "[^"]*"', "", raw)  # letters by chance
    assert not re.search(r"/(home|root|tmp|work|Users|private)/|127\.0\.0\.1|localhost", raw)
    assert not re.search(r"\b(sk|cr)-\w|Bearer|\x1b", raw)


@every_notebook
def test_what_it_links_to_exists(name):
    raw = (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(((?!https?:)[^)]+)\)", raw):
        assert (FOLDER / link).exists(), link


def test_a_cell_that_raises_is_named_and_nothing_is_saved(tmp_path):
    shutil.copy(FOLDER / "run.py", tmp_path)
    sources = ["x = 0", "# the culprit\n1 / x", "x"]
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    nbformat.write(broken, tmp_path / "broken.ipynb")
    before = (tmp_path / "broken.ipynb").read_bytes()
    result = run(tmp_path)
    assert result.returncode == 1
    assert "broken.ipynb … cell [2], '# the culprit" in result.stdout
    assert "ZeroDivisionError" in result.stdout
    assert (tmp_path / "broken.ipynb").read_bytes() == before


@pytest.mark.timeout(120)
def test_with_a_key_it_asks_the_gateway_and_saves_nothing(copy, play):
    script = play(text=None)  # stands for the gateway
    env = {"HOLYSHEEP_API_KEY": "sk-secret", "HOLYSHEEP_BASE_URL": script.base_url}
    before = (copy / "01_langchain_quickstart.ipynb").read_bytes()
    result = run(copy, "--live", "01_langchain_quickstart", **env)
    assert result.returncode == 0, result.stdout + result.stderr
    assert {request.headers["authorization"] for request in script.requests} == {"Bearer sk-secret"}
    assert len(script.requests) == 6
    assert (copy / "01_langchain_quickstart.ipynb").read_bytes() == before
    code = "import stage; print(stage.where(), stage.play(), [stage.play('', *'x')])"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "sk-secret" not in told.stdout + told.stderr
    assert script.base_url in told.stdout
    assert "faults cannot be scripted" in told.stdout


def test_without_live_a_key_is_not_used(copy, play):
    script = play(text=None)
    shutil.copy(copy / "01_langchain_quickstart.ipynb", copy / "one.ipynb")
    notebook = nbformat.read(copy / "one.ipynb", as_version=4)
    notebook.cells = [nbformat.v4.new_code_cell("import stage; print(stage.play())")]
    nbformat.write(notebook, copy / "one.ipynb")
    run(copy, "one", HOLYSHEEP_API_KEY="sk-secret", HOLYSHEEP_BASE_URL=script.base_url)
    assert script.base_url not in text_of(cells(copy / "one.ipynb")[0])
    assert not script.requests
