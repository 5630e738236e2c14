"""Tool calls are put together here and stay here until they are whole.

A call cut at `"amount": 1` of `1000` is valid JSON to a lenient parser, and frameworks execute
it. So nothing of a call leaves this module before the answer has ended properly and the
arguments parse strictly as an object.

Servers stream the pieces in more ways than the specification has. The first row that fits decides:

=============================================  ===============================================
piece                                          belongs to
=============================================  ===============================================
a whole call that came before: same id, same   that call; it came again in a last snapshot
arguments
another `index`                                another call, whatever the id
same `index`, an id of a call there            that call
a name, and the arguments so far are whole     a new call: the server has one index for all
same `index`, another id, no name or the same  the same call: the server makes an id per delta
a name that is the rest of the name so far     the same call: offered names tell
another name                                   a new call
no `index`, an id or a name not seen before    a new call
no `index`, no id, no name                     the last call
no name at its own `index`                     the call before, if that makes it whole
legacy `function_call`                         the call of index 0
=============================================  ===============================================

An entry with neither name nor arguments is none. Ids are unique over the conversation: an agent
keeps them, and looks results up by them.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field, replace
from hashlib import blake2s
from typing import Any

import msgspec

from holysheep_core.families.turns import CALL_FIELDS
from holysheep_core.protocol.offered_tools import OfferedTools
from holysheep_core.protocol.tool_arguments import as_object, is_empty, is_nothing, read_arguments
from holysheep_core.protocol.wire import FunctionPart, Message, ToolCallPart, strict_json
from holysheep_core.types import ToolCall


@dataclass
class _Draft:
    """A call of which pieces have come.

    Attributes:
        delta: The number of the last delta that had a piece of it.
        named_again: Its name came once more after its arguments were whole: what follows are
            another call's.
    """

    ids: list[str] = field(default_factory=list)
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    delta: int = 0
    named_again: bool = False

    @property
    def arguments(self) -> str:
        return "".join(self.pieces)

    @property
    def is_begun(self) -> bool:
        return any(piece.strip() for piece in self.pieces)

    @property
    def is_whole(self) -> bool:
        """The arguments so far are an object, or a word for none."""
        if not self.is_begun:
            return False
        end = next(piece for piece in reversed(self.pieces) if piece.strip()).rstrip()[-1]
        if end not in '}"' and len(self.pieces) > _LONGEST_WORD:
            return False  # a look at each piece must not cost as much as all before it
        return as_object(self.arguments, may_be_empty=True) is not None

    def equals(self, arguments: str) -> bool:
        """Tell whether these are the call's arguments, all of them."""
        if not self.is_whole:
            return False
        mine, theirs = (as_object(text, may_be_empty=True) for text in (self.arguments, arguments))
        return mine is not None and theirs is not None and strict_json(mine) == strict_json(theirs)

    def is_repeated(self, call_id: str, name: str, arguments: str) -> bool:
        """Tell whether a piece is all of the call again."""
        same = call_id in self.ids and name in ("", self.name)
        return same and _may_be_all(arguments) and self.equals(arguments)


_LONGEST_WORD = len("undefined")
_LONGEST_INDEX = 9
_NONE = ("null", "None", "undefined")  # of JSON, Python and JavaScript, as gateways print them


class ToolCallAssembler:
    """Collects the pieces of one answer's tool calls.

    Args:
        offered: The tools that the request offers.
        taken: Ids that calls of the conversation have.
        seed: Ids that are made up here differ from those of any other seed.
    """

    def __init__(
        self,
        offered: OfferedTools = OfferedTools(),  # noqa: B008 - it cannot be changed
        taken: Collection[str] = (),
        seed: str = "",
    ) -> None:
        self._offered = offered
        self._taken = taken
        self._seed = seed
        self._drafts: list[_Draft] = []
        self._found: dict[Hashable, _Draft] = {}  # by index, by id, and by both
        self._deltas = 0

    def add(self, message: Message) -> None:
        """Take the pieces that one message delta holds."""
        self._deltas += 1
        for part in message.tool_calls or ():
            self._add_part(part)
        if message.function_call is not None and not message.tool_calls:
            self._add_part(ToolCallPart(index=0, function=message.function_call))

    def finish(
        self, *, limited: bool, ended: bool
    ) -> tuple[tuple[ToolCall, ...], tuple[ToolCall, ...]]:
        """Return the calls that are whole and those that are not, in order of arrival.

        Args:
            limited: The answer ended at its token limit, not where the model wanted.
            ended: The model ended it. Only then is a call without arguments whole, if its
                tool needs none; before that, they may have been about to come.
        """
        whole: list[ToolCall] = []
        broken: list[ToolCall] = []
        used = set(self._taken)
        for position, draft in enumerate(self._calls()):
            may_be_empty = ended and not limited and draft.name not in self._offered.demanding
            arguments, is_object = read_arguments(draft.pieces, may_be_empty=may_be_empty)
            call_id = self._id(draft, position, used)
            call = ToolCall(call_id, draft.name, arguments, position, draft.fields)
            (whole if is_object and call.name else broken).append(call)
        return tuple(whole), tuple(broken)

    # -- pieces -----------------------------------------------------------------------------

    def _add_part(self, part: ToolCallPart) -> None:
        function = part.function or FunctionPart(part.name, part.arguments)
        index, call_id = _index(part.index), _id(part.id)
        name, arguments = _text(function.name).strip(), _json(_arguments(function))
        name = "" if name in _NONE and name not in self._offered.names else name
        draft = self._candidate(index, call_id)
        if draft is not None and draft.is_repeated(call_id, name, arguments):
            draft.fields |= _fields(part)
            return
        if draft is None or self._is_another(draft, index, call_id, name, arguments):
            again = draft is not None and draft.named_again and not name
            draft = _Draft(name=draft.name if again and draft is not None else "")
            self._drafts.append(draft)
            index = self._free_index() if index is None else index
        if name:
            draft.name = self._offered.joined(draft.name, name) or name if draft.name else name
        if call_id and call_id not in draft.ids:
            draft.ids.append(call_id)
        if arguments:
            draft.pieces.append(arguments)
        draft.fields |= _fields(part)
        draft.delta = self._deltas
        self._note(draft, index, call_id)

    def _candidate(self, index: Hashable, call_id: str) -> _Draft | None:
        """Return the call that a piece belongs to, unless what it says makes it another."""
        if index is not None:
            return self._found.get((index, call_id)) or self._found.get((index, ""))
        if call_id and (call_id in self._found):
            return self._found[call_id]
        last = self._drafts[-1] if self._drafts else None
        if last is not None and call_id and (last.ids or last.is_whole):
            return None
        return last

    def _note(self, draft: _Draft, index: Hashable, call_id: str) -> None:
        if index is not None:
            self._found[index, ""] = draft
            if call_id:
                self._found[index, call_id] = draft
        if call_id:
            self._found[call_id] = draft

    def _free_index(self) -> int:
        index = len(self._drafts) - 1
        while (index, "") in self._found:
            index += 1
        return index

    def _is_another(
        self, draft: _Draft, index: Hashable, call_id: str, name: str, arguments: str
    ) -> bool:
        """Tell whether a piece begins another call than the one its index or id leads to."""
        other_id = bool(call_id and draft.ids and call_id not in draft.ids)
        if not name:
            may_be = bool(arguments.strip()) and (other_id or draft.named_again)
            return may_be and draft.is_whole and not draft.equals(arguments)
        joined = self._offered.joined(draft.name, name) if draft.name else name
        if joined == draft.name:
            return self._is_called_again(draft, call_id, arguments, other_id=other_id)
        if not draft.name or self._offered.is_piece(draft.name, name):
            return False
        if other_id or draft.is_begun or joined is None:
            return True
        return index is None and not name.startswith(draft.name)

    def _is_called_again(
        self, draft: _Draft, call_id: str, arguments: str, *, other_id: bool
    ) -> bool:
        """Tell whether a piece with the same name begins another call of the same tool."""
        same_id = bool(call_id) and call_id in draft.ids
        if draft.delta == self._deltas and not same_id:
            return True  # two entries of one list
        if (arguments.strip() and not _may_be_all(arguments)) or not draft.is_whole:
            return False
        if arguments.strip():
            # The one that has nothing stood for "none yet", or for "no more".
            return not (same_id and (is_empty(draft.arguments) or is_empty(arguments)))
        draft.named_again = True
        return other_id and len(draft.ids) == 1  # else it makes an id for each delta

    # -- the end ----------------------------------------------------------------------------

    def _calls(self) -> list[_Draft]:
        """Return the calls: without ghosts, and pieces without a name with the call before."""
        drafts = self._drafts
        found: list[_Draft] = []
        at = 0
        while at < len(drafts):
            end = at + 1
            while end < len(drafts) and not drafts[end].name:
                end += 1
            group, at = drafts[at:end], end
            pieces = [piece for draft in group for piece in draft.pieces]
            if group[1:] and group[0].name and as_object("".join(pieces)) is not None:
                ids = [each for draft in group for each in draft.ids]
                fields = {name: value for draft in group for name, value in draft.fields.items()}
                group = [replace(group[0], ids=ids, pieces=pieces, fields=fields)]
            found += group
        return [each for each in found if each.name or each.is_begun]

    def _id(self, draft: _Draft, position: int, used: set[str]) -> str:
        call_id, tries = (draft.ids or [""])[0], 0
        while not call_id or call_id in used:
            made_of = f"{self._seed}/{position}/{tries}".encode(errors="replace")
            call_id = f"call_{blake2s(made_of, digest_size=12).hexdigest()}"
            tries += 1
        used.add(call_id)
        return call_id


def _fields(part: ToolCallPart) -> dict[str, Any]:
    """Return what a server attached to a piece of a call."""
    found = {name: getattr(part, name) for name in CALL_FIELDS}
    return {name: value for name, value in found.items() if value}


def _index(value: object) -> Hashable:
    """Return the index of a piece, whatever its type; None if it has none."""
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isdecimal() and len(text) <= _LONGEST_INDEX else text or None
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _id(value: object) -> str:
    text = _text(value)
    return "" if text in _NONE else text


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def _arguments(function: FunctionPart) -> object:
    """Return a function's arguments, whatever the server calls them."""
    if function.arguments is not None:
        return function.arguments
    return function.input if function.parameters is None else function.parameters


def _json(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()


def _may_be_all(arguments: str) -> bool:
    """Tell whether a piece may be all of a call's arguments."""
    return arguments.lstrip()[:1] in ("{", '"') or is_nothing(arguments)
