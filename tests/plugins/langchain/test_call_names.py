"""`holysheep_call_id` in the metadata of a call's own config names the call, and of no other one."""

import asyncio
import logging

import pytest
from langchain_core.callbacks import CallbackManager
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda
from langgraph.graph import START, MessagesState, StateGraph

from holysheep_core import AnswerExistsError, ConfigurationError, Observer
from holysheep_core.integrations.turns import warn_once
from holysheep_core.simulator import cut
from langchain_holysheep.call_names import KEY, named
from support.models import langchain


def config(name):
    return {"metadata": {KEY: name}}


def name_of(message):
    return message.response_metadata["resilience"]["call_id"]


class Names(Observer):
    def __init__(self):
        self.names = []

    def call_ended(self, record, answer):
        self.names.append(record.call_id)


def total(chunks):
    return sum(chunks[1:], chunks[0])


async def gathered(parts):
    return [each async for each in parts]


async def of_v2(llm):
    events = await gathered(llm.astream_events("go", config("row-1"), version="v2"))
    [end] = [event for event in events if event["event"] == "on_chat_model_end"]
    return end["data"]["output"]


async def of_v3(llm):
    stream = await llm.astream_events("go", config("row-1"), version="v3")
    return await stream.output


WAYS = {
    "invoke": lambda llm: llm.invoke("go", config("row-1")),
    "ainvoke": lambda llm: asyncio.run(llm.ainvoke("go", config("row-1"))),
    "stream": lambda llm: total(list(llm.stream("go", config("row-1")))),
    "astream": lambda llm: total(asyncio.run(gathered(llm.astream("go", config("row-1"))))),
    "batch": lambda llm: llm.batch(["go"], [config("row-1")])[0],
    "abatch": lambda llm: asyncio.run(llm.abatch(["go"], [config("row-1")]))[0],
    "with_config": lambda llm: llm.with_config(config("row-1")).invoke("go"),
    "bound": lambda llm: llm.bind(temperature=0).invoke("go", config("row-1")),
    "events v2": lambda llm: asyncio.run(of_v2(llm)),
    "events v3": lambda llm: llm.stream_events("go", config("row-1"), version="v3").output,
    "async events v3": lambda llm: asyncio.run(of_v3(llm)),
}
every_way = pytest.mark.parametrize("way", WAYS)


@every_way
def test_the_config_names_the_call(play, text, way):
    seen, told = Names(), []
    script = play(faults=[cut(20)])
    message = WAYS[way](langchain(script, observers=[seen], on_event=told.append))
    assert message.text == text
    assert name_of(message) == "row-1"
    assert seen.names == ["row-1"]
    assert {event.call_id for event in told} == {"row-1"}
    assert all("call_id" not in request.body for request in script.requests)


def test_a_keyword_of_the_call_comes_first(play):
    llm = langchain(play())
    assert name_of(llm.invoke("go", config("row-1"), call_id="mine")) == "mine"
    assert name_of(llm.bind(call_id="mine").invoke("go", config("row-1"))) == "mine"


def test_a_name_that_is_no_string_is_refused(play):
    with pytest.raises(ConfigurationError, match="call_id=7: needs a str"):
        langchain(play()).invoke("go", config(7))


ROWS = ["Count sheep.", "Count goats.", "Count cows."]
CONFIGS = [config(f"row-{number}") for number in range(3)]
BATCHES = {
    "batch": lambda llm: llm.batch(ROWS, CONFIGS),
    "abatch": lambda llm: asyncio.run(llm.abatch(ROWS, CONFIGS)),
    "batch_as_completed": lambda llm: [
        answer for _, answer in sorted(llm.batch_as_completed(ROWS, CONFIGS))
    ],
}


@pytest.mark.parametrize("how", BATCHES)
def test_the_same_batch_again_asks_for_nothing(play, tmp_path, how):
    script = play(text=None)
    seen = Names()
    for _ in range(2):
        url = f"sqlite:///{tmp_path}/answers.db"
        llm = langchain(script, journal=url, observers=[seen]).bind(if_exists="resume")
        answers = BATCHES[how](llm)
        assert [answer.text for answer in answers] == [f"You said: {row}" for row in ROWS]
        assert [name_of(answer) for answer in answers] == ["row-0", "row-1", "row-2"]
    assert len(script.requests) == 3
    assert sorted(seen.names[:3]) == ["row-0", "row-1", "row-2"]


def test_without_resume_a_name_that_is_taken_is_an_error(play, tmp_path):
    llm = langchain(play(), journal=f"sqlite:///{tmp_path}/answers.db")
    llm.batch(ROWS, CONFIGS)
    found = llm.batch(ROWS, CONFIGS, return_exceptions=True)
    assert [type(each).__mro__[1] for each in found] == [AnswerExistsError] * 3


# -- chains and graphs ----------------------------------------------------------------------


@pytest.fixture
def warned(caplog):
    warn_once.cache_clear()
    with caplog.at_level(logging.WARNING, "holysheep"):
        yield lambda: [each for each in caplog.messages if KEY in each]


def test_the_name_of_a_chain_names_none_of_its_calls_and_a_warning_says_so(play, tmp_path, warned):
    seen = Names()
    llm = langchain(play(), journal=f"sqlite:///{tmp_path}/answers.db", observers=[seen])
    ask = ChatPromptTemplate.from_template("Say {it}.")
    chain = ask | llm | RunnableLambda(lambda message: {"it": message.text}) | ask | llm
    chain.invoke({"it": "so"}, config("row-1"))
    asyncio.run(chain.ainvoke({"it": "so"}, config("row-1")))
    list(chain.stream({"it": "so"}, config("row-1")))
    assert len(set(seen.names)) == 6
    assert "row-1" not in seen.names
    assert len(warned()) == 1


def test_nor_do_those_of_a_graph_and_of_a_function(play, warned):
    seen = Names()
    llm = langchain(play(), observers=[seen])
    builder = StateGraph(MessagesState)
    builder.add_node("model", lambda state: {"messages": [llm.invoke(state["messages"])]})
    builder.add_edge(START, "model")
    graph = builder.compile()
    graph.invoke({"messages": [("user", "go")]}, config("row-1"))
    list(graph.stream({"messages": [("user", "go")]}, config("row-1"), stream_mode="messages"))
    RunnableLambda(llm.invoke).invoke("go", config("row-1"))
    assert len(set(seen.names)) == 3
    assert "row-1" not in seen.names
    assert warned()


def test_a_call_in_a_chain_has_a_name_of_its_own(play, warned):
    llm = langchain(play(text=None))
    rows = [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}]
    by_keyword = RunnableLambda(lambda row: llm.invoke(row["text"], call_id=row["id"]))
    by_config = RunnableLambda(lambda row: llm.invoke(row["text"], config(row["id"])))
    for chain in (by_keyword, by_config):
        assert [name_of(answer) for answer in chain.batch(rows, config("all"))] == ["a", "b"]
    by_config = RunnableLambda(str) | llm.with_config(config("fixed"))
    by_keyword = RunnableLambda(str) | llm.bind(call_id="fixed")
    assert name_of(by_config.invoke("go")) == "fixed"
    assert name_of(by_keyword.invoke("go", config("all"))) == "fixed"
    assert not warned()


def test_a_manager_of_the_users_own_hands_nothing_down(play):
    given = {**config("row-1"), "callbacks": CallbackManager([])}
    assert name_of(langchain(play()).invoke("go", given)) == "row-1"


def test_keywords_are_not_changed():
    given = {"temperature": 0}
    assert named(config("x"), given) == {"temperature": 0, "call_id": "x"}
    assert given == {"temperature": 0}
    assert named(None, given) is given
