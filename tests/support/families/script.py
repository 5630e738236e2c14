"""What the model behind every server of this package says: an agent of three steps.

It counts a flock, asks for prices, and answers. Which step is due follows from the tool results
since the last question, so that the servers need no memory. A request for the rest of a cut
answer is honoured in each of the three forms: the partial as the last message (prefill), the
partial as the assistant's turn before a user turn, and the partial quoted in the user turn.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

QUESTION = "What do a dozen fleeces and three pails of milk of the north flock bring?"
NEXT_QUESTION = "And today? Please count and ask again."

COUNT = ("count", {"flock": "north"})
WOOL = ("price", {"item": "wool", "n": 12})
MILK = ("price", {"item": "milk", "n": 3})
PAYMENT = ("Payment", {"amount": 1000, "to": "Baa"})
"""What it answers if a tool of this name is offered, or JSON is asked for."""

TEXTS = (
    "I count the sheep of the north flock first, and then ask for the price.",
    "There are forty-two of them. Now I need the price of what they give.",
    (
        "The north flock has forty-two sheep, which is more than enough for a dozen fleeces. "
        "At today's price these bring eighty-four crowns; three pails of milk would add some more. "
        "양털은 열두 장에 여든네 크라운입니다. Sell the wool this week: the market closes on Friday, "
        "and the next one is in a month, when wool is cheaper."
    ),
)
THOUGHTS = (
    "They ask for a price. Nobody has counted the north flock yet, so that comes first.",
    "Forty-two sheep are enough. What is missing now is the price of the goods.",
    "All figures are there. I add them up and say when to sell.",
)
_SHORTEST_QUOTE = 12
"""Characters of a partial that a user turn must quote to be taken as a request for the rest."""


@dataclass(frozen=True)
class Answer:
    """One answer of the model.

    Attributes:
        step: 1, 2 or 3.
        reasoning: What it thinks first.
        text: What it says, the words it was asked to repeat included.
        calls: Name and arguments of each tool call.
        limited: The token limit ended it.
        seal: What a server binds its reasoning to.
    """

    step: int
    reasoning: str
    text: str
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    limited: bool = False
    seal: str = ""

    @property
    def finish(self) -> str:
        """The finish_reason: "tool_calls", "stop" or "length"."""
        return "length" if self.limited else "tool_calls" if self.calls else "stop"


def calls_of_step(step: int, *, parallel: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return the tool calls of a step; `parallel`: the second asks for two prices at once."""
    if step == 1:
        return [COUNT]
    if step == 2:
        return [WOOL, MILK] if parallel else [WOOL]
    return []


def answer_to(body: dict[str, Any], *, parallel: bool) -> Answer:
    """Return what the model says to a request."""
    messages = body["messages"]
    offered = [tool["function"]["name"] for tool in body.get("tools") or ()]
    if PAYMENT[0] in offered:
        return Answer(1, THOUGHTS[0], "", [PAYMENT])
    if (body.get("response_format") or {}).get("type", "text") != "text":
        return Answer(1, THOUGHTS[0], json.dumps(PAYMENT[1]))
    before, partial, turn = _begun(messages)
    step = _step(before)
    whole = TEXTS[step - 1]
    answer = Answer(step, THOUGHTS[step - 1], whole, calls_of_step(step, parallel=parallel))
    seen = _seen(whole, partial, turn)
    if not seen:
        return answer
    return replace(answer, text=_asked_again(seen, turn) + whole[len(seen) :])


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message, whose content may be parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content or ""


def pieces(text: str, size: int = 7) -> Iterator[str]:
    """Cut a text as a server streams it."""
    for at in range(0, len(text), size):
        yield text[at : at + size]


def _begun(messages: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str, str]:
    """Return the conversation before a partial, the partial, and the turn that asks for more."""
    *before, last = messages
    if last["role"] == "assistant" and not last.get("tool_calls"):
        return before, text_of(last), ""
    if last["role"] == "user" and before and before[-1]["role"] == "assistant":
        partial, turn = text_of(before[-1]), text_of(last)
        if _plain(partial)[-_SHORTEST_QUOTE:] in _plain(turn) and not before[-1].get("tool_calls"):
            return before[:-1], partial, turn
    if last["role"] == "user":
        return messages, text_of(last), text_of(last)
    return messages, "", ""


def _step(messages: list[dict[str, Any]]) -> int:
    turn: list[dict[str, Any]] = []
    for message in reversed(messages):
        if message["role"] == "user":
            break
        turn.insert(0, message)
    names = {
        call["id"]: call["function"]["name"]
        for message in turn
        for call in message.get("tool_calls") or ()
    }
    done = {names.get(m.get("tool_call_id")) for m in turn if m["role"] == "tool"}
    return 3 if "price" in done else 2 if "count" in done else 1


def _seen(whole: str, partial: str, turn: str) -> str:
    """Return how much of a text was written already, as far as a request shows it."""
    for end in range(len(whole), 0, -1):
        begun = whole[:end]
        if partial.endswith((begun, begun.rstrip())):
            return begun if partial.endswith(begun) else begun.rstrip()
        if turn and end >= _SHORTEST_QUOTE and begun in turn:
            return begun
    return ""


def _asked_again(seen: str, turn: str) -> str:
    """Return the last words that a turn asks to be written again: those in a paragraph alone."""
    for paragraph in reversed(turn.split("\n\n")):
        words = paragraph.strip()
        if words and seen.rstrip().endswith(words):
            return words + seen[len(seen.rstrip()) :]
    return ""


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
