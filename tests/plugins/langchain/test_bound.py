"""What is bound to a model is part of the answers that it starts."""

import asyncio
import pickle

import pytest
from langchain_core.load import dumpd, load
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField, RunnableBinding
from langchain_core.tools import tool

from holysheep_core.simulator import cut
from langchain_holysheep.bound import BoundModel
from langchain_holysheep.schemas import tool_of
from support.models import langchain


@tool
def look(at: str) -> str:
    """Look."""
    return at


def start(llm, *given, **kwargs):
    return llm.start(*given, **kwargs)


def astart(llm, *given, **kwargs):
    async def run():
        name = await llm.astart(*given, **kwargs)
        async for _ in llm.afollow_stream(name):
            pass
        return name

    return asyncio.run(run())


either = pytest.mark.parametrize("begin", [start, astart])


@pytest.fixture
def script(play):
    return play(text=None)


@pytest.fixture
def llm(script, tmp_path):
    return langchain(script, journal=f"sqlite:///{tmp_path}/answers.db")


def sent(script, llm, name):
    list(llm.follow_stream(name))
    return script.requests[-1].body


BOUND = {
    "bind_tools": lambda llm: llm.bind_tools([look], tool_choice="any"),
    "bind": lambda llm: llm.bind(tools=[look], tool_choice="any"),
    "bind twice": lambda llm: llm.bind(tools=[look]).bind(tool_choice="any"),
    "with_config, bind": lambda llm: llm.with_config(tags=["x"]).bind(
        tools=[look], tool_choice="any"
    ),
    "bind, with_config": lambda llm: llm.bind_tools([look], tool_choice="any").with_config(
        tags=["x"]
    ),
}


@either
@pytest.mark.parametrize("bound", BOUND)
def test_bound_tools_are_sent(script, llm, bound, begin):
    given = BOUND[bound](llm)
    assert isinstance(given, RunnableBinding)
    body = sent(script, llm, begin(given, "go"))
    assert [each["function"]["name"] for each in body["tools"]] == ["look"]
    assert body["tool_choice"] == "required"


@either
def test_tools_may_be_given_to_start_as_to_bind_tools(script, llm, begin):
    body = sent(script, llm, begin(llm, "go", tools=[look], tool_choice="look"))
    assert body["tools"][0]["function"]["name"] == "look"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "look"}}


@either
def test_a_keyword_of_start_comes_before_the_bound_one(script, llm, begin):
    bound = llm.bind(temperature=0.5, stop=["A"], call_id="bound")
    name = begin(bound, "go", temperature=1.0, stop=["B"])
    assert name == "bound"
    body = sent(script, llm, name)
    assert (body["temperature"], body["stop"]) == (1.0, ["B"])


@either
def test_the_config_names_the_answer_and_tags_it(llm, begin):
    config = {"metadata": {"holysheep_call_id": "row-1"}, "tags": ["night"]}
    assert begin(llm.with_config(config), "go") == "row-1"
    list(llm.follow_stream("row-1"))
    assert set(llm.totals.by_tag) == {"night"}
    assert begin(llm, "go", config={"metadata": {"holysheep_call_id": "row-2"}}) == "row-2"


INPUTS = {
    "text": "go",
    "pair": [("system", "Be brief."), ("user", "go")],
    "messages": [SystemMessage("Be brief."), HumanMessage("go")],
    "prompt": ChatPromptTemplate.from_messages([("user", "{x}")]).invoke({"x": "go"}),
    "old blocks": [
        HumanMessage(
            [
                {"type": "text", "text": "What?"},
                {
                    "type": "image",
                    "source_type": "base64",
                    "mime_type": "image/png",
                    "data": "aGk=",
                },
                {
                    "type": "audio",
                    "source_type": "base64",
                    "mime_type": "audio/wav",
                    "data": "aGk=",
                },
            ]
        )
    ],
    "parts": [
        HumanMessage(
            [
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
                {
                    "type": "file",
                    "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
                },
            ]
        )
    ],
}


@pytest.mark.parametrize("given", INPUTS)
def test_the_same_is_sent_as_by_invoke(script, llm, given):
    llm.invoke(INPUTS[given])
    by_invoke = script.requests[-1].body
    assert sent(script, llm, llm.start(INPUTS[given])) == by_invoke


def test_configurable_fields_start_too(script, llm):
    chosen = llm.configurable_fields(model=ConfigurableField(id="model"))
    config = {"configurable": {"model": "claude-sonnet-4.5"}}
    name = chosen.with_config(config).start("go")
    assert sent(script, llm, name)["model"] == "claude-sonnet-4.5"


def test_a_binding_is_of_this_class_after_load_and_pickle(llm, monkeypatch):
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "k")
    bound = llm.bind(temperature=0.5)
    found = load(
        dumpd(bound),
        allowed_objects="all",
        valid_namespaces=["langchain_holysheep"],
        secrets_from_env=True,
    )
    for again in (found, pickle.loads(pickle.dumps(bound))):
        assert isinstance(again, BoundModel)
        assert again.kwargs == {"temperature": 0.5}


@either
def test_langchains_rate_limiter_is_waited_for_once(play, tmp_path, begin):
    asked = []

    class Counting(InMemoryRateLimiter):
        def acquire(self, *, blocking=True):
            asked.append(blocking)
            return True

        async def aacquire(self, *, blocking=True):
            return self.acquire(blocking=blocking)

    limiter = Counting(requests_per_second=1000)
    url = f"sqlite:///{tmp_path}/answers.db"
    llm = langchain(play(faults=[cut(20)]), journal=url, rate_limiter=limiter)
    list(llm.follow_stream(begin(llm, "go")))
    assert asked == [True]


@pytest.mark.parametrize("version", ["v0", "v1"])
def test_followed_and_resumed_chunks_are_those_of_a_stream(play, tmp_path, version):
    script = play(text="Let me see. ", tool_calls=[("look", '{"at": "x"}')], reasoning="Hm.")
    url = f"sqlite:///{tmp_path}/answers.db"
    llm = langchain(script, journal=url, output_version=version)

    def whole(chunks):
        chunks = list(chunks)
        found = sum(chunks[1:], chunks[0])
        version = found.response_metadata.get("output_version")
        return found.content, found.tool_calls, found.usage_metadata, version

    streamed = whole(llm.stream("go", tools=[tool_of(look)], call_id="x"))
    assert streamed[1][0]["name"] == "look"
    assert whole(llm.follow_stream("x")) == streamed
    assert whole(llm.resume_stream("x")) == streamed

    async def of_async(chunks):
        return whole([chunk async for chunk in chunks])

    assert asyncio.run(of_async(llm.afollow_stream("x"))) == streamed
    assert asyncio.run(of_async(llm.aresume_stream("x"))) == streamed
