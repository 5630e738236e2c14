"""Costs, tags, totals, logs and traces through both plugins, sync and async."""

import copy
import pickle
import sqlite3
from contextlib import closing

import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from llama_index.core.instrumentation.dispatcher import instrument_tags

from holysheep_core import Catalog, ModelCard, Observer, SpendLimit
from holysheep_core.simulator import cut
from support.models import GO, every_model, langchain, llamaindex

PRICES = Catalog({"gpt-4.1": ModelCard(input_price=1.0, output_price=10.0)})


class Records(Observer):
    def __init__(self):
        self.ended = []

    def call_ended(self, record, answer):
        self.ended.append((record, answer))


def test_the_answers_metadata_has_the_cost_of_all_requests(play):
    seen = Records()
    answer = langchain(play(faults=[cut(at=20)]), observers=[seen], catalog=PRICES).invoke("go")
    resilience = answer.response_metadata["resilience"]
    parts = [attempt["cost_usd"] for attempt in resilience["attempts"]]
    assert len(parts) == 2
    assert resilience["cost_usd"] == pytest.approx(sum(parts)) == seen.ended[0][0].cost_usd
    raw = llamaindex(play(faults=[cut(at=20)]), catalog=PRICES).chat(GO).raw
    assert raw["resilience"]["cost_usd"] == pytest.approx(resilience["cost_usd"])


async def test_langchains_tags_are_the_calls_tags(play, text):
    seen = Records()
    llm = langchain(play(), observers=[seen], tags=["model"])
    chain = ChatPromptTemplate.from_template("{x}") | llm | StrOutputParser()
    chain.invoke({"x": "go"}, {"tags": ["invoked"]})
    assert "".join(chain.stream({"x": "go"}, {"tags": ["streamed"]})) == text
    await llm.ainvoke("go", {"tags": ["bare"]})
    tags = [set(record.tags) for record, _ in seen.ended]
    assert tags == [{"model", "invoked"}, {"model", "streamed"}, {"model", "bare"}]
    assert llm.totals.by_tag["model"].calls == 3


async def test_llamaindex_tags_are_the_calls_tags(play):
    llm = llamaindex(play())
    with instrument_tags({"user": "u-7"}):
        llm.chat(GO)
        await llm.achat(GO)
    llm.chat(GO)
    assert llm.totals.by_tag["user=u-7"].calls == 2
    assert llm.totals.all.calls == 3


@every_model
def test_totals_survive_a_changed_setting_and_are_shared_by_copies(play, make):
    llm = make(play())
    ask = llm.invoke if make is langchain else llm.complete
    ask("go")
    llm.temperature = 0.5
    ask("go")
    assert llm.totals.all.calls == 2
    assert copy.deepcopy(llm).totals is llm.totals
    assert llm.model_copy(update={"temperature": 1.0}).totals is llm.totals
    assert pickle.loads(pickle.dumps(make(play()))).totals.all.calls == 0


DEAR = Catalog({"other": ModelCard(input_price=1e3, output_price=1e3)})
CHEAP = Catalog({"other": ModelCard(input_price=0.0, output_price=0.0)})


@every_model
def test_a_saving_is_priced_by_the_models_own_catalog(play, make):
    llm = make(play(), catalog=DEAR)
    ask = llm.invoke if make is langchain else llm.complete
    ask("go")
    dear = DEAR.card("other").cost(llm.totals.all.usage) - llm.totals.all.cost_usd
    assert dear > 0
    assert llm.totals.all.saving("other") == pytest.approx(dear)
    assert llm.totals.by_model["gpt-4.1"].saving("other") == pytest.approx(dear)
    # A copy's totals are the same sums; each model asks its own catalog.
    copied = llm.model_copy(update={"catalog": CHEAP})
    for _ in range(2):
        assert copied.totals.all == llm.totals.all
        assert copied.totals.all.saving("other") == -llm.totals.all.cost_usd
        assert llm.totals.all.saving("other") == pytest.approx(dear)
        (copied.invoke if make is langchain else copied.complete)("go")
        dear = DEAR.card("other").cost(llm.totals.all.usage) - llm.totals.all.cost_usd
    llm.catalog = CHEAP
    assert llm.totals.all.saving("other") == -llm.totals.all.cost_usd


@every_model
def test_a_log_and_a_limit_are_keywords(play, make, tmp_path):
    path = tmp_path / "calls.db"
    llm = make(play(), event_log=path, spend_limit=SpendLimit(tokens=10_000))
    (llm.invoke if make is langchain else llm.complete)("go")
    llm._handler.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT outcome FROM calls").fetchall() == [("completed",)]


@every_model
def test_a_models_window_comes_from_the_catalog(play, make):
    mine = Catalog({"mine": ModelCard(context_window=1234)})
    llm = make(play(), model="mine", catalog=mine, fallback_models=[])
    window = llm.profile["max_input_tokens"] if make is langchain else llm.metadata.context_window
    assert window == 1234


def test_an_observer_hears_what_the_reader_was_given(play, text):
    seen = Records()
    stream = llamaindex(play(faults=[cut(at=9)]), observers=[seen]).stream_complete("go")
    assert "".join(response.delta for response in stream) == text
    [(record, answer)] = seen.ended
    assert answer == text
    assert (record.outcome, record.resumes) == ("completed", 1)
