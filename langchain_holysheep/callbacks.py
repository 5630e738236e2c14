"""Engine events in LangChain's and LangGraph's own channels.

===============================================  ==========================================
who listens                                      what reaches them
===============================================  ==========================================
`on_custom_event` handlers, `astream_events`     a custom event named "holysheep", if the model
                                                 runs inside something (LangChain has no custom
                                                 events for a run without a parent), or was
                                                 given callbacks in `invoke`
`graph.stream(stream_mode="custom")`             the same dict, by the graph's stream writer
`on_retry` handlers                              every scheduled retry, where LangChain hands a
                                                 run manager to the model (`invoke`)
===============================================  ==========================================

A bare model that streams has none of these; `on_event` is called in every case.
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
"""Name of the custom events, and their dict's "type"."""


def as_dict(event: Event) -> dict[str, Any]:
    """Return an event as JSON-able values: "type", "event" (its class), "message", its fields."""
    fields = dataclasses.asdict(event)
    return {"type": NAME, "event": type(event).__name__, "message": str(event), **fields}


class Channels:
    """Where the events of one call go; made in the context of the run that makes the call.

    Args:
        run_manager: The model's own run, where LangChain gives one.
    """

    def __init__(
        self, run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None
    ) -> None:
        self._run = run_manager
        self._config = ensure_config()
        parent = get_callback_manager_for_config(self._config).parent_run_id
        self._inside = parent is not None
        self._write = _stream_writer()
        self._heard = self._inside or self._write is not None or run_manager is not None

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        if not self._heard:
            return
        data = as_dict(event)
        if self._write is not None:
            self._write(data)
        run = self._run
        if self._inside:
            dispatch_custom_event(NAME, data, config=self._config)
        elif run is not None:
            told = ("on_custom_event", "ignore_custom_event", NAME, data)
            handle_event(run.handlers, *told, run_id=run.run_id)
        if isinstance(event, RetryScheduled) and isinstance(run, CallbackManagerForLLMRun):
            run.on_retry(_retry_state(event))

    async def atell(self, event: Event) -> None:
        """Pass an event on, in async code."""
        if not self._heard:
            return
        data = as_dict(event)
        if self._write is not None:
            self._write(data)
        run = self._run
        if self._inside:
            await adispatch_custom_event(NAME, data, config=self._config)
        elif run is not None:
            told = ("on_custom_event", "ignore_custom_event", NAME, data)
            await ahandle_event(run.handlers, *told, run_id=run.run_id)
        if isinstance(event, RetryScheduled) and isinstance(run, AsyncCallbackManagerForLLMRun):
            await run.on_retry(_retry_state(event))


def _stream_writer() -> Callable[[Any], None] | None:
    # Whoever runs inside a graph has imported langgraph, and nobody else needs it.
    config = sys.modules.get("langgraph.config")
    if config is None:
        return None
    try:
        writer: Callable[[Any], None] = config.get_stream_writer()
    except (RuntimeError, KeyError):  # not inside a graph
        return None
    return writer


def _retry_state(event: RetryScheduled) -> RetryCallState:
    """Return what `on_retry` handlers expect: tenacity's record of a failed try."""
    from tenacity import RetryCallState, Retrying  # noqa: PLC0415 - 40 ms, seldom needed

    state = RetryCallState(Retrying(), fn=None, args=(), kwargs={})
    state.attempt_number = event.attempt
    state.upcoming_sleep = event.wait
    error = HolySheepError(event.error)
    state.set_exception((type(error), error, None))
    return state
