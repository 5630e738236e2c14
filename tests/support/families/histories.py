"""Histories as frameworks keep them, which some family refuses as they are."""

from typing import Any

from langchain_core.messages import BaseMessage, convert_to_messages
from llama_index.core.llms import ChatMessage

from support.families.refused import CACHED, call, calling, result, said

ASK = {"role": "user", "content": "What do they bring?"}
AGAIN = {"role": "user", "content": "And how many are there?"}
SYSTEM = {"role": "system", "content": "You sell wool."}
LOOP = [ASK, calling(), result()]

HISTORIES: dict[str, list[dict[str, Any]]] = {
    "two user turns in a row": [ASK, AGAIN],
    "two assistant turns in a row": [ASK, said("Eighty."), said("Or ninety."), AGAIN],
    "a user turn right after a tool's": [*LOOP, AGAIN],
    "an assistant turn first": [said("Good morning!"), AGAIN],
    "a system turn in the middle": [SYSTEM, ASK, said("Eighty."), SYSTEM, AGAIN],
    "a system turn at the end": [ASK, SYSTEM],
    "an empty assistant turn": [ASK, said(""), AGAIN],
    "an assistant turn that ends in white space": [ASK, said("Eighty. \n"), AGAIN],
    "an empty tool result": [ASK, calling(), result(content=""), said("None."), AGAIN],
    "the same id in two turns": [*LOOP, said("x"), ASK, calling(), result(), said("x"), AGAIN],
    "an id with a colon": [ASK, calling(call("f.count:0")), result("f.count:0"), said("x"), AGAIN],
    "a very long id": [ASK, calling(call("x" * 70)), result("x" * 70), said("x"), AGAIN],
    "a call without a result": [ASK, calling(), said("Never mind."), AGAIN],
    "cached blocks": [{"role": "user", "content": CACHED[:2]}, said("x"), AGAIN],
}


def for_langchain(messages: list[dict[str, Any]]) -> list[BaseMessage]:
    """Return messages as LangChain's."""
    return convert_to_messages(messages)


def for_llamaindex(messages: list[dict[str, Any]]) -> list[ChatMessage]:
    """Return messages as LlamaIndex's; it has no field for `cache_control`."""
    made = []
    for message in messages:
        content = message["content"]
        if isinstance(content, list):
            content = "".join(part["text"] for part in content)
        extra = {name: message[name] for name in ("tool_calls", "tool_call_id") if name in message}
        made.append(ChatMessage(role=message["role"], content=content, additional_kwargs=extra))
    return made
