"""Events and callbacks: each call has one start and one end, and the engine's events its span."""

import pytest
from llama_index.core.callbacks import CallbackManager, LlamaDebugHandler, TokenCountingHandler
from llama_index.core.callbacks.schema import CBEventType
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler

from holysheep_core.simulator import cut
from llamaindex_holysheep import EngineEvent
from support.llamaindex_ways import every_way, text_of
from support.models import llamaindex as model


class Heard(BaseEventHandler):
    events: list = []  # noqa: RUF012 - pydantic copies defaults

    @classmethod
    def class_name(cls):
        return "Heard"

    def handle(self, event, **_):
        self.events.append(event)


@pytest.fixture
def heard():
    handler, root = Heard(), get_dispatcher()
    root.add_event_handler(handler)
    yield handler.events
    root.event_handlers.remove(handler)


@every_way
async def test_each_call_has_one_start_and_one_end_whatever_breaks(play, text, heard, way):
    debug = LlamaDebugHandler(print_trace_on_end=False)
    llm = model(play(faults=[cut(20), cut(30)]), callback_manager=CallbackManager([debug]))
    *_, last = await way(llm)
    assert text_of(last) == text
    pairs = debug.get_event_pairs(CBEventType.LLM)
    assert [len(pair) for pair in pairs] == [2]
    names = [type(event).__name__ for event in heard]
    assert sum(name in ("LLMChatStartEvent", "LLMCompletionStartEvent") for name in names) == 1
    assert sum(name in ("LLMChatEndEvent", "LLMCompletionEndEvent") for name in names) == 1


@every_way
async def test_engine_events_reach_the_dispatcher_with_the_span_of_the_call(play, heard, way):
    await way(model(play(faults=[cut(20)])))
    [start] = [event for event in heard if type(event).__name__.endswith("StartEvent")]
    told = [event for event in heard if isinstance(event, EngineEvent)]
    assert [event.name for event in told] == [
        *("RequestSent", "FirstToken", "StreamCut", "RetryScheduled"),
        *("RequestSent", "FirstToken", "Resumed", "StreamCompleted"),
    ]
    assert start.span_id
    assert {event.span_id for event in told} == {start.span_id}
    assert told[2].data["characters"] == 20
    assert "20 characters" in told[2].message


@every_way
async def test_tokens_are_counted_as_billed_after_a_resume(play, way):
    counter = TokenCountingHandler(tokenizer=str.split)
    llm = model(play(faults=[cut(20)]), callback_manager=CallbackManager([counter]))
    *_, last = await way(llm)
    usage = last.raw["usage"]
    assert usage["completion_tokens"] > 0
    assert counter.prompt_llm_token_count == usage["prompt_tokens"]
    assert counter.completion_llm_token_count == usage["completion_tokens"]
    attempts = last.raw["resilience"]["attempts"]
    assert len(attempts) == 2
    billed = sum(attempt["usage"]["input_tokens"] for attempt in attempts)
    assert counter.prompt_llm_token_count == billed
