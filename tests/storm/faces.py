"""The ways to make a call, each as an iterator of what its reader is shown."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any, Literal

import msgspec
from llama_index.core.llms import ChatMessage
from plan import Plan

from holysheep_core import (
    ChatRequest,
    Completion,
    Connections,
    Observer,
    Provider,
    RateLimits,
    RetryBudget,
    RetryConfig,
    StreamingRetryHandler,
    Timeouts,
)
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

Shown = tuple[str, list[tuple[str, dict[str, Any]]]]
"""A piece of text, and the tool calls handed over with it."""

CLOCKS = Timeouts(connect=2, first_token=2, stall=2, total=15)
RETRY = RetryConfig(base_delay=0.05, max_delay=3, patience=1.5)
NEWEST: Literal["httpx", "httpx2"] = "httpx2" if sys.version_info >= (3, 11) else "httpx"
FIELDS = {"amount": {"type": "integer"}, "to": {"type": "string"}}
PAY = {
    "type": "function",
    "function": {"name": "pay", "parameters": {"type": "object", "properties": FIELDS}},
}


class Clients:
    """One client of each framework, with the same settings.

    Args:
        url: Where they ask.
        model: For whom.
        key: With what.
        budget: What the bare handler's retries are paid from, if not the process.
        settings: Further keywords of all three constructors.
    """

    def __init__(
        self,
        url: str,
        model: str = "gpt-4.1",
        key: str = "k",
        budget: RetryBudget | None = None,
        **settings: Any,
    ) -> None:
        given = {"timeouts": CLOCKS, **settings}
        self.model = model
        self.core = StreamingRetryHandler(key, base_url=url, config=RETRY, budget=budget, **given)
        given["retry"] = RETRY
        self.langchain = ChatHolySheep(model=model, api_key=key, base_url=url, **given)
        self.llamaindex = HolySheep(model=model, api_key=key, api_base=url, **given)

    @property
    def handlers(self) -> list[StreamingRetryHandler]:
        """What is to be closed."""
        return [self.core, self.langchain._handler, self.llamaindex._handler]


def fleet(http: str, tcp: str, named: str, dead: str, redis: str, watch: Observer) -> list[Clients]:
    """Return clients of every kind: each is shared by some of the callers.

    Nobody listens at `dead`; the host of `named` has several addresses (`names`). Keys differ where limits do, which belong to an account.
    """
    seen = {"observers": [watch]}
    wide = RateLimits(requests_per_minute=100_000, tokens_per_minute=100_000_000)
    tight = RateLimits(requests_per_minute=1200, max_wait=2.0)
    return [
        Clients(http, budget=RetryBudget(), **seen),  # nobody fills this one up
        Clients(tcp, store=redis, **seen),
        Clients(http, key="wide", store=redis, rate_limits=wide, **seen),
        Clients(tcp, key="tight", rate_limits=tight, **seen),
        Clients(dead, key="dead", providers=[Provider("k", tcp)], **seen),
        Clients(tcp, "claude-sonnet-4.5", coalesce=True, **seen),
        Clients(named, connections=Connections(dns_ttl=1.0), **seen),
        Clients(tcp, connections=Connections(library=NEWEST), **seen),
        Clients(named, connections=Connections(max_connections=20, dns_ttl=0.0), **seen),
    ]


def _params(plan: Plan) -> dict[str, Any]:
    tools = {"tools": [PAY]} if plan.calls else {}
    return {**tools, "response_format": {"type": "json_object"}} if plan.json else tools


def _request(clients: Clients, plan: Plan) -> ChatRequest:
    message = {"role": "user", "content": plan.prompt}
    return ChatRequest(clients.model, [message], _params(plan))


def _of_core(answer: Any) -> Shown:
    calls = [(call.name, msgspec.json.decode(call.arguments)) for call in answer.tool_calls]
    return answer.text, calls


def _of_langchain(message: Any) -> Shown:
    return message.text, [(call["name"], call["args"]) for call in message.tool_calls]


def _of_llamaindex(clients: Clients, response: Any, text: str) -> Shown:
    llm = clients.llamaindex
    calls = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    return text, [(call.tool_name, call.tool_kwargs) for call in calls]


def ask(clients: Clients, plan: Plan) -> Generator[Shown, None, None]:
    """Make a sync call; closing the generator closes its stream."""
    params, talk = _params(plan), [ChatMessage(role="user", content=plan.prompt)]
    if plan.face == "core.stream":
        with closing(clients.core.stream(_request(clients, plan))) as deltas:
            yield from (_of_core(each) for each in deltas if not isinstance(each, Completion))
    elif plan.face == "core.complete":
        yield _of_core(clients.core.collect(_request(clients, plan)))
    elif plan.face == "langchain.stream":
        with closing(clients.langchain.stream(plan.prompt, **params)) as chunks:
            yield from (_of_langchain(chunk) for chunk in chunks)
    elif plan.face == "langchain.invoke":
        yield _of_langchain(clients.langchain.invoke(plan.prompt, **params))
    elif plan.face == "llamaindex.stream_chat":
        with closing(clients.llamaindex.stream_chat(talk, **params)) as responses:
            had = 0
            for response in responses:
                text, calls = _of_llamaindex(clients, response, response.delta or "")
                yield text, calls[had:]  # each response has all there was so far
                had = len(calls)
    else:
        response = clients.llamaindex.chat(talk, **params)
        yield _of_llamaindex(clients, response, response.message.content or "")


async def aask(clients: Clients, plan: Plan) -> AsyncGenerator[Shown, None]:
    """Make an async call, likewise."""
    params, talk = _params(plan), [ChatMessage(role="user", content=plan.prompt)]
    if plan.face == "core.astream":
        async with aclosing(clients.core.astream(_request(clients, plan))) as deltas:
            async for each in deltas:
                if not isinstance(each, Completion):
                    yield _of_core(each)
    elif plan.face == "core.acomplete":
        yield _of_core(await clients.core.acollect(_request(clients, plan)))
    elif plan.face == "langchain.astream":
        async with aclosing(clients.langchain.astream(plan.prompt, **params)) as chunks:
            async for chunk in chunks:
                yield _of_langchain(chunk)
    elif plan.face == "langchain.ainvoke":
        yield _of_langchain(await clients.langchain.ainvoke(plan.prompt, **params))
    elif plan.face == "llamaindex.astream_chat":
        async with aclosing(await clients.llamaindex.astream_chat(talk, **params)) as responses:
            had = 0
            async for response in responses:
                text, calls = _of_llamaindex(clients, response, response.delta or "")
                yield text, calls[had:]
                had = len(calls)
    else:
        response = await clients.llamaindex.achat(talk, **params)
        yield _of_llamaindex(clients, response, response.message.content or "")
