"""The turns of a conversation, as the family that is asked demands them.

What a server attached to a turn goes back to its own family and to no other; what the family at
hand demands of a turn that another family wrote is put in its place, where its documentation
names such a placeholder.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from holysheep_core.families.roles import (
    alternating,
    beginning_with_user,
    with_all_results,
    with_plain_text,
    without_empty,
)
from holysheep_core.families.table import UNKNOWN, Family, family_of, is_same, version_of
from holysheep_core.families.tool_ids import with_valid_ids
from holysheep_core.families.turns import CALL_FIELDS, ORIGIN, TURN_FIELDS

Message = Mapping[str, Any]

_SIGNATURES_FROM = (3, 0)
NO_SIGNATURE = "skip_thought_signature_validator"
"""What Google documents for a function call that no Gemini model made."""
NO_REASONING = "(The reasoning of this turn was not recorded.)"
"""DeepSeek and Kimi demand a text, and check no more than that there is one."""
_REASONING_TEXTS = ("reasoning_content", "reasoning")
_SIGNED_BLOCKS = ("thinking_blocks", "reasoning_details")


def adapt_messages(
    messages: Sequence[Message], model: str, asked: str, *, thinks: bool = False
) -> list[Message]:
    """Return the messages of a request as a model takes them.

    Args:
        messages: In OpenAI's format; an assistant's may have the fields of `turns`.
        model: The model that is asked.
        asked: The model that the user asked for: the origin of turns that name none.
        thinks: The model certainly thinks before it answers.
    """
    family = family_of(model)
    thinks = thinks or any(
        message.get("reasoning_content") and is_same(str(message.get(ORIGIN) or asked), model)
        for message in messages
    )
    found: list[Message] = []
    for message in messages:
        if message.get("role") == "assistant":
            follows_tool = bool(found) and found[-1].get("role") == "tool"
            found.append(
                _turn(message, family, model, asked, follows_tool=follows_tool, thinks=thinks)
            )
        else:
            found.append(message)
    if family is not UNKNOWN:
        found = with_all_results(found)
    if family.text_only:
        found = with_plain_text(found)
    if family.skips_empty:
        found = without_empty(found)
    if family.user_first:
        found = beginning_with_user(found)
    if family.alternates:
        found = alternating(found)
    if family.name == "claude" and found and found[-1].get("role") == "assistant":
        found[-1] = _without_space_at_end(found[-1])
    return list(with_valid_ids(found, family))


def plain_messages(messages: Sequence[Message]) -> list[Message]:
    """Return messages as they are, without the note on their origin."""
    return [
        {name: value for name, value in message.items() if name != ORIGIN}
        if ORIGIN in message
        else message
        for message in messages
    ]


def with_origin(messages: Sequence[Message], asked: str, model: str, like: str) -> list[Message]:
    """Return messages whose turns by a model count as those of another one like it."""
    return [
        {**message, ORIGIN: like}
        if message.get("role") == "assistant" and (message.get(ORIGIN) or asked) == model
        else message
        for message in messages
    ]


def with_instruction(messages: Sequence[Message], schema: Any) -> list[Message]:
    """Return messages with a JSON schema as an instruction, after the system messages."""
    text = f"Answer with JSON only. It must fit this JSON schema:\n{json.dumps(schema)}"
    leading = itertools.takewhile(lambda each: each.get("role") == "system", messages)
    at = len(list(leading))
    return [*messages[:at], {"role": "system", "content": text}, *messages[at:]]


def lacks_thinking(messages: Sequence[Message]) -> bool:
    """Tell whether the tool calls that are being answered came without signed thinking.

    Claude refuses such a request while thinking is on. They were made by another model, or with
    thinking off; the documented way is to leave thinking off until the turn is over.
    """
    for message in reversed(messages):
        if message.get("role") == "user":
            return False
        if message.get("role") == "assistant" and message.get("tool_calls"):
            return not any(message.get(name) for name in _SIGNED_BLOCKS)
    return False


def without_fields(messages: Sequence[Message], names: frozenset[str]) -> list[Message]:
    """Return messages without some fields, in the messages, their parts and their tool calls."""
    return [_stripped(message, names) for message in messages]


def field_names(messages: Sequence[Message]) -> set[str]:
    """Return the names of the fields that may be left out of messages."""
    names: set[str] = set()
    for message in messages:
        names |= message.keys() - _NEEDED
        for name in ("content", "tool_calls"):
            parts = message.get(name)
            for part in parts if isinstance(parts, list) else ():
                if isinstance(part, Mapping):
                    names |= part.keys() - _NEEDED_IN_PARTS
                    kind = part.get("type")
                    inner = part.get(kind) if isinstance(kind, str) else None
                    names |= {"detail"} & (inner.keys() if isinstance(inner, Mapping) else set())
    return names


_NEEDED = frozenset(("role", "content", "tool_calls", "tool_call_id", ORIGIN))
_NEEDED_IN_PARTS = frozenset(
    (
        *("type", "text", "image_url", "input_audio", "file", "id", "function", "refusal"),
        *("thinking", "signature", "data"),
    )
)


def _turn(
    message: Message,
    family: Family,
    model: str,
    asked: str,
    *,
    follows_tool: bool,
    thinks: bool,
) -> Message:
    """Return an assistant's message as a family takes it."""
    same = is_same(str(message.get(ORIGIN) or asked), model)
    calls = message.get("tool_calls")
    in_loop = bool(calls) or follows_tool
    dropped = {ORIGIN}
    if not same:
        dropped |= {*TURN_FIELDS}
    elif family.reasoning == "" or (family.reasoning == "tools" and not in_loop):
        dropped |= {*_REASONING_TEXTS}
    turn = {name: value for name, value in message.items() if name not in dropped}
    if family.reasoning == "tools" and in_loop and not turn.get("reasoning_content"):
        said = message.get("reasoning_content") or (NO_REASONING if thinks else "")
        turn |= {"reasoning_content": said} if said else {}
    if calls:
        turn["tool_calls"] = _calls(calls, family, model, same=same)
    return turn


def _calls(calls: Any, family: Family, model: str, *, same: bool) -> Any:
    if not isinstance(calls, list):
        return calls
    found = [
        call
        if same or not isinstance(call, Mapping)
        else {name: value for name, value in call.items() if name not in CALL_FIELDS}
        for call in calls
    ]
    signed = family.name == "gemini" and version_of(model) >= _SIGNATURES_FROM
    if signed and found and isinstance(found[0], Mapping) and not _signature(found[0]):
        found[0] = {
            **found[0],
            "extra_content": {"google": {"thought_signature": NO_SIGNATURE}},
        }
    return found


def _signature(call: Mapping[str, Any]) -> Any:
    for name in ("extra_content", "provider_specific_fields"):
        outer = call.get(name)
        inner = outer.get("google", outer) if isinstance(outer, Mapping) else None
        if isinstance(inner, Mapping) and inner.get("thought_signature"):
            return inner["thought_signature"]
    return call.get("thought_signature")


def _without_space_at_end(message: Message) -> Message:
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": content.rstrip()}
    if isinstance(content, list) and content and isinstance(content[-1], Mapping):
        text = content[-1].get("text")
        if isinstance(text, str):
            return {**message, "content": [*content[:-1], {**content[-1], "text": text.rstrip()}]}
    return message


def _stripped(message: Message, names: frozenset[str]) -> Message:
    found = {name: value for name, value in message.items() if name not in names}
    for name in ("content", "tool_calls"):
        parts = found.get(name)
        if isinstance(parts, list):
            found[name] = [_stripped_part(part, names) for part in parts]
    return found


def _stripped_part(part: Any, names: frozenset[str]) -> Any:
    if not isinstance(part, Mapping):
        return part
    found = {name: value for name, value in part.items() if name not in names}
    image = found.get("image_url")
    if "detail" in names and isinstance(image, Mapping):
        found["image_url"] = {name: value for name, value in image.items() if name != "detail"}
    return found
