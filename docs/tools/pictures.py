"""Takes pictures of the site's pages and of a report in Chromium, to be looked at.

    python docs/tools/pictures.py                    # all of PAGES, into a temporary folder
    python docs/tools/pictures.py FOLDER --pages faults report --widths 390

Each page is taken as on a phone and on a wide screen, light and dark, Korean pages among them.
Needs mkdocs (`make docs` installs it into .venv-docs) and Chromium; a Korean font must be installed
for Korean to be seen.

Exit status 1 if a page is wider than its window; the message names the page and what is too wide.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import Browser, Tab  # noqa: E402 - what the tests look at pages with
from support.event_logs import write_log  # noqa: E402 - likewise: a day of calls

PAGES = [
    "index",
    "korean",
    "tutorials/first-stream",
    "ko/first-stream",
    "reference/langchain",
    "faults",
    "report",
    "report-ko",
]
WIDTHS = [390, 1400]
"""Pixels: a phone, and a window on a large screen."""

HIGHEST = 6000
"""Pixels of a page that its picture shows, from the top."""

LOADED = "document.readyState === 'complete' && [...document.images].every(one => one.complete)"
SIZE = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
CULPRITS = """
[...document.querySelectorAll('body *')]
    .filter(one => one.getBoundingClientRect().right > WIDTH + 1)
    .filter(one => {  // what scrolls inside a parent does not widen the page
        for (let box = one.parentElement; box; box = box.parentElement)
            if (getComputedStyle(box).overflowX !== 'visible' && box !== document.body) return false
        return true
    })
    .map(one => one.tagName.toLowerCase() + ' ' + JSON.stringify(one.innerText?.slice(0, 40)))
    .slice(-1)[0]
"""


def mkdocs() -> str | None:
    """Return the path of mkdocs, or None if it is not installed."""
    return shutil.which("mkdocs", path=f"{ROOT}/.venv-docs/bin:{os.environ.get('PATH', '')}")


def build(pages: list[str], folder: Path) -> dict[str, Path]:
    """Build what the pages need.

    Args:
        pages: Names as in PAGES: paths of the site without ending, "report", "report-ko".
        folder: Where the site and the reports go.

    Returns:
        The HTML file of each page.

    Raises:
        subprocess.CalledProcessError: mkdocs or the report failed; its output was shown.
        FileNotFoundError: mkdocs is not installed, or there is no such page.
    """
    site, log = folder / "site", folder / "calls.db"
    reports = {"report": "en_US.UTF-8", "report-ko": "ko_KR.UTF-8"}
    files = {}
    if set(pages) - set(reports):
        if (program := mkdocs()) is None:
            raise FileNotFoundError("mkdocs is not installed: make docs installs it")
        command = [program, "build", "--quiet", "--site-dir", str(site)]
        env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
        subprocess.run(command, cwd=ROOT, env=env, check=True)  # noqa: S603 - no shell
    if set(pages) & set(reports):
        write_log(log)
    for page in pages:
        files[page] = site / ("index.html" if page == "index" else f"{page}/index.html")
        if page in reports:
            files[page] = folder / f"{page}.html"
            command = [sys.executable, "-m", "holysheep_core.cli", "report", "--log", str(log)]
            command += ["--against", "gpt-4.1", "--html", str(files[page])]
            env = {**os.environ, "LC_ALL": reports[page], "PYTHONUTF8": "1"}
            quiet = subprocess.DEVNULL
            subprocess.run(command, env=env, check=True, stdout=quiet)  # noqa: S603 - no shell
        if not files[page].exists():
            raise FileNotFoundError(f"there is no page {page}")
    return files


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder, and yield its URL: a page that is opened as a file has no search."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def look(tab: Tab, url: str, picture: Path, width: int, *, dark: bool) -> str | None:
    """Take a picture of a page.

    Args:
        tab: Where the page is opened.
        url: The page.
        picture: The PNG file that is written.
        width: Of the window, in pixels; below 600 it is a phone's.
        dark: Whether the reader prefers dark pages.

    Returns:
        What is wrong with the page, if it is wider than the window; else None.
    """
    tab.send(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 600,  # noqa: PLR2004 - between phones and tablets
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    tab.send("Emulation.setEmulatedMedia", features=[scheme])
    tab.run("window.isOld = true")
    tab.send("Page.navigate", url=url)
    tab.wait(f"!window.isOld && {LOADED}")
    tab.run("document.fonts.ready.then(() => true)")
    wide, high = tab.run(SIZE)
    # A phone shows a page that is too wide by zooming out, so `innerWidth` says nothing there.
    clip = {"x": 0, "y": 0, "width": max(wide, width), "height": min(high, HIGHEST), "scale": 1}
    taken = tab.send("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
    picture.write_bytes(base64.b64decode(taken["data"]))
    if wide <= width:
        return None
    return f"{wide} px wide: {tab.run(CULPRITS.replace('WIDTH', str(width)))}"


def pictures(urls: dict[str, str], folder: Path, widths: list[int]) -> Iterator[str]:
    """Take the pictures of pages, as `FOLDER/page-390-dark.png`.

    Args:
        urls: The pages, by their names.
        folder: Where the pictures are written.
        widths: Of the windows, in pixels.

    Yields:
        For each page that is wider than its window, which it is and what is too wide.
    """
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        try:
            tab = browser.open("data:text/html,<title>Pictures</title>")
            # The site keeps the colours of the first visit.
            forget = "location.protocol === 'http:' && localStorage.clear()"
            tab.send("Page.enable")  # without it the next line does nothing
            tab.send("Page.addScriptToEvaluateOnNewDocument", source=forget)
            for page, url in urls.items():
                for width in widths:
                    for dark in (False, True):
                        name = f"{page.replace('/', '-')}-{width}-{'dark' if dark else 'light'}.png"
                        if wrong := look(tab, url, folder / name, width, dark=dark):
                            yield f"{page} at {width} px: {wrong}"
        finally:
            browser.close()


def has_korean_font() -> bool:
    """Tell whether a font with Korean is installed, as far as that can be known."""
    if (program := shutil.which("fc-list")) is None:
        return True
    command = [program, ":lang=ko"]
    done = subprocess.run(command, capture_output=True, check=True)  # noqa: S603 - no shell
    return bool(done.stdout.strip())


def main() -> int:
    """Build, take the pictures, and print what is wrong."""
    options = argparse.ArgumentParser(description="Pictures of the pages, in Chromium.")
    options.add_argument("folder", nargs="?", type=Path, help="of the pictures")
    options.add_argument("--pages", nargs="+", default=PAGES, metavar="PAGE")
    options.add_argument("--widths", nargs="+", default=WIDTHS, type=int, metavar="PIXELS")
    given = options.parse_args()
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        sys.exit("Chromium is needed: sh tests/services.sh installs it where apt-get may.")
    folder = given.folder or Path(tempfile.mkdtemp(prefix="pictures-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not has_korean_font():
        sys.stdout.write(
            "No Korean font: Korean is shown as boxes (apt-get install fonts-nanum).\n"
        )
    with tempfile.TemporaryDirectory() as built:
        files = build(given.pages, Path(built))
        with served(Path(built)) as url:
            urls = {page: f"{url}/{file.relative_to(built)}" for page, file in files.items()}
            wrong = list(pictures(urls, folder, given.widths))
    lines = [f"{len(list(folder.glob('*.png')))} pictures in {folder}", *wrong]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
