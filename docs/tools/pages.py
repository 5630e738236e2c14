"""Makes pages of the files people look for at the root of a repository, and mends their links.

Links in those files and in docs/*.md are those that work on GitHub. What is no page of the site
(a test, the licence) keeps its words and loses its link.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "README.ko.md": "korean.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
WIDE = re.compile(r"^(?=.{120})\|(?:[^|\n]+\|){6,}$", re.MULTILINE)  # a row of many long cells
LINK = re.compile(r"\[([^\[\]]+)\]\((?![a-z]+:|#)([^()#\s]+)(#[^()\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Let links lead to pages, and give wide tables the room of the table of contents."""
    if WIDE.search(markdown):
        page.meta.setdefault("hide", ["toc"])
    source = page.file.src_uri
    here = posixpath.dirname(source)
    home = "" if source in PAGES.values() else posixpath.join("docs", here)

    def mend(link: re.Match[str]) -> str:
        words, target, anchor = link[1], link[2], link[3] or ""
        path = posixpath.normpath(posixpath.join(home, target))
        uri = PAGES.get(path, path.removeprefix("docs/"))
        if files.get_file_from_path(uri) is not None:
            return f"[{words}]({posixpath.relpath(uri, here or '.')}{anchor})"
        # One that leads nowhere is left as it is: mkdocs then complains.
        return words if (ROOT / path).exists() else link[0]

    return LINK.sub(mend, markdown)
