"""The LangChain columns: how each reader is built, and what it is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from conversations import FALLBACK, MODEL
from langchain.agents import create_agent
from langchain.agents.middleware import ModelFallbackMiddleware, ModelRetryMiddleware
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from verdicts import Seen

from langchain_holysheep import ChatHolySheep

ASKED = "Pay the shepherd, then sing."
Reader = Callable[[str, float, bool, Seen], None]
"""(base URL, time-out in seconds, with tools?, what was seen so far) -> when it is over."""


def tools_of(seen: Seen) -> list[Any]:
    """Return two tools that note how they are run."""

    @tool
    def pay(amount: int, to: str = "") -> str:
        """Pay somebody."""
        seen.calls.append(("pay", {"amount": amount, "to": to}))
        return "paid"

    @tool
    def sing(song: str) -> str:
        """Sing a song."""
        seen.calls.append(("sing", {"song": song}))
        return "sung"

    return [pay, sing]


def openai(base_url: str, timeout: float, model: str = MODEL) -> ChatOpenAI:
    """Return the peer, with its own defaults but for the time-out."""
    return ChatOpenAI(model=model, base_url=base_url, api_key="made-up", timeout=timeout)


def holysheep(base_url: str, timeout: float) -> ChatHolySheep:
    """Return ours, with its own defaults but for the time-out."""
    return ChatHolySheep(model=MODEL, base_url=base_url, api_key="made-up", timeout=timeout)


def _read(llm: Any, seen: Seen) -> None:
    whole = None
    for chunk in llm.stream(ASKED):
        seen.text += chunk.text
        whole = chunk if whole is None else whole + chunk
    seen.calls += [(call["name"], call["args"]) for call in whole.tool_calls] if whole else []


def _with_tools(llm: Any, tools: bool, seen: Seen) -> Any:
    return llm.bind_tools(tools_of(seen)) if tools else llm


def plain(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`ChatOpenAI`."""
    _read(_with_tools(openai(base_url, timeout), tools, seen), seen)


def with_retry(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`ChatOpenAI.with_retry`."""
    _read(_with_tools(openai(base_url, timeout), tools, seen).with_retry(), seen)


def with_fallbacks(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`ChatOpenAI.with_fallbacks`."""
    first = _with_tools(openai(base_url, timeout), tools, seen)
    _read(
        first.with_fallbacks([_with_tools(openai(base_url, timeout, FALLBACK), tools, seen)]), seen
    )


def _run(llm: Any, middleware: list[Any], tools: bool, seen: Seen) -> None:
    agent = create_agent(llm, tools_of(seen) if tools else [], middleware=middleware)
    asked = {"messages": [("user", ASKED)]}
    for message, _ in agent.stream(asked, stream_mode="messages"):
        if message.type != "tool":
            seen.text += message.text


def agent_with_middlewares(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`create_agent(ChatOpenAI)` with retry and fallback middleware."""
    fallback = ModelFallbackMiddleware(openai(base_url, timeout, FALLBACK))
    _run(openai(base_url, timeout), [ModelRetryMiddleware(), fallback], tools, seen)


def ours(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`ChatHolySheep`."""
    _read(_with_tools(holysheep(base_url, timeout), tools, seen), seen)


def agent_of_ours(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`create_agent(ChatHolySheep)`."""
    _run(holysheep(base_url, timeout), [], tools, seen)


def quiet() -> None:
    """Leave the table alone on the terminal."""
    for name in ("asyncio", "httpx", "openai", "langchain"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


PACKAGES = ("langchain", "langchain-core", "langchain-openai", "langgraph", "openai")
READERS: dict[str, tuple[Reader, bool]] = {
    "`ChatOpenAI`": (plain, False),
    "`.with_retry()`": (with_retry, False),
    "`.with_fallbacks()`": (with_fallbacks, False),
    "agent, retry and fallback middleware": (agent_with_middlewares, True),
    "**`ChatHolySheep`**": (ours, False),
    "**agent of `ChatHolySheep`**": (agent_of_ours, True),
}
"""Column title -> (reader, whether it is an agent, which answers again after its tools)."""
