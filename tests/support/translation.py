"""Comparing a page with its translation into Korean: structure, names, links and code.

Only comments, and strings in code that hold Korean in the translation, may differ. Any other
string is the name of something (a model, a field, a key) and has to be the same.
"""

import ast
import posixpath
import re
import shlex

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
HANGUL = re.compile("[가-힣]")


def prose(page):
    """A page without its blocks of code."""
    return FENCE.sub("", page)


def headings(page):
    """The headings of a page: lists of (level, words)."""
    found = re.findall(r"^(#+) (.+)$", prose(page), flags=re.MULTILINE)
    return [(len(marks), words) for marks, words in found]


def tables(page):
    """For each table of a page, the number of bars in each row."""
    found = re.findall(r"(?:^\|.*\n)+", prose(page), flags=re.MULTILINE)
    return [[row.count("|") for row in table.splitlines()] for table in found]


def figures(page):
    """The numbers in each row of each table, sorted: languages have their own order."""
    rows = re.findall(r"^\|.*$", prose(page), flags=re.MULTILINE)
    return [sorted(re.findall(r"\d+", re.sub(r"\]\([^)]*\)", "", row))) for row in rows]


def names(page):
    """What stands in backticks, sorted within each section."""
    sections = re.split(r"^#+ .+$", prose(page), flags=re.MULTILINE)
    return [
        sorted(" ".join(name.split()) for name in re.findall(r"`([^`]+)`", section))
        for section in sections
    ]


def links(page, at):
    """Where the links of a page lead, in order.

    Args:
        page: Its text.
        at: Its path in the repository; links within the repository become such paths too.
    """
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [
        link
        if re.match(r"[a-z]+:|#", link)
        else posixpath.normpath(posixpath.join(posixpath.dirname(at), link))
        for link in found
    ]


def code(page):
    """The blocks of code of a page: lists of (language, code)."""
    return FENCE.findall(page)


def difference(language, english, korean):
    """Return the first thing in which two blocks of code differ, of both; None if there is none.

    Comments are left out, and a string may be another one if it is Korean.
    """
    if language == "python":
        found = _of_nodes(ast.parse(english), ast.parse(korean))
        return found and tuple(map(_shown, found))
    if language == "bash":
        ours, theirs = (
            [shlex.split(line, comments=True) for line in block.splitlines()]
            for block in (english, korean)
        )
        return _of_lists(ours, theirs)
    return _of_values(english.splitlines(), korean.splitlines())


def _of_nodes(ours, theirs):
    """Compare two nodes of syntax trees."""
    if type(ours) is not type(theirs):
        return ours, theirs
    if isinstance(ours, ast.Constant):
        return _of_strings(ours.value, theirs.value)
    if isinstance(ours, ast.JoinedStr):  # the words may stand before or after the values
        words, values = zip(*map(_words_and_values, (ours, theirs)), strict=True)
        return _of_strings(*words) or _of_lists(*values)
    for name in ours._fields:
        pair = getattr(ours, name), getattr(theirs, name)
        compare = _of_lists if isinstance(pair[0], list) else _of_values
        compare = _of_nodes if isinstance(pair[0], ast.AST) else compare
        if found := compare(*pair):
            return found
    return None


def _of_lists(ours, theirs):
    """Compare lists of nodes, of words, and of lists of them."""
    for one, other in zip(ours, theirs, strict=False):
        compare = _of_nodes if isinstance(one, ast.AST) else _of_strings
        if found := (_of_lists if isinstance(one, list) else compare)(one, other):
            return found
    return None if len(ours) == len(theirs) else (ours, theirs)


def _of_strings(ours, theirs):
    """Compare constants and words of commands, which may be translated."""
    translated = isinstance(ours, str) and isinstance(theirs, str) and HANGUL.search(theirs)
    return None if translated else _of_values(ours, theirs)


def _of_values(ours, theirs):
    return None if (type(ours), ours) == (type(theirs), theirs) else (ours, theirs)


def _words_and_values(joined):
    """The text of an f-string, and the values in it."""
    words = [part.value for part in joined.values if isinstance(part, ast.Constant)]
    values = [part for part in joined.values if not isinstance(part, ast.Constant)]
    return "".join(words), values


def _shown(value):
    """A node, or a list of them, as code."""
    if isinstance(value, list):
        return [*map(_shown, value)]
    return ast.unparse(value) if isinstance(value, ast.AST) else value
