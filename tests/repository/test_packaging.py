"""The three distributions, their names, and each plugin without the other's framework.

`make dist` lets these tests look at what it has built (`HOLYSHEEP_DIST`); else they build the same here.
"""

import ast
import email
import functools
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import holysheep_core

ROOT = Path(__file__).parents[2]
THIN = {
    "langchain-holysheep": "holysheep[langchain]",
    "llama-index-llms-holysheep": "holysheep[llamaindex]",
}
PROJECTS = {"holysheep": ROOT, **{name: ROOT / "packaging" / name for name in THIN}}


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    if given := os.environ.get("HOLYSHEEP_DIST"):
        return Path(given).absolute()
    out = tmp_path_factory.mktemp("dist")
    # hatchling comes with the test dependencies: nothing is downloaded.
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    for project in PROJECTS.values():
        subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=60)
    return out


def wheel_of(name, dist):
    [wheel] = dist.glob(f"{name.replace('-', '_')}-*.whl")
    return wheel


def files_of_sdist(name, dist):
    [sdist] = dist.glob(f"{name.replace('-', '_')}-*.tar.gz")
    with tarfile.open(sdist) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers()}


def files_of_wheel(name, dist):
    with zipfile.ZipFile(wheel_of(name, dist)) as archive:
        return {each for each in archive.namelist() if ".dist-info/" not in each}


def metadata_of(name, dist):
    with zipfile.ZipFile(wheel_of(name, dist)) as archive:
        [path] = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(path))


@pytest.fixture(scope="module")
def site(dist, tmp_path_factory):
    """All three wheels, as pip lays them out."""
    target = tmp_path_factory.mktemp("site")
    for name in PROJECTS:
        zipfile.ZipFile(wheel_of(name, dist)).extractall(target)
    return target


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


# -- what is in them ------------------------------------------------------------------------


def test_the_wheel_holds_its_packages_and_none_called_shared(dist):
    packages = {name.partition("/")[0] for name in files_of_wheel("holysheep", dist)}
    assert packages == {
        "holysheep",
        "holysheep_core",
        "langchain_holysheep",
        "llamaindex_holysheep",
    }


def test_each_package_says_it_is_typed(dist):
    packages = ("holysheep_core", "langchain_holysheep", "llamaindex_holysheep")
    assert {f"{each}/py.typed" for each in packages} <= files_of_wheel("holysheep", dist)


def test_the_thin_wheels_hold_no_code_but_the_import_path_of_llamaindex(dist):
    assert not files_of_wheel("langchain-holysheep", dist)
    # No `__init__` above it: those would hide everybody else's `llama_index`.
    folder = "llama_index/llms/holysheep"
    files = {f"{folder}/__init__.py", f"{folder}/py.typed"}
    assert files_of_wheel("llama-index-llms-holysheep", dist) == files


@pytest.mark.parametrize("name", PROJECTS)
def test_all_have_one_version_and_the_licence(name, dist):
    assert metadata_of(name, dist)["Version"] == holysheep_core.__version__
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert (PROJECTS[name] / "LICENSE").read_text(encoding="utf-8") == licence
    assert metadata_of(name, dist).get_all("License-File") == ["LICENSE"]


@pytest.mark.parametrize("name", PROJECTS)
def test_each_says_who_made_it_and_where_it_lives(name, dist):
    metadata = metadata_of(name, dist)
    assert metadata["Author"]
    urls = dict(each.split(", ") for each in metadata.get_all("Project-URL"))
    assert urls.keys() == {"Homepage", "Repository", "Documentation", "Changelog", "Issues"}
    assert urls == project()["urls"]
    pythons = {each for each in metadata.get_all("Classifier") if "Python :: 3." in each}
    assert pythons == {f"Programming Language :: Python :: 3.{minor}" for minor in range(10, 14)}


LINK = re.compile(r"\]\(([^)\s]+)\)")


def test_links_of_the_readme_work_on_pypi_where_no_file_is_beside_it(dist):
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = metadata_of("holysheep", dist).get_payload(decode=True).decode()
    files = project()["urls"]["Repository"] + "/blob/main/"
    pictures = files.replace("github.com", "raw.githubusercontent.com").replace("/blob", "")
    for here, there in zip(LINK.findall(readme), LINK.findall(shown), strict=True):
        if re.match(r"[a-z]+:|#", here):
            assert there == here
        else:
            assert (ROOT / here.partition("#")[0]).exists()
            assert there in {files + here, pictures + here}
    assert LINK.sub("]()", shown) == LINK.sub("]()", readme)  # no word is another
    assert all(each.startswith("https://") for each in re.findall(r"!\[[^]]*\]\((\S+)\)", shown))


@pytest.mark.parametrize("name", THIN)
def test_links_of_a_thin_ones_readme_work_on_pypi(name, dist):
    links = LINK.findall(metadata_of(name, dist).get_payload(decode=True).decode())
    assert links
    assert all(link.startswith("https://") for link in links)


def test_the_newest_version_is_dated_in_the_changelog():
    log = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(
        rf"^## {re.escape(holysheep_core.__version__)} - \d{{4}}-\d\d-\d\d$", log, re.MULTILINE
    )


@pytest.mark.parametrize("name", THIN)
def test_a_thin_one_depends_on_an_extra_of_this_very_version_and_on_nothing_else(name, dist):
    needs = metadata_of(name, dist).get_all("Requires-Dist")
    assert needs == [f"{THIN[name]}=={holysheep_core.__version__}"]
    extra = re.findall(r"\[(\w+)\]", THIN[name])[0]
    assert extra in metadata_of("holysheep", dist).get_all("Provides-Extra")


def test_the_sdist_holds_the_code_its_tests_the_pages_and_the_notebooks(dist):
    files = files_of_sdist("holysheep", dist)
    assert {"tests/repository/test_packaging.py", "docs/faults.md", "Makefile", "LICENSE"} <= files
    assert any(name.startswith("notebooks/") and name.endswith(".ipynb") for name in files)
    for name in THIN:
        assert f"packaging/{name}/pyproject.toml" in files


@pytest.mark.parametrize("name", PROJECTS)
def test_an_sdist_holds_no_junk(name, dist):
    junk = re.compile(r"__pycache__|\.pyc$|\.egg-info|\.venv|_cache/|\.ipynb_checkpoints|\.env$")
    assert not [each for each in files_of_sdist(name, dist) if junk.search(each)]


# -- what it imports, it declares -----------------------------------------------------------

EXTRAS = {
    "langchain_holysheep": [{"langchain"}],
    "llamaindex_holysheep": [{"llamaindex"}],
    "holysheep_core/integrations": [{"langchain"}, {"llamaindex"}],  # either has to be enough
    # `demo` shows both plugins, if their frameworks are installed.
    "holysheep_core/cli": [{"cli", "langchain", "llamaindex"}],
    "holysheep_core/cassettes.py": [{"vcr"}],
    "holysheep_core/journal": [{"redis", "crypto"}],
    "holysheep_core/store": [{"redis"}],
    "holysheep_core/observers": [{"otel", "prometheus", "cli"}],
}
"""Where more than the dependencies is needed: the sets of extras with each of which a module works."""

IF_INSTALLED = {
    "holysheep_core/cli/demo.py": {"langchain_openai"},
    # For type checkers: a client of the user's own may be one of its.
    "holysheep_core/client/handler.py": {"httpx2"},
    "holysheep_core/transport/clients.py": {"httpx2"},
}
"""What a module asks for before it imports it."""


def project():
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    return toml.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(extras):
    needs = list(project()["dependencies"])
    for extra in extras:
        needs += project()["optional-dependencies"][extra]
    return {normal(re.match(r"[\w.-]+", need)[0]) for need in needs}


def third_party(source):
    """The top-level packages a module imports when it runs, and that Python does not bring."""
    ours = {"holysheep_core", "langchain_holysheep", "llamaindex_holysheep"}
    tree, found = ast.parse(source), set()
    branches = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    typing = [branch for branch in branches if ast.unparse(branch.test) == "TYPE_CHECKING"]
    for_checkers = {node for branch in typing for node in ast.walk(branch)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            package = node.module.partition(".")[0]
            # Type checkers bring this one themselves.
            if not (package == "typing_extensions" and node in for_checkers):
                found.add(package)
    return found - ours - set(sys.stdlib_module_names) - {"tomllib"}


@functools.cache
def brought_by():
    """The distributions of each importable package: to ask takes a second."""
    return importlib.metadata.packages_distributions()


def undeclared(name, source):
    """Each import of a shipped module that nothing brings which its extras declare."""
    extras = next((sets for place, sets in EXTRAS.items() if name.startswith(place)), [set()])
    return {
        package
        for package in third_party(source) - IF_INSTALLED.get(name, set())
        for given in extras
        if not {normal(each) for each in brought_by().get(package, ())} & declared(given)
    }


knows_packages = pytest.mark.skipif(
    sys.version_info < (3, 11),
    reason="Python 3.10 knows the packages of distributions with a top_level.txt alone",
)


@knows_packages
def test_every_third_party_import_is_declared(dist):
    with zipfile.ZipFile(wheel_of("holysheep", dist)) as archive:
        sources = {each: archive.read(each) for each in archive.namelist() if each.endswith(".py")}
    assert sources.keys() > {
        f"{name}/__init__.py" for name in ("holysheep_core/cli", "holysheep_core")
    }
    missing = {name: undeclared(name, source) for name, source in sources.items()}
    assert not {name: packages for name, packages in missing.items() if packages}


@knows_packages
@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("holysheep_core/secrets.py", "import pydantic", {"pydantic"}),
        ("holysheep_core/secrets.py", "def f():\n    from redis.retry import Retry", {"redis"}),
        ("holysheep_core/store/store.py", "def f():\n    from redis.retry import Retry", set()),
        ("langchain_holysheep/x.py", "import llama_index.core", {"llama_index"}),
        ("holysheep_core/integrations/x.py", "import langchain_core", {"langchain_core"}),
        ("holysheep_core/secrets.py", "import nobody_has_this", {"nobody_has_this"}),
        ("holysheep_core/x.py", "if TYPE_CHECKING:\n  from typing_extensions import Self", set()),
        ("holysheep_core/x.py", "from typing_extensions import Self", {"typing_extensions"}),
        ("holysheep_core/secrets.py", "import json, httpx\nfrom . import errors", set()),
    ],
)
def test_an_undeclared_import_would_be_found(name, source, expected):
    assert undeclared(name, source) == expected


# -- what works with them -------------------------------------------------------------------


def test_import_shared_fails_in_an_installation(site, tmp_path):
    result = run_outside("import shared", site, cwd=tmp_path)
    assert "No module named 'shared'" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plugin", "other"),
    [
        ("langchain_holysheep", "llama_index"),
        ("llamaindex_holysheep", "langchain_core"),
        ("llama_index.llms.holysheep", "langchain_core"),
    ],
)
def test_importing_one_plugin_does_not_need_the_other_framework(site, tmp_path, plugin, other):
    block = f"sys.modules[{other!r}] = None\nimport {plugin}\nprint({plugin}.__file__)"
    result = run_outside(block, site, cwd=tmp_path)
    assert str(site) in result.stdout, result.stderr


@pytest.mark.parametrize(
    ("plugin", "framework", "extra"),
    [
        ("langchain_holysheep", "langchain_core", "langchain"),
        ("llamaindex_holysheep", "llama_index", "llamaindex"),
    ],
)
def test_a_plugin_without_its_framework_says_what_to_install(
    site, tmp_path, plugin, framework, extra
):
    block = f"sys.modules[{framework!r}] = None\nimport {plugin}"
    said = run_outside(block, site, cwd=tmp_path).stderr.splitlines()[-1]
    assert said.startswith("ImportError: ")
    assert f"needs its framework: pip install 'holysheep[{extra}]'" in said


def test_the_engine_alone_needs_no_framework_and_no_extra(site, tmp_path):
    names = ("langchain_core", "llama_index", "openai", "typer", "rich", "redis", "limits")
    block = "".join(f"sys.modules[{name!r}] = None\n" for name in names)
    result = run_outside(block + "import holysheep_core\nprint('ok')", site, cwd=tmp_path)
    assert result.stdout == "ok\n", result.stderr


def test_llamaindex_finds_our_class_beside_its_own(site, tmp_path):
    project = (PROJECTS["llama-index-llms-holysheep"] / "pyproject.toml").read_text("utf-8")
    [path] = re.findall(r'^import_path = "(.+)"$', project, flags=re.MULTILINE)
    [name] = re.findall(r'class_authors\]\n(\w+) = "', project)
    code = f"""
from {path} import {name}
from llama_index.core.llms import LLM
from llama_index.llms.openai_like import OpenAILike
from llamaindex_holysheep import HolySheep
print({name} is HolySheep and issubclass({name}, LLM))
"""
    result = run_outside(code, site, cwd=tmp_path)
    assert result.stdout == "True\n", result.stderr


def test_the_checkout_itself_imports_nothing_of_packaging():
    # A package of that name here would hide the library pip, build and pytest use.
    assert Path(importlib.import_module("packaging").__file__).parents[1] != ROOT
    assert not (ROOT / "packaging/__init__.py").exists()
