"""What a reader sees when the server breaks: every fault, every client, side by side.

    python tests/benchmarks/faults [--write FILE] [--only WORDS]

Each cell is one conversation over a real socket with a simulator of its own: what the reader
was shown, judged against what the model says when nothing goes wrong, and how many requests the
server got. Every client has its own defaults but for the time-out.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import langchain_readers
import llamaindex_readers
from conversations import CONVERSATIONS, PAY, SING, TEXT, Conversation
from langchain_readers import Reader
from verdicts import Seen, Verdict, judge

from holysheep_core.retry_budget import PROCESS_BUDGET
from holysheep_core.simulator import Simulator

TIMEOUT = 1.0
LIMIT = 30.0
WORKERS = 8
CALLS = [(name, json.loads(arguments)) for name, arguments in (PAY, SING)]

HEAD = f"""# What a reader sees when the server breaks

Made by `make faults`; nothing here is typed by hand. Each cell is one conversation with a simulator
on a real socket: what the reader was shown, and after the dot the requests the server got. "Whole" is
the whole answer, once, with every tool call; a share is the part of the text that was shown before the
error (or silence) beside it; **bold** is half, doubled or foreign text passed off as the answer, a tool
that ran with half its arguments, or a reader left waiting for more than {LIMIT:.0f} s.

Every client streams synchronously (`FunctionAgent`: asyncio) with its own defaults, but for a time-out
of {TIMEOUT:.0f} s. Fallbacks and fallback middleware have the fallback model that `ChatHolySheep` has by default,
on the same server. Agents answer once more after their tools have run.
"""


def play(conversation: Conversation, reader: Reader, is_agent: bool) -> Verdict:
    """Fill one cell."""
    seen = Seen()
    PROCESS_BUDGET.refill()  # cells stand for processes of their own
    simulator = Simulator().start()
    script = simulator.add(conversation.scenario())

    def read() -> None:
        try:
            reader(script.base_url, TIMEOUT, conversation.tools, seen)
        except BaseException as error:  # noqa: BLE001 - whatever reaches a reader is the finding
            seen.error = error

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(LIMIT)
    seen.hung = thread.is_alive()
    calls = CALLS if conversation.tools else []
    turns = 2 if conversation.tools and is_agent else 1
    seen.calls.sort(key=lambda call: call[0])  # agents run them side by side
    verdict = judge(seen, TEXT * turns, calls, len(script.requests))
    simulator.stop()  # a reader that hangs is let go
    thread.join()
    return verdict


def table(
    readers: Mapping[str, tuple[Reader, bool]], conversations: Sequence[Conversation]
) -> list[str]:
    """Return the lines of one framework's table."""
    with ThreadPoolExecutor(WORKERS) as pool:
        cells = [
            [pool.submit(play, conversation, *reader) for reader in readers.values()]
            for conversation in conversations
        ]
    verdicts = [[cell.result() for cell in row] for row in cells]
    lines = [_row(["the server", *readers]), _row(["---"] * (1 + len(readers)))]
    for conversation, row in zip(conversations, verdicts, strict=True):
        lines.append(_row([conversation.title, *map(str, row)]))
    for kind, title in (
        ("whole", "whole, once"),
        ("error", "an error that says so"),
        ("wrong", "silently wrong"),
        ("hangs", "hangs"),
    ):
        counted = [
            Counter(verdict.kind for verdict in column)[kind]
            for column in zip(*verdicts, strict=True)
        ]
        lines.append(_row([f"*{title}, of {len(verdicts)}*", *map(str, counted)]))
    return lines


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def page(conversations: Sequence[Conversation]) -> str:
    """Return the whole page."""
    parts = [HEAD]
    for title, room in (("LangChain", langchain_readers), ("LlamaIndex", llamaindex_readers)):
        versions = ", ".join(f"{name} {version(name)}" for name in room.PACKAGES)
        lines = "\n".join(table(room.READERS, conversations))
        parts.append(f"## {title}\n\n{versions}.\n\n{lines}\n")
    return "\n".join(parts)


def main() -> None:
    """Print the page, or write it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", type=Path, help="the file to write, instead of printing")
    options.add_argument("--only", default="", help="only rows whose title has these words")
    given = options.parse_args()
    langchain_readers.quiet()
    text = page([row for row in CONVERSATIONS if given.only in row.title])
    if given.write:
        given.write.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
