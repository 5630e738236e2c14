"""Tool calls are put together here and stay here until they are whole.

A call cut at `"amount": 1` of `1000` is valid JSON to a lenient parser, and frameworks execute
it. So nothing of a call leaves this module before the answer has ended properly and the
arguments parse strictly as an object.

Servers stream the pieces in more ways than the specification has:

=====================================  ==================================================
piece                                  belongs to
=====================================  ==================================================
`index` given                          the call of that index, unless a new id says that
                                       the server reuses index 0 for every call
no `index`, a new id or a name         a new call
an id seen before                      the call of that id
no `index`, no id, no name             the last call
arguments as an object, not as text    the call, whole
legacy `function_call`                 the call of index 0
=====================================  ==================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from holysheep_core.protocol.wire import FunctionPart, Message, ToolCallPart, is_json_object
from holysheep_core.types import ToolCall


@dataclass
class _Draft:
    key: int | str
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def finish(self, position: int, *, limited: bool) -> ToolCall:
        # A tool without parameters is often called with no arguments at all; but where the
        # token limit ended the answer, they may have been about to come.
        arguments = "".join(self.arguments).strip() or ("" if limited else "{}")
        if not arguments.isascii():
            arguments = _put_together(arguments)
        return ToolCall(self.id or f"call_{position}", self.name, arguments, position)


def _put_together(arguments: str) -> str:
    """Join characters that a server cut in two between pieces; what stays half is no JSON."""
    try:
        return arguments.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return arguments


class ToolCallAssembler:
    """Collects the pieces of one answer's tool calls."""

    def __init__(self) -> None:
        self._drafts: list[_Draft] = []

    def add(self, message: Message) -> None:
        """Take the pieces that one message delta holds."""
        for part in message.tool_calls or ():
            self._add_part(part)
        if message.function_call is not None:
            self._add_part(ToolCallPart(index=0, function=message.function_call))

    def finish(self, *, limited: bool = False) -> tuple[tuple[ToolCall, ...], tuple[ToolCall, ...]]:
        """Return the calls that are whole and those that are not, in order of arrival.

        Args:
            limited: The answer ended at its token limit, not where the model wanted.
        """
        calls = [draft.finish(i, limited=limited) for i, draft in enumerate(self._drafts)]
        whole = tuple(call for call in calls if call.name and is_json_object(call.arguments))
        return whole, tuple(call for call in calls if call not in whole)

    def _add_part(self, part: ToolCallPart) -> None:
        function = part.function or FunctionPart()
        draft = self._draft_for(part, function)
        draft.id = draft.id or part.id or ""
        draft.name = draft.name or function.name or ""
        if isinstance(function.arguments, str):
            draft.arguments.append(function.arguments)
        elif function.arguments is not None:
            draft.arguments.append(msgspec.json.encode(function.arguments).decode())

    def _draft_for(self, part: ToolCallPart, function: FunctionPart) -> _Draft:
        for draft in self._drafts:
            if part.id and draft.id == part.id:
                return draft
        if part.index is None:
            new = not self._drafts or (part.id and part.id != self._drafts[-1].id)
            if not new and not part.id and function.name and self._drafts[-1].name:
                new = True
            return self._open(len(self._drafts)) if new else self._drafts[-1]
        for draft in reversed(self._drafts):
            if draft.key == part.index:
                if part.id and draft.id and part.id != draft.id:
                    break
                return draft
        return self._open(part.index)

    def _open(self, key: int | str) -> _Draft:
        draft = _Draft(key)
        self._drafts.append(draft)
        return draft
