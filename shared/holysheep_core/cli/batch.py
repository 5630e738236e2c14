"""Answers the requests of a JSONL file, many at a time, so that a kill loses and repeats nothing.

Lines are those of OpenAI's batch files: `{"custom_id": …, "body": {"model": …, "messages": …}}`, or
the body alone with its `custom_id`. Each answer is in a journal while it arrives, under its
`custom_id`; what the output file has not, a second run takes from there.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from holysheep_core.client.handler import StreamingRetryHandler
from holysheep_core.client.request_check import check_request
from holysheep_core.errors import (
    AuthenticationError,
    ConfigurationError,
    HolySheepError,
    PermissionDeniedError,
    QuotaExceededError,
)
from holysheep_core.secrets import redact_line
from holysheep_core.types import ChatRequest, Completion

_FOR_ALL = (AuthenticationError, PermissionDeniedError, QuotaExceededError)
"""Errors that every other request of the file would get too."""


@dataclass(frozen=True)
class Item:
    """One request of the file.

    Attributes:
        name: Its `custom_id`.
        body: The fields of the request.
    """

    name: str
    body: Mapping[str, Any]

    def request(self) -> ChatRequest:
        """Return the request, named for the journal."""
        params = {name: value for name, value in self.body.items() if name not in _OWN}
        model, messages = self.body["model"], self.body["messages"]
        return ChatRequest(model, messages, params, call_id=self.name, if_exists="resume")

    def fingerprint(self) -> str:
        """Return a hash of the request, by which its answer in the output is known."""
        body = {name: value for name, value in self.body.items() if name not in _OWN[2:]}
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


def read_items(path: Path, model: str | None) -> list[Item]:
    """Return the requests of a file.

    Args:
        path: The file, in UTF-8.
        model: The model of lines that name none.

    Raises:
        ConfigurationError: A line is no request; the message has its number.
    """
    items, names = [], set()
    for number, line in enumerate(path.read_text("utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        item = _item(line, f"{path.name}, line {number}", number, model)
        if item.name in names:
            raise ConfigurationError(
                f"{path.name}, line {number}: custom_id {item.name!r} is there twice."
            )
        names.add(item.name)
        items.append(item)
    return items


def _item(line: str, where: str, number: int, model: str | None) -> Item:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ConfigurationError(f"{where}: no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{where}: needs a JSON object.")
    name = str(found.pop("custom_id", "") or f"line-{number}")
    body = found.get("body", found)
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        raise ConfigurationError(
            f'{where}: needs {{"custom_id": …, "body": {{"model": …, "messages": […]}}}}.'
        )
    body = {"model": model, **body} if model else body
    if not body.get("model"):
        raise ConfigurationError(f"{where}: names no model. Give one, or --model for all lines.")
    item = Item(name, body)
    try:
        check_request(item.request())
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return item


def kept(path: Path) -> dict[str, str]:
    """Return the lines of an output file that have an answer, by `custom_id`.

    Lines with an error are left out, and so is one that a kill broke off.
    """
    lines = {}
    for line in path.read_text("utf-8").split("\n"):
        try:
            found = json.loads(line)
        except ValueError:  # the last one, as far as it was written
            continue
        if isinstance(found, dict) and found.get("response"):
            lines[str(found["custom_id"])] = line
    return lines


def check_same(items: Iterable[Item], lines: Mapping[str, str]) -> None:
    """Check that the answers of an output file are those of these requests.

    Lines that an older version wrote do not tell, and pass.

    Args:
        items: The requests.
        lines: The lines with an answer, by `custom_id`.

    Raises:
        ConfigurationError: An answer belongs to another request of the same name.
    """
    for item in items:
        asked = json.loads(lines.get(item.name, "{}")).get("request")
        if asked is not None and asked != item.fingerprint():
            raise ConfigurationError(
                f"{item.name} was answered for another request; name another OUT."
            )


def rewrite(path: Path, lines: Iterable[str]) -> None:
    """Replace a file at once, so that a kill leaves the old one or the new one."""
    new = path.with_name(path.name + ".new")
    new.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    new.replace(path)


class Batch:
    """One run over a file.

    Args:
        handler: Makes the calls; has a journal.
        out: The output, open for appending.
        finished: Called with the number of items that are over, after each.
        concurrency: Calls at the same time.

    Attributes:
        errors: How many by the class of the error.
        ending: The error for which the run stopped early, if it did.
    """

    def __init__(
        self,
        handler: StreamingRetryHandler,
        out: IO[str],
        finished: Callable[[int], object],
        concurrency: int,
    ) -> None:
        self._handler = handler
        self._out = out
        self._finished = finished
        self._over = 0
        self._concurrency = concurrency
        self.errors: Counter[str] = Counter()
        self._first: dict[str, str] = {}
        self.ending: HolySheepError | None = None

    @property
    def failed(self) -> int:
        """How many items ended with an error."""
        return self.errors.total()

    @property
    def commonest(self) -> str:
        """The class of error that most items ended with, and the message of its first."""
        [(kind, _)] = self.errors.most_common(1)
        return f"{kind}: {self._first[kind]}"

    async def run(self, items: Collection[Item]) -> None:
        """Answer all items, in any order."""
        left = iter(items)
        workers = min(self._concurrency, len(items))
        async with self._handler:
            await asyncio.gather(*(self._work(left) for _ in range(workers)))

    async def _work(self, left: Iterator[Item]) -> None:
        for item in left:
            if self.ending is not None:
                return
            try:
                completion = await self._complete(item)
            except HolySheepError as error:
                kind = type(error).__name__
                self.errors[kind] += 1
                self._first.setdefault(kind, redact_line(str(error), limit=300))
                self._write(item, {"response": None, "error": _error(error)})
                if isinstance(error, _FOR_ALL):
                    self.ending = error
            else:
                self._write(item, {"response": _response(completion)})
            self._over += 1
            self._finished(self._over)

    async def _complete(self, item: Item) -> Completion:
        async with aclosing(self._handler.astream(item.request())) as deltas:
            async for delta in deltas:
                if isinstance(delta, Completion):
                    return delta
        raise AssertionError("a stream ends with its completion")

    def _write(self, item: Item, result: Mapping[str, Any]) -> None:
        line = {"custom_id": item.name, "request": item.fingerprint(), **result}
        # One write for a line: what a kill breaks off is the last line, which the next run drops.
        self._out.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._out.flush()


_OWN = ("model", "messages", "stream", "stream_options")


def _error(error: HolySheepError) -> dict[str, Any]:
    return {"code": type(error).__name__, "message": str(error), "partial": error.partial}


def _response(completion: Completion) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": completion.text}
    if completion.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in completion.tool_calls
        ]
    if completion.refusal:
        message["refusal"] = completion.refusal
    usage = completion.usage
    body = {
        "id": completion.id,
        "object": "chat.completion",
        "model": completion.model,
        "choices": [{"index": 0, "message": message, "finish_reason": completion.finish_reason}],
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
        },
    }
    return {"status_code": 200, "request_id": completion.id, "body": body}
