"""Engine events in LangChain's and LangGraph's own channels.

===============================================  ==========================================
receiver                                         events
===============================================  ==========================================
`on_custom_event` handlers, `astream_events`     a custom event named "holysheep", if the model
                                                 runs inside a chain or agent (LangChain has no
                                                 custom events for a run without a parent), or
                                                 `invoke` was given callbacks
`graph.stream(stream_mode="custom")`             {"holysheep": the same dict}, by the graph's stream
                                                 writer, unless the model has events_in_stream=False
`on_retry` handlers                              every scheduled retry, where LangChain passes a
                                                 run manager to the model (`invoke`)
===============================================  ==========================================

Streaming from a model outside a chain uses none of these; `on_event` is always called.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.callbacks.manager import ahandle_event, handle_event
from langchain_core.runnables.config import ensure_config, get_callback_manager_for_config

from holysheep_core import Event, HolySheepError, RetryScheduled

if TYPE_CHECKING:
    from tenacity import RetryCallState

NAME = "holysheep"
"""Name of the custom events, their dict's "type", and its only key in a graph's custom stream.

A custom stream carries what nodes of other authors write, without names: a front end that looks for
its own "type", "message" or "model" must not find an event's.
"""


def as_dict(event: Event) -> dict[str, Any]:
    """Return an event as a JSON-able dict: "type", "event" (class name), "message", its fields."""
    fields = dataclasses.asdict(event)
    return {"type": NAME, "event": type(event).__name__, "message": str(event), **fields}


class Channels:
    """Sends the events of one call to LangChain; create it in the context of the caller's run.

    Args:
        run_manager: The model's own run; None where LangChain passes none.
        in_stream: Whether a graph's custom stream gets the events.
    """

    def __init__(
        self,
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
        *,
        in_stream: bool = True,
    ) -> None:
        self._run = run_manager
        self._config = ensure_config()
        parent = get_callback_manager_for_config(self._config).parent_run_id
        self._inside = parent is not None
        self._write = _stream_writer() if in_stream else None
        self._has_receivers = self._inside or self._write is not None or run_manager is not None

    def tell(self, event: Event) -> None:
        """Send an event."""
        if not self._has_receivers:
            return
        data = as_dict(event)
        if self._write is not None:
            self._write({NAME: data})
        run = self._run
        if self._inside:
            dispatch_custom_event(NAME, data, config=self._config)
        elif run is not None:
            args = ("on_custom_event", "ignore_custom_event", NAME, data)
            handle_event(run.handlers, *args, run_id=run.run_id)
        if isinstance(event, RetryScheduled) and isinstance(run, CallbackManagerForLLMRun):
            run.on_retry(_retry_state(event))

    async def atell(self, event: Event) -> None:
        """Like `tell`, for asyncio."""
        if not self._has_receivers:
            return
        data = as_dict(event)
        if self._write is not None:
            self._write({NAME: data})
        run = self._run
        if self._inside:
            await adispatch_custom_event(NAME, data, config=self._config)
        elif run is not None:
            args = ("on_custom_event", "ignore_custom_event", NAME, data)
            await ahandle_event(run.handlers, *args, run_id=run.run_id)
        if isinstance(event, RetryScheduled) and isinstance(run, AsyncCallbackManagerForLLMRun):
            await run.on_retry(_retry_state(event))


def _stream_writer() -> Callable[[Any], None] | None:
    # Code inside a graph has imported langgraph already; other code does not need it.
    config = sys.modules.get("langgraph.config")
    if config is None:
        return None
    try:
        writer: Callable[[Any], None] = config.get_stream_writer()
    except (RuntimeError, KeyError):  # not inside a graph
        return None
    return writer


def _retry_state(event: RetryScheduled) -> RetryCallState:
    """Return the argument of `on_retry` handlers: tenacity's record of a failed attempt."""
    from tenacity import RetryCallState, Retrying  # noqa: PLC0415 - its import takes 40 ms

    state = RetryCallState(Retrying(), fn=None, args=(), kwargs={})
    state.attempt_number = event.attempt
    state.upcoming_sleep = event.wait
    error = HolySheepError(event.error)
    state.set_exception((type(error), error, None))
    return state
