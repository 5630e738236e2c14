"""The LlamaIndex columns."""

from __future__ import annotations

import asyncio
from typing import Any

from conversations import MODEL
from langchain_readers import ASKED, Reader
from llama_index.core.agent.workflow import AgentStream, FunctionAgent
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from verdicts import Seen

from llamaindex_holysheep import HolySheep


def tools_of(seen: Seen) -> list[Any]:
    """Return two tools that note how they are run."""

    def pay(amount: int, to: str = "") -> str:
        """Pay somebody."""
        seen.calls.append(("pay", {"amount": amount, "to": to}))
        return "paid"

    def sing(song: str) -> str:
        """Sing a song."""
        seen.calls.append(("sing", {"song": song}))
        return "sung"

    return [FunctionTool.from_defaults(pay), FunctionTool.from_defaults(sing)]


def openai_like(base_url: str, timeout: float) -> OpenAILike:
    """Return the peer, with its own defaults but for the time-out."""
    return OpenAILike(
        model=MODEL,
        api_base=base_url,
        api_key="made-up",
        timeout=timeout,
        is_chat_model=True,
        is_function_calling_model=True,
    )


def holysheep(base_url: str, timeout: float) -> HolySheep:
    """Return ours, with its own defaults but for the time-out."""
    return HolySheep(model=MODEL, api_base=base_url, api_key="made-up", timeout=timeout)


def _read(llm: Any, tools: bool, seen: Seen) -> None:
    if tools:
        offered = tools_of(seen)
        stream = llm.stream_chat_with_tools(offered, user_msg=ASKED, allow_parallel_tool_calls=True)
    else:
        stream = llm.stream_complete(ASKED)
    last = None
    for last in stream:
        seen.text += last.delta or ""
    if tools and last is not None:
        calls = llm.get_tool_calls_from_response(last, error_on_no_tool_call=False)
        seen.calls += [(call.tool_name, call.tool_kwargs) for call in calls]


async def _run(llm: Any, tools: bool, seen: Seen) -> None:
    agent = FunctionAgent(llm=llm, tools=tools_of(seen) if tools else [])
    handler = agent.run(ASKED)
    async for event in handler.stream_events():
        if isinstance(event, AgentStream):
            seen.text += event.delta
    await handler


def plain(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`OpenAILike`."""
    _read(openai_like(base_url, timeout), tools, seen)


def agent_of_plain(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`FunctionAgent(OpenAILike)`."""
    asyncio.run(_run(openai_like(base_url, timeout), tools, seen))


def ours(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`HolySheep`."""
    _read(holysheep(base_url, timeout), tools, seen)


def agent_of_ours(base_url: str, timeout: float, tools: bool, seen: Seen) -> None:
    """`FunctionAgent(HolySheep)`."""
    asyncio.run(_run(holysheep(base_url, timeout), tools, seen))


PACKAGES = ("llama-index-core", "llama-index-llms-openai-like", "llama-index-workflows", "openai")
READERS: dict[str, tuple[Reader, bool]] = {
    "`OpenAILike`": (plain, False),
    "`FunctionAgent` of it": (agent_of_plain, True),
    "**`HolySheep`**": (ours, False),
    "**`FunctionAgent` of it**": (agent_of_ours, True),
}
"""Column title -> (reader, whether it is an agent, which answers again after its tools)."""
