"""Short calls and cancelled ones, through one handler and one model of each framework."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import aclosing, closing
from dataclasses import dataclass, field

import anyio
from llama_index.core.llms import ChatMessage
from server import answer_to

from holysheep_core import StreamingRetryHandler
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

MODEL = "gpt-4.1"


class Models:
    """The one instance of each.

    Args:
        url: Where the server is.
    """

    def __init__(self, url: str) -> None:
        self.core = StreamingRetryHandler("k", base_url=url)
        self.langchain = ChatHolySheep(model=MODEL, api_key="k", base_url=url)
        self.llamaindex = HolySheep(model=MODEL, api_key="k", api_base=url)
        # The bare handler most often: the frameworks' own work takes several times as long.
        core, acore = [self._complete, self._stream], [self._acomplete, self._astream]
        self.ways = [*core * 3, self._invoke, self._stream_langchain, self._chat]
        self.async_ways = [*acore * 3, self._ainvoke, self._astream_langchain, self._achat]
        self.handlers = [self.core, self.langchain._handler, self.llamaindex._handler]

    def _complete(self, prompt: str) -> str:
        return self.core.complete(MODEL, _messages(prompt)).text

    def _stream(self, prompt: str) -> str:
        with closing(self.core.stream_with_retry(MODEL, _messages(prompt))) as tokens:
            return "".join(tokens)

    def _invoke(self, prompt: str) -> str:
        return self.langchain.invoke(prompt).text

    def _stream_langchain(self, prompt: str) -> str:
        with closing(self.langchain.stream(prompt)) as chunks:
            return "".join(chunk.text for chunk in chunks)

    def _chat(self, prompt: str) -> str:
        answer = self.llamaindex.chat([ChatMessage(role="user", content=prompt)])
        return answer.message.content or ""

    async def _acomplete(self, prompt: str) -> str:
        return (await self.core.acomplete(MODEL, _messages(prompt))).text

    async def _astream(self, prompt: str) -> str:
        async with aclosing(self.core.astream_with_retry(MODEL, _messages(prompt))) as tokens:
            return "".join([token async for token in tokens])

    async def _ainvoke(self, prompt: str) -> str:
        return (await self.langchain.ainvoke(prompt)).text

    async def _astream_langchain(self, prompt: str) -> str:
        async with aclosing(self.langchain.astream(prompt)) as chunks:
            return "".join([chunk.text async for chunk in chunks])

    async def _achat(self, prompt: str) -> str:
        answer = await self.llamaindex.achat([ChatMessage(role="user", content=prompt)])
        return answer.message.content or ""


def _messages(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


async def _by_cancel(call: Awaitable[str], after: float) -> str:
    task = asyncio.ensure_future(call)
    await asyncio.wait({task}, timeout=after)
    task.cancel()
    return await task


async def _by_wait_for(call: Awaitable[str], after: float) -> str:
    return await asyncio.wait_for(call, after)


async def _by_scope(call: Awaitable[str], after: float) -> str:
    with anyio.fail_after(after):
        return await call


_WAYS_TO_CANCEL = (_by_cancel, _by_wait_for, _by_scope)


@dataclass
class Soak:
    """Callers that call until enough calls are over, or the time is.

    Attributes:
        models: What they call.
        calls: How many calls are to be whole.
        cancelled: How many are to be cancelled.
        seconds: The time there is.
        counts: "whole", "cancelled", and what must not be.
        wrong: The first of what was wrong.
    """

    models: Models
    calls: int
    cancelled: int
    seconds: float
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._end = time.monotonic() + self.seconds

    def call_on(self) -> None:
        """Make sync calls, one after the other."""
        for number in self._turns():
            way = self.models.ways[number % len(self.models.ways)]
            try:
                self._judge(number, way.__name__, way(_prompt(number)))
            except Exception as error:  # noqa: BLE001 - whatever reaches a caller is judged
                self._blame(f"call {number}, {way.__name__}: {error!r}")

    async def acall_on(self) -> None:
        """Make async calls, and cancel a share of them that grows where it is too small."""
        for number in self._turns():
            way = self.models.async_ways[number % len(self.models.async_ways)]
            draw = random.Random(number)
            cancel: Callable[..., Awaitable[str]] | None = None
            if self.counts["cancelled"] * self.calls < self.counts["whole"] * self.cancelled:
                cancel = draw.choice(_WAYS_TO_CANCEL)
            try:
                call = way(_prompt(number))
                answer = await (cancel(call, draw.uniform(0.0, 0.02)) if cancel else call)
                self._judge(number, way.__name__, answer)
            except (asyncio.CancelledError, TimeoutError, asyncio.TimeoutError) as error:
                if cancel is None:
                    self._blame(f"call {number}, {way.__name__}: {error!r}")
                with self._lock:
                    self.counts["cancelled"] += 1
            except Exception as error:  # noqa: BLE001 - likewise
                self._blame(f"call {number}, {way.__name__}: {error!r}")

    def over(self) -> int:
        """Return how many calls are over."""
        return self.counts["whole"] + self.counts["cancelled"]

    def _turns(self):
        while time.monotonic() < self._end:
            done = self.counts["whole"] >= self.calls
            if done and self.counts["cancelled"] >= self.cancelled:
                return
            with self._lock:
                number = next(self._numbers)
            yield number

    def _judge(self, number: int, way: str, answer: str) -> None:
        if answer != answer_to(number):
            self._blame(f"call {number}, {way}: {answer!r}")
        with self._lock:
            self.counts["whole"] += 1

    def _blame(self, what: str) -> None:
        with self._lock:
            self.counts["wrong"] += 1
            if len(self.wrong) < 20:
                self.wrong.append(what)


def _prompt(number: int) -> str:
    return f"Call {number}: count one sheep."
