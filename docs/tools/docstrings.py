"""Reads our docstrings for the site: examples, trees, and the types of inherited settings."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"(?:^>>> .*\n?(?:^(?!>>> )\S.*\n?|^\.\.\. .*\n?)*)+", re.MULTILINE)


class Docstrings(griffe.Extension):
    """What Google's style leaves to the reader's eye, said to Markdown."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence examples, which Markdown takes for quotations, and drop the `::` before a tree."""
        if obj.docstring is not None:
            text = EXAMPLE.sub(r"```pycon\n\g<0>\n```\n", obj.docstring.value)
            obj.docstring.value = text.replace("\n::\n", "\n")

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Give a model the types of settings which it documents, but whose fields its base has."""
        found: Any
        for found in pkg.classes.values():
            cls = found.final_target if found.is_alias else found
            for name, field in cls.inherited_members.items():
                if field.is_attribute:
                    own = griffe.Attribute(name, annotation=field.annotation, parent=cls)
                    cls.set_member(name, own)
