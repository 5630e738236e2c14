"""The progress bar's figures."""

import io

import pytest
from rich.console import Console

from holysheep_core import ProgressBar, RequestSent, Throttled
from holysheep_core.simulator import refuse
from holysheep_core.types import ChatRequest
from langchain_holysheep import ChatHolySheep

QUIET = {"api_key": "k", "model": "gpt-4.1", "fallback_models": []}


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=True, width=120)


def test_a_batch_shows_how_many_are_done_and_what_they_cost(play, console):
    script = play(text="one two three")
    with ProgressBar(total=5, console=console) as bar:
        llm = ChatHolySheep(base_url=script.base_url, observers=[bar], **QUIET)
        llm.batch(["go"] * 5, config={"max_concurrency": 2})
    assert (bar.done, bar.failed, bar.running, bar.waiting) == (5, 0, 0, 0)
    assert bar.tokens > 0
    assert bar.cost_usd > 0
    assert "5/5" in console.file.getvalue()


def test_a_bar_that_stands_says_that_a_limit_waits(console):
    with ProgressBar(total=4, console=console) as bar:
        for call in ("a", "b"):
            bar.call_began(call, ChatRequest("gpt-4.1", ()))
            bar.happened(Throttled(call, 0.0, provider="p", limit="60/minute", wait=30.0))
        assert (bar.running, bar.waiting) == (2, 2)
        bar.happened(RequestSent("a", 1.0, 1, "p", "gpt-4.1", "request"))
        assert bar.waiting == 1
    assert "2 running, 1 waiting for a limit" in console.file.getvalue()


def test_a_429_of_the_server_is_a_wait_too(play, console):
    script, waiting = play(text="one two", faults=[refuse(429, retry_after=0.05)]), []
    with ProgressBar(console=console) as bar:
        llm = ChatHolySheep(
            base_url=script.base_url,
            observers=[bar],
            on_event=lambda _event: waiting.append(bar.waiting),
            **QUIET,
        )
        llm.invoke("go")
    assert max(waiting) == 1
    assert (bar.done, bar.waiting) == (1, 0)


def test_items_of_an_earlier_run_are_counted_once(console):
    bar = ProgressBar(total=10, console=console)
    bar.reach(4)
    bar.reach(3)
    assert bar.done == 4
