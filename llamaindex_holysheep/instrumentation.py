"""Engine events in LlamaIndex's own channels.

===================================  ======================================================
receiver                             events
===================================  ======================================================
event handlers of the root           `EngineEvent`, from the dispatcher "llamaindex_holysheep",
dispatcher (`get_dispatcher()`)      with the span of the call
`handler.stream_events()` of an      `ResilienceEvent`, while the model runs inside a step
agent or another workflow
===================================  ======================================================
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from llama_index.core.instrumentation import get_dispatcher  # type: ignore[attr-defined]
from llama_index.core.instrumentation.events import BaseEvent
from llama_index.core.instrumentation.span import active_span_id
from llama_index.core.workflow import Event as WorkflowEvent

from holysheep_core import Event
from llamaindex_holysheep.step_stream import stream_of_step

_dispatcher = get_dispatcher("llamaindex_holysheep")


class EngineEvent(BaseEvent):
    """An engine event, for instrumentation.

    Attributes:
        name: Class name of the engine event, e.g. "StreamCut".
        message: The event as a sentence.
        data: The event's fields.
    """

    name: str
    message: str
    data: dict[str, Any]

    @classmethod
    def class_name(cls) -> str:
        """Return the name by which handlers identify the event."""
        return "HolySheepEngineEvent"


class ResilienceEvent(WorkflowEvent):
    """An engine event, in the stream of a running workflow.

    Attributes:
        name: Class name of the engine event, e.g. "StreamCut".
        message: The event as a sentence.
        data: The event's fields.
    """

    name: str
    message: str
    data: dict[str, Any]


def listener() -> Callable[[Event], None]:
    """Return a listener that forwards one call's events; create it in the caller's context."""
    span, write = active_span_id.get(), stream_of_step()

    def forward(event: Event) -> None:
        fields: dict[str, Any] = {
            "name": type(event).__name__,
            "message": str(event),
            "data": dataclasses.asdict(event),
        }
        _dispatcher.event(EngineEvent(**fields, span_id=span))
        if write is not None:
            write(ResilienceEvent(**fields))

    return forward
