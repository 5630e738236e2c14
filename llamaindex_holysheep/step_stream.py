"""The event stream of the workflow step that makes a call.

The stream is a queue of the workflow's event loop, and only that loop may write to it. A call need
not run there: LlamaIndex runs `def` tools and `def` steps in threads, chat engines read streams in
threads, and a tool may run a loop of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from llama_index.core.workflow import Context
from llama_index.core.workflow import Event as WorkflowEvent
from llama_index.core.workflow.errors import (  # type: ignore[attr-defined]  # its own re-export
    WorkflowRuntimeError,
)

Write = Callable[[WorkflowEvent], None]


def stream_of_step() -> Write | None:
    """Return a function that writes to the stream of the running step; None outside of steps.

    The function may be called from any thread, and when the workflow has ended.
    """
    # Older versions of the workflows package have no `get_step_context`.
    ask = getattr(Context, "get_step_context", None)
    if ask is None:
        return None
    try:
        context = ask()
    except WorkflowRuntimeError:  # not inside a step
        return None
    loop = _loop_of(context) or _running_loop()
    return None if loop is None else _writer(loop, context.write_event_to_stream)


def _writer(loop: asyncio.AbstractEventLoop, write: Write) -> Write:
    def send(event: WorkflowEvent) -> None:
        if _running_loop() is loop:
            write(event)
        elif not loop.is_closed():
            try:
                loop.call_soon_threadsafe(write, event)
            except RuntimeError:
                if not loop.is_closed():  # else nobody reads the stream any more
                    raise

    return send


def _loop_of(context: Any) -> asyncio.AbstractEventLoop | None:
    """Return the loop of a workflow; None for a runtime other than the ordinary one.

    A context has no public name for it, so this asks the task of the run; each name may be missing
    in another version.
    """
    adapter: Any = getattr(getattr(context, "_face", None), "_internal_adapter", None)
    while (inner := getattr(adapter, "_decorated", None)) is not None:
        adapter = inner
    run = getattr(getattr(adapter, "_queues", None), "complete", None)
    return run.get_loop() if isinstance(run, asyncio.Task) else None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
