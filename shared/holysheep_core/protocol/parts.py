"""Parts of an answer beside text and tool calls: images, audio, citations, blocks of reasoning.

Servers send them in fields of a delta (`images`, `audio`, `annotations`, `reasoning_details`,
`thinking_blocks`), or as parts of a content list. Each is kept as the server wrote it, because
it may have to be sent back as it was (a signature covers the bytes of its block). Pieces of one
part are joined: the text of reasoning, the base64 of audio.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from holysheep_core.protocol.wire import Message
from holysheep_core.types import Part

_FIELDS = {
    "images": "image",
    "audio": "audio",
    "annotations": "citation",
    "reasoning_details": "reasoning",
    "thinking_blocks": "reasoning",
}
"""Fields of a delta, and the kind of part in each."""
_REASONING_TEXTS = ("text", "summary", "thinking", "reasoning", "content")
_GROWING = ("data", "transcript")


class PartCollector:
    """Collects the parts of one response and joins their pieces.

    >>> parts = PartCollector()
    >>> parts.take(Message(reasoning_details=[{"type": "reasoning.text", "text": "Hm"}]))
    'Hm'
    >>> parts.take(Message(reasoning_details=[{"type": "reasoning.text", "text": "m."}]))
    'm.'
    >>> parts.finish()[0].value
    {'type': 'reasoning.text', 'text': 'Hmm.'}
    """

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def take(self, message: Message) -> str:
        """Take the parts of a delta or message; return the reasoning that they say."""
        thoughts = [
            self._add(kind, field, value)
            for field, kind in _FIELDS.items()
            for value in _dicts(getattr(message, field))
        ]
        for value in message.content if isinstance(message.content, list) else ():
            kind = kind_of(value)
            for note in _dicts(value.get("annotations")):
                self._add("citation", "annotations", note)
            if kind not in ("text", "refusal"):
                thoughts.append(self._add(kind, "content", value))
        return next(filter(None, thoughts), "") if _says_twice(message) else "".join(thoughts)

    def take_fields(self, message: Message) -> None:
        """Take what a server attaches to a turn and wants back with it, under its own name."""
        for value in _dicts(message.extra_content):
            last = next((part for part in self._parts if part.field == "extra_content"), None)
            if last is None:
                self._parts.append(Part("reasoning", "extra_content", dict(value)))
            else:
                last.value.update(value)

    def take_sources(self, values: Any) -> None:
        """Take sources that stand beside the choices: addresses, or objects that have one.

        Of two lists that name the same address, the first is kept.
        """
        known = {part.value.get("url") for part in self._parts if part.field == "sources"}
        for value in values if isinstance(values, list) else ():
            source = {"url": value} if isinstance(value, str) else value
            url = source.get("url") if isinstance(source, dict) else None
            if url and isinstance(url, str) and url not in known:
                known.add(url)
                self._parts.append(Part("citation", "sources", dict(source)))

    def finish(self) -> tuple[Part, ...]:
        """Return the parts in the order in which they began."""
        return tuple(self._parts)

    def _add(self, kind: str, field: str, value: Mapping[str, Any]) -> str:
        part = Part(kind, field, dict(value))
        last = next((each for each in reversed(self._parts) if each.kind == kind), None)
        if kind == "reasoning":
            if last is not None and _continues(last, part):
                _join_reasoning(last.value, part.value)
            else:
                self._parts.append(part)
            return reasoning_of(value)
        if kind == "audio" and last is not None and last.field == field:
            _join_audio(last.value, part.value)
        elif part not in self._parts:  # some servers send all citations in every chunk
            self._parts.append(part)
        return ""


def joined_parts(before: Iterable[Part], new: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts of a cut answer, and what the response that resumed it adds.

    Args:
        before: Of the cut answer.
        new: Of the response to the request for the rest.
    """
    # The thoughts of a response about how to go on are not the answer's, and Claude binds them to
    # the request that asked for the rest; audio that comes again is whole.
    again = any(part.kind == "audio" for part in new)
    kept = [part for part in before if part.kind != "audio" or not again]
    return (*kept, *(part for part in new if part.kind != "reasoning" and part not in kept))


def without_reasoning(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return parts without those that only the family of their model takes back."""
    return tuple(part for part in parts if part.kind != "reasoning")


def kind_of(value: Mapping[str, Any]) -> str:
    """Return the kind of a part of a content list, "text" and "refusal" among them."""
    name = str(value.get("type") or "")
    for marks, kind in _KINDS:
        if any(mark in name for mark in marks):
            return kind
    media = value.get("inline_data") or value.get("inlineData")
    if isinstance(media, dict):
        mime = str(media.get("mime_type") or media.get("mimeType") or "")
        return mime.partition("/")[0] if mime.startswith(("image/", "audio/")) else "other"
    return "text" if "text" in value else "other"


_KINDS = (
    (("thinking", "reasoning"), "reasoning"),
    (("refusal",), "refusal"),
    (("image",), "image"),
    (("audio",), "audio"),
    (("citation", "reference", "annotation"), "citation"),
)


def reasoning_of(value: Mapping[str, Any]) -> str:
    """Return the text of a block of reasoning; "" for one that is encrypted."""
    for name in _REASONING_TEXTS:
        said = value.get(name)
        if isinstance(said, list):  # Mistral: a list of text parts
            said = "".join(str(each.get("text") or "") for each in _dicts(said))
        if said and isinstance(said, str):
            return said
    return ""


def _says_twice(message: Message) -> bool:
    """Tell whether one text of reasoning stands in two of the fields."""
    return bool(message.reasoning_details and message.thinking_blocks)


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, dict) and each]


def _continues(last: Part, part: Part) -> bool:
    """Tell whether a piece of reasoning belongs to the block before it."""
    old, new = last.value, part.value
    if last.field != part.field or old.get("type") != new.get("type") or "data" in new:
        return False
    if any(old.get(name) != new[name] for name in ("index", "id") if new.get(name) is not None):
        return False
    return not (old.get("signature") and reasoning_of(new))


def _join_reasoning(old: dict[str, Any], new: Mapping[str, Any]) -> None:
    for name, value in new.items():
        had = old.get(name)
        if name in _REASONING_TEXTS and isinstance(value, list):
            said = reasoning_of({name: [*_dicts(had), *_dicts(value)]})
            old[name] = [{"type": "text", "text": said}]
        elif name in _REASONING_TEXTS and isinstance(had, str) and isinstance(value, str):
            old[name] = had + value
        elif value not in (None, ""):
            old[name] = value


def _join_audio(old: dict[str, Any], new: Mapping[str, Any]) -> None:
    for name, value in new.items():
        had = old.get(name)
        if name in _GROWING and isinstance(had, str) and isinstance(value, str):
            old[name] = _joined_base64(had, value) if name == "data" else had + value
        elif value not in (None, ""):
            old[name] = value


def _joined_base64(had: str, new: str) -> str:
    """Join two pieces of base64, of which the first may end in padding."""
    if not had.endswith("="):
        return had + new
    try:
        return base64.b64encode(base64.b64decode(had) + base64.b64decode(new)).decode()
    except (binascii.Error, ValueError):
        return had + new
