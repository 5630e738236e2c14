"""The answers of the simulated model.

With a scripted text, the model continues it in the chosen manner when a client sends back the first
part. Without one, it follows the request: it calls the offered tools with arguments made from their
schemas, and fills JSON schemas, well enough for the standard tests of the frameworks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from holysheep_core.resume.seen import MAX_ANCHOR, is_provable
from holysheep_core.simulator.scenario import Scenario
from holysheep_core.tokens import estimate_tokens

_DEPTH = 6
_QUOTED = re.compile(r"<begun>\n(.*)\n</begun>", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """An answer of the simulated model.

    Attributes:
        text: The text.
        reasoning: Reasoning before the text.
        tool_calls: (name, arguments as JSON text) after the text.
        finish_reason: The reason at the end; None leaves it out.
        prompt_tokens: Tokens of the prompt, for `usage`.
    """

    text: str
    reasoning: str
    tool_calls: Sequence[tuple[str, str]]
    finish_reason: str | None
    prompt_tokens: int

    @property
    def completion_tokens(self) -> int:
        """Tokens of the answer, for `usage`."""
        spoken = [self.text, self.reasoning, *(arguments for _, arguments in self.tool_calls)]
        return sum(estimate_tokens(text) for text in spoken)


def answer(
    scenario: Scenario, body: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]] = ()
) -> Answer:
    """Return the answer to a request.

    Args:
        scenario: What the model says.
        body: The request's JSON.
        earlier: Bodies of earlier requests, the latest first: one may be for the rest of the answer
            that was generated for an earlier one.
    """
    messages = body.get("messages") or []
    prompt = sum(estimate_tokens(text_of(message)) + 4 for message in messages)
    if scenario.text is None:
        generated = _generated_before(body, messages, earlier)
        if generated is None:
            return _improvise(body, messages, prompt)
        scenario = replace(scenario, text=generated)
    text = scenario.text or ""
    calls = scenario.tool_calls
    if messages and messages[-1].get("role") == "tool":
        calls = ()  # the tool has run: answer with text only
    reason = scenario.finish_reason
    if calls and reason == "stop":
        reason = "tool_calls"
    begun = _begun(text, messages)
    if begun is not None and messages[-1].get("role") == "assistant":
        at = 0 if scenario.prefill == "echo" else begun[0]
        return Answer(text[at:], "", calls, reason, prompt)
    if begun is None:
        return Answer(text, scenario.reasoning, calls, reason, prompt)
    at, anchor = begun
    return Answer(scenario.go_on(at, anchor), "", calls, reason, prompt)


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message, whose content is a string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _begun(text: str, messages: Sequence[Mapping[str, Any]]) -> tuple[int, str] | None:
    """Return the characters of the answer in the request, and the words to repeat; or None."""
    *_, last = messages or [{}]
    turn = text_of(last)
    quoted = _QUOTED.search(turn)
    if last.get("role") == "assistant":  # a prefill
        partial, anchor = turn, ""
    elif quoted:
        partial = quoted[1]
        anchor = _quoted_end(partial, turn[quoted.end() :])
    elif [message.get("role") for message in messages[-2:]] == ["assistant", "user"]:
        partial = text_of(messages[-2])
        anchor = _quoted_end(partial, turn)
    else:
        return None
    # After a whole answer, the next turn of a conversation may well quote its last word.
    chatting = not anchor or (partial == text and not is_provable(anchor))
    if last.get("role") == "user" and chatting:
        return None
    return (len(partial), anchor) if partial and text.startswith(partial) else None


def _quoted_end(partial: str, turn: str) -> str:
    """Return the end of a partial that a turn quotes, as paragraphs of its own; or ""."""
    written, framed = partial.rstrip(), f"\n\n{turn.strip()}\n\n"
    for size in range(min(len(written), 2 * MAX_ANCHOR), 0, -1):
        if f"\n\n{written[-size:]}\n\n" in framed:
            return partial[len(written) - size :]
    return ""


def _generated_before(
    body: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]],
    earlier: Iterable[Mapping[str, Any]],
) -> str | None:
    """Return the generated answer whose rest is asked for, or None.

    It is the answer to the messages before the request for the rest; or to an earlier request,
    which may have asked for JSON where the one for the rest does not.
    """
    before = [{**body, "messages": messages[:end]} for end in (-1, -2)]
    for asked in (*before, *earlier):
        question = asked.get("messages") or []
        *there, last = question or [{}]
        *here, now = messages[: len(question)] or [{}]
        if not question or here != there or not text_of(now).startswith(text_of(last)):
            continue
        text = _improvise(asked, question, 0).text
        if text and _begun(text, messages) is not None:
            return text
    return None


def _improvise(
    body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], prompt: int
) -> Answer:
    last = messages[-1] if messages else {}
    asked = " ".join(text_of(message) for message in messages if message.get("role") == "user")
    tools = [tool["function"] for tool in body.get("tools") or []]
    chosen = _chosen_tool(tools, body.get("tool_choice"), last)
    if chosen is not None:
        arguments = sample(chosen.get("parameters") or {}, asked)
        call = (chosen["name"], msgspec.json.encode(arguments).decode())
        return Answer("", "", [call], "tool_calls", prompt)
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        filled = sample(wanted["json_schema"].get("schema") or {}, asked)
        return Answer(msgspec.json.encode(filled).decode(), "", (), "stop", prompt)
    if wanted.get("type") == "json_object":
        joke = {"setup": "Why did the sheep cross?", "punchline": "To reach the other baa."}
        return Answer(msgspec.json.encode(joke).decode(), "", (), "stop", prompt)
    return Answer(f"You said: {text_of(last) or 'nothing'}", "", (), "stop", prompt)


def _chosen_tool(
    tools: Sequence[Mapping[str, Any]], choice: Any, last: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    if not tools or choice == "none":
        return None
    if isinstance(choice, dict):
        name = choice["function"]["name"]
        return next((tool for tool in tools if tool["name"] == name), None)
    if choice == "required" or last.get("role") == "user":
        return tools[0]
    return None


def sample(schema: Mapping[str, Any], asked: str, name: str = "") -> Any:
    """Return a value that fits a JSON schema, with numbers and quotations of the prompt."""
    return _Sampler(schema, asked).value(schema, name, _DEPTH)


class _Sampler:
    def __init__(self, root: Mapping[str, Any], asked: str) -> None:
        self._definitions = {**root.get("definitions", {}), **root.get("$defs", {})}
        self._numbers = [int(number) for number in re.findall(r"-?\d+", asked)[:1]]
        self._quoted = re.findall(r"['\"“]([^'\"”]+)['\"”]", asked)[:1]

    def value(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        schema = self._resolved(schema)
        for fixed in (schema.get("const"), *schema.get("enum", ())[:1]):
            if fixed is not None:
                return fixed
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object" or "properties" in schema:
            properties = schema.get("properties", {}) if depth else {}
            return {key: self.value(sub, key, depth - 1) for key, sub in properties.items()}
        if kind == "array":
            return [self.value(schema.get("items", {}), name, depth - 1)] if depth else []
        number = self._numbers[0] if self._numbers else 1
        text = self._quoted[0] if self._quoted else f"a {name or 'text'}"
        plain = {"integer": number, "number": number, "boolean": True, "null": None}
        return plain.get(kind or "string", text)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow references, and take the first branch of a union."""
        while True:
            branches = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
            if "$ref" in schema:
                schema = self._definitions[schema["$ref"].rsplit("/", 1)[-1]]
            elif branches:
                schema = branches[0]
            else:
                return schema
