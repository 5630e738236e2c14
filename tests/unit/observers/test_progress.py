"""The progress bar's figures."""

import io

import pytest
from rich.console import Console

from holysheep_core import ProgressBar, RateLimits
from holysheep_core.simulator import refuse
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


def test_a_bar_that_stands_says_that_a_limit_waits(play, console):
    script, waiting = play(text="one two three"), []
    with ProgressBar(total=4, console=console) as bar:
        limits = RateLimits(requests_per_minute=2, max_wait=0.2)
        llm = ChatHolySheep(
            base_url=script.base_url,
            observers=[bar],
            rate_limits=limits,
            on_event=lambda _event: waiting.append(bar.waiting),
            **QUIET,
        )
        results = llm.batch(["go"] * 4, return_exceptions=True)
    failed = sum(isinstance(each, Exception) for each in results)
    assert (bar.done, bar.failed) == (4 - failed, failed)
    assert failed == 2
    assert max(waiting) >= 1


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
