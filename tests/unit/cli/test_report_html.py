"""The report as a page, in a real browser."""

import json
import subprocess
from html import escape

import pytest

from holysheep_core import Catalog
from holysheep_core.cli import report_data as figures
from holysheep_core.cli.report_html import page
from holysheep_core.cli.words import Words
from support.event_logs import HOUR
from support.services import service


def made(path, span=24 * HOUR, against="claude-sonnet-4.5"):
    return figures.report(path, span, against=against, catalog=Catalog())


FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--virtual-time-budget=3000",
]


MEASURE = """<iframe id="page" width="{width}" height="900" srcdoc="{page}"></iframe><script>
document.getElementById("page").onload = (event) => {{
  const page = event.target.contentDocument, root = page.documentElement;
  const seen = (name) => getComputedStyle(page.body).getPropertyValue(name);
  document.title = JSON.stringify({{
    wide: root.scrollWidth, bars: page.querySelectorAll("rect").length,
    tables: page.querySelectorAll("table").length, odd: page.querySelectorAll("odd").length,
    paper: seen("background-color"), ink: seen("color"),
    outside: page.querySelectorAll("script, link, img, iframe").length,
    labels: page.querySelectorAll(".hours span, .values span").length,
    cut: [...page.querySelectorAll(".hours span, .values span, figcaption span, td")].filter(
      (each) => each.getBoundingClientRect().right > root.clientWidth
        || each.getBoundingClientRect().left < 0 || each.scrollWidth > each.clientWidth + 1
           && getComputedStyle(each).display !== "inline").map((each) => each.textContent),
    small: [...page.querySelectorAll(".hours span, .values span, td, .fact span")].filter(
      (each) => parseFloat(getComputedStyle(each).fontSize) < 11).length,
    lines: [...page.querySelectorAll(".fact")].map((each) => each.offsetTop),
  }});
}};</script>"""


@pytest.fixture
def browse(path, tmp_path):
    browser = service("chromium", "google-chrome")

    def browse(width, *flags, language="en"):
        wrapper = tmp_path / "wrapper.html"
        inside = escape(page(made(path), Words(language)), quote=True)
        wrapper.write_text(MEASURE.format(width=width, page=inside), encoding="utf-8")
        home = tmp_path / f"home-{width}-{len(flags)}-{language}"
        command = [browser, *FLAGS, *flags, f"--user-data-dir={home}", "--dump-dom"]
        done = subprocess.run(
            [*command, wrapper.as_uri()], capture_output=True, text=True, timeout=50, check=True
        )
        title = done.stdout.split("<title>")[1].split("</title>")[0]
        return json.loads(title.replace("&quot;", '"'))

    return browse


def test_a_browser_shows_the_whole_page_without_asking_anyone(browse):
    seen = browse(1100)
    assert seen["bars"] >= 20
    assert seen["tables"] >= 4
    assert seen["outside"] == 0, "the page holds all it needs"
    assert seen["odd"] == 0, "names are text, whatever is in them"


def test_it_can_be_read_on_a_phone(browse):
    seen = browse(390)
    assert seen["wide"] <= 390, "nothing to scroll sideways for"
    assert len(set(seen["lines"])) == 4, "two figures side by side"


@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_no_label_is_cut_or_too_small_to_read(browse, width, language):
    seen = browse(width, language=language)
    assert seen["labels"] >= 15
    assert seen["cut"] == []
    assert seen["small"] == 0


def test_it_is_dark_where_the_reader_likes_that(browse):
    light, dark = browse(800), browse(800, "--blink-settings=preferredColorScheme=0")
    assert light["paper"] != dark["paper"]
    assert light["ink"] != dark["ink"]
