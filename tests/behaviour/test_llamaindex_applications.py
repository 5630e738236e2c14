"""Three LlamaIndex applications under random faults: every answer is right.

A typed error with the text so far is allowed only where the model's manner proves no place to go on.

Each seed is one run of each application. `HOLYSHEEP_SEEDS=500` runs more of them.
"""

import json
import os
import random

import pytest
from llama_index.core import MockEmbedding, Settings, VectorStoreIndex
from llama_index.core.agent.workflow import AgentStream, FunctionAgent, ToolCallResult
from llama_index.core.callbacks import CallbackManager
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.schema import TextNode

from holysheep_core import HolySheepError, StreamInterruptedError, Timeouts
from holysheep_core.simulator import MANNERS, cut, error_event, malformed, refuse, stall
from support.models import llamaindex

SEEDS = int(os.environ.get("HOLYSHEEP_SEEDS", "30"))
OUTER = "다 세었어요: there are twelve sheep, and 한 마리 염소."
INNER = "열두 마리 sheep were counted in the north field; `n = [1, 2]`."
ANSWER = "The shepherd counts 열두 마리 양 every evening,\n\n- first the lambs,\n- then the rest."
TURNS = ("첫 번째 답이에요, the first.", "두 번째: a second one, longer.", "Third, and 마지막.")
ARGUMENTS = {"field": "north", "of": "양"}
LIMITS = Timeouts(read=0.2)
UNPROVEN = ("different", "exact")
"""Manners in which a model does not repeat the last words: nothing may be appended then."""


def fault(rng, text):
    """Return a fault somewhere in an answer."""
    at = rng.randrange(1, len(text))
    kinds = [
        lambda: cut(at, rng.choice(["rst", "fin", "eof"])),
        lambda: cut(at, rng.choice(["rst", "fin", "eof"])),
        lambda: stall(at, keepalive=rng.random() < 0.5),
        lambda: refuse(429, retry_after=rng.choice([0.01, 0.05, 60])),
        lambda: refuse(429),
        lambda: refuse(rng.choice([500, 502, 503, 529])),
        lambda: error_event(at),
        lambda: malformed(at),
    ]
    return rng.choice(kinds)()


class Trouble:
    """Plays texts with the faults of one seed.

    Args:
        play: The fixture.
        seed: Which faults.
    """

    def __init__(self, play, seed):
        self._play, self._rng = play, random.Random(seed)
        self._proven = True

    def model(self, text, *, size=None, **scenario):
        rng = self._rng
        faults = [fault(rng, size or text) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
        manner = rng.choice(sorted(MANNERS))
        self._proven = self._proven and manner not in UNPROVEN
        script = self._play(text, faults=faults, manner=manner, **scenario)
        return llamaindex(script, timeouts=LIMITS)

    def allows(self, error, text):
        """Tell whether an answer may have ended in this error."""
        if self._proven or not isinstance(error, StreamInterruptedError):
            return False
        return text.startswith(error.partial)


every_seed = pytest.mark.parametrize("seed", range(SEEDS))
pytestmark = pytest.mark.filterwarnings("ignore:.*answered instead of:UserWarning")


@pytest.fixture
def settings():
    """LlamaIndex's own settings, put back afterwards."""
    before = (Settings._llm, Settings._callback_manager)
    yield Settings
    Settings._llm, Settings._callback_manager = before


@every_seed
async def test_an_agent_with_sync_tools_runs_them_once_and_whole(play, seed):
    trouble = Trouble(play, f"agent {seed}")
    inner = trouble.model(INNER)
    said = json.dumps(ARGUMENTS, ensure_ascii=False)
    outer = trouble.model(OUTER, size=OUTER + said, tool_calls=[("count", said)])
    ran = []

    def count(field: str, of: str) -> str:
        """Count animals in a field."""
        ran.append({"field": field, "of": of})
        if len(field) % 2:
            return inner.complete("count").text
        return "".join(response.delta for response in inner.stream_complete("count"))

    handler, shown, results = FunctionAgent(llm=outer, tools=[count]).run("Count."), "", []
    try:
        async for event in handler.stream_events():
            if isinstance(event, AgentStream):
                shown += event.delta
            elif isinstance(event, ToolCallResult):
                results.append(event.tool_output)
        answer = str(await handler)
    except HolySheepError as error:
        assert (OUTER + OUTER).startswith(shown)
        assert len(ran) <= 1
        assert trouble.allows(error, OUTER)
    else:
        assert (shown, answer) == (OUTER + OUTER, OUTER)
        assert len(ran) == 1
    assert ran in ([], [ARGUMENTS])
    for result in results:
        if result.is_error:
            assert trouble.allows(result.exception, INNER), result.content
        else:
            assert result.content == INNER


@every_seed
async def test_a_query_engine_of_the_global_settings_answers_whole(play, seed, settings):
    trouble = Trouble(play, f"query {seed}")
    llm = settings.llm = trouble.model(ANSWER)
    settings.callback_manager = CallbackManager()
    index = VectorStoreIndex([TextNode(text="x")], embed_model=MockEmbedding(embed_dim=2))
    handler = llm._handler

    async def stream():
        shown = ""
        for token in index.as_query_engine(streaming=True).query("How many?").response_gen:
            shown += token
            assert ANSWER.startswith(shown)
        return shown

    async def query():
        return str(index.as_query_engine().query("How many?"))

    async def aquery():
        return str(await index.as_query_engine().aquery("How many?"))

    async def right_or_typed(ask):
        try:
            assert await ask() == ANSWER
        except HolySheepError as error:
            assert trouble.allows(error, ANSWER)

    for ask in (query, aquery, stream, query):
        await right_or_typed(ask)
    assert llm._handler is handler


@every_seed
async def test_a_chat_engine_remembers_what_was_said_and_nothing_else(play, seed):
    trouble = Trouble(play, f"chat {seed}")
    memory = ChatMemoryBuffer.from_defaults(token_limit=10_000)

    def chat(engine):
        return engine.chat("go").response

    def stream(engine):
        return "".join(engine.stream_chat("go").response_gen)

    async def astream(engine):
        response = await engine.astream_chat("go")
        return "".join([token async for token in response.async_response_gen()])

    remembered = []
    for ask, text in zip((chat, stream, astream), TURNS, strict=True):
        engine = SimpleChatEngine.from_defaults(llm=trouble.model(text), memory=memory)
        remembered.append("go")
        try:
            answer = ask(engine) if ask is not astream else await astream(engine)
        except HolySheepError as error:
            assert trouble.allows(error, text)
        else:
            assert answer == text
            remembered.append(text)
        assert [message.content for message in memory.get_all()] == remembered
