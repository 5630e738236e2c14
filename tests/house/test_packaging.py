"""What is shipped: the wheel's names, and each plugin without the other's framework."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    # No isolation: hatchling comes with the test dependencies, and nothing is downloaded.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*command, str(ROOT)], check=True, capture_output=True, timeout=120)
    return next(out.glob("*.whl"))


def run_outside(code, *paths, cwd):
    """Run code in a fresh interpreter that sees only the given paths first."""
    setup = f"import sys; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    return subprocess.run(
        [sys.executable, "-c", setup + code],
        check=False,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_wheel_holds_three_packages_and_no_package_called_shared(wheel):
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    packages = {name for name in names if not name.endswith(".dist-info")}
    assert packages == {"holysheep_core", "langchain_holysheep", "llamaindex_holysheep"}


def test_each_package_says_it_is_typed(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    packages = ("holysheep_core", "langchain_holysheep", "llamaindex_holysheep")
    assert {f"{package}/py.typed" for package in packages} <= set(names)


def test_import_shared_fails_in_an_installation(wheel, tmp_path):
    target = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(target)
    result = run_outside("import shared", target, cwd=tmp_path)
    assert "No module named 'shared'" in result.stderr


@pytest.mark.parametrize(
    ("plugin", "other"),
    [("langchain_holysheep", "llama_index"), ("llamaindex_holysheep", "langchain_core")],
)
def test_importing_one_plugin_does_not_need_the_other_framework(wheel, tmp_path, plugin, other):
    target = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(target)
    block = f"sys.modules[{other!r}] = None\nimport {plugin}\nprint({plugin}.__file__)"
    result = run_outside(block, target, cwd=tmp_path)
    assert str(target) in result.stdout, result.stderr


def test_the_engine_alone_needs_no_framework_and_no_extra(wheel, tmp_path):
    target = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(target)
    names = ("langchain_core", "llama_index", "openai", "typer", "rich", "redis", "limits")
    block = "".join(f"sys.modules[{name!r}] = None\n" for name in names)
    result = run_outside(block + "import holysheep_core\nprint('ok')", target, cwd=tmp_path)
    assert result.stdout == "ok\n", result.stderr
