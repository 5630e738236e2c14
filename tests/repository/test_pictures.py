"""The script that takes pictures of the pages: it builds, looks, and says which page is too wide."""

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from support.browser import Browser
from support.services import service

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs/tools/pictures.py"
spec = importlib.util.spec_from_file_location("pictures", SCRIPT)
pictures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pictures)


def size(picture):
    """Width and height of a PNG file."""
    return struct.unpack(">II", picture.read_bytes()[16:24])


@pytest.fixture
def tab(tmp_path):
    browser = Browser(tmp_path / "profile")
    yield browser.open("data:text/html,<title>Test</title>")
    browser.close()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_no_page_is_wider_than_a_phone_and_the_pictures_are_written(tmp_path):
    service("chromium", "google-chrome")
    service("mkdocs", folder=ROOT / ".venv-docs/bin", by="make docs")
    command = [
        sys.executable,
        SCRIPT,
        tmp_path,
        "--pages",
        "korean",
        "report-ko",
        "--widths",
        "390",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    taken = {path.name: path for path in tmp_path.glob("*.png")}
    names = [
        f"{page}-390-{tone}.png" for page in ("korean", "report-ko") for tone in ("dark", "light")
    ]
    assert sorted(taken) == names
    assert {size(path)[0] for path in taken.values()} == {390}
    for page in ("korean", "report-ko"):
        dark, light = (taken[f"{page}-390-{tone}.png"].read_bytes() for tone in ("dark", "light"))
        assert dark != light, page


def test_there_is_a_page_of_every_name(tmp_path):
    reports = [page for page in pictures.PAGES if page.startswith("report")]
    files = pictures.build(reports, tmp_path)
    assert 'lang="ko"' in files["report-ko"].read_text("utf-8")
    assert 'lang="en"' in files["report"].read_text("utf-8")
    for page in set(pictures.PAGES) - {*reports, "index", "korean"}:
        assert (ROOT / f"docs/{page}.md").exists(), page


def test_a_page_that_is_too_wide_is_named_with_what_is_too_wide(tab, tmp_path):
    (tmp_path / "wide.html").write_text(
        "<!doctype html><div style='overflow: auto'><p style='width: 900px'>scrolls</p></div>"
        "<p>fits</p><p style='width: 500px'>does not</p>"
    )
    with pictures.served(tmp_path) as url:
        looks = [
            pictures.look(tab, f"{url}/wide.html", tmp_path / "wide.png", width, dark=False)
            for width in (390, 1400)
        ]
    assert looks[0].endswith('px wide: p "does not"')
    assert looks[1] is None
    assert size(tmp_path / "wide.png") == (1400, 800)
