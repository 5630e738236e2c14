"""Your own rate limits: exact, in order, for threads and tasks, corrected by the usage."""

import asyncio
import itertools
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from holysheep_core import ConfigurationError, LocalRateLimitError, Provider, RateLimits
from holysheep_core.clock import clock
from holysheep_core.limits.limiter import Passage, RateLimiter, _wait_for, limiter_of
from holysheep_core.protocol.rate_limit_headers import Allowance
from holysheep_core.types import ChatRequest

numbers = itertools.count()


@pytest.fixture
def brief(monkeypatch):
    """Minutes of two seconds: the library reads its units from a table."""
    from limits import RateLimitItemPerMinute

    monkeypatch.setattr(
        RateLimitItemPerMinute,
        "GRANULARITY",
        RateLimitItemPerMinute.GRANULARITY._replace(seconds=2),
    )


def limiter(**limits):
    return RateLimiter(f"account {next(numbers)}", RateLimits(**limits))


def admit(text="hi", until=None, left=None, held=lambda *_: None, **params):
    request = ChatRequest("gpt-4.1", [{"role": "user", "content": text}], params)
    return Passage(request, until, left, held)


@pytest.mark.parametrize(("tier", "requests"), [("free", 60), ("starter", 200), ("pro", 500)])
def test_a_tier_lets_its_requests_per_minute_through_and_no_more(tier, requests):
    made = RateLimiter(f"account {next(numbers)}", RateLimits.coerce(tier))
    for _ in range(requests):
        made.enter(admit(max_tokens=1))
    started = clock()
    with pytest.raises(LocalRateLimitError) as caught:
        made.enter(admit(max_tokens=1, until=clock() + 5))
    assert clock() - started < 1  # what will take too long is not waited for
    assert 50 < caught.value.retry_after <= 61
    assert f"{requests} requests per minute" in str(caught.value)


def test_a_request_over_the_limit_waits_and_reports_it_once(brief):
    made, held = limiter(requests_per_minute=3), []
    started = clock()
    for _ in range(3):
        made.enter(admit())
    made.enter(admit(held=lambda *said: held.append(said)))
    assert 1.9 < clock() - started < 4
    assert [said[0] for said in held] == ["3 requests per minute"]


def test_in_no_window_is_the_limit_exceeded_with_many_threads(brief):
    made, passed = limiter(requests_per_minute=20), []

    def call(_):
        made.enter(admit())
        passed.append(time.time())

    with ThreadPoolExecutor(30) as pool:
        list(pool.map(call, range(60)))
    passed.sort()
    assert len(passed) == 60
    # Each was noted a moment after the window had taken it.
    assert all(passed[i + 20] - passed[i] > 1.9 for i in range(40))


async def test_tasks_pass_in_the_order_they_came(brief):
    made, order = limiter(requests_per_minute=5), []

    async def call(number):
        await made.aenter(admit())
        order.append(number)

    await asyncio.gather(*(call(i) for i in range(15)))
    assert order == list(range(15))


async def test_threads_and_tasks_stand_in_one_line(brief):
    made, order = limiter(requests_per_minute=2), []
    made.enter(admit())
    made.enter(admit())

    def thread():
        made.enter(admit())
        order.append("thread")

    async def task():
        await made.aenter(admit())
        order.append("task")

    first = asyncio.create_task(task())
    await asyncio.sleep(0.1)
    second = threading.Thread(target=thread)
    second.start()
    await first
    await asyncio.to_thread(second.join)
    assert order == ["task", "thread"]


async def test_a_caller_that_leaves_makes_way_for_the_next(brief):
    made = limiter(requests_per_minute=1)
    made.enter(admit())
    gone = asyncio.create_task(made.aenter(admit()))
    behind = asyncio.create_task(made.aenter(admit()))
    await asyncio.sleep(0.1)
    gone.cancel()
    await asyncio.wait_for(behind, 4)
    assert gone.cancelled()


def test_a_caller_whose_event_loop_was_closed_does_not_block_the_line(brief):
    made = limiter(requests_per_minute=1, max_wait=10)
    made.enter(admit())
    loop = asyncio.new_event_loop()
    waiting = [loop.create_task(made.aenter(admit())) for _ in range(2)]
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()  # by somebody who does not care for what still ran in it
    started = clock()
    behind = threading.Thread(target=made.enter, args=(admit(),))
    behind.start()
    time.sleep(0.1)
    for task in waiting:
        task.get_coro().close()  # as the garbage collector does
        task._log_destroy_pending = False
    behind.join(8)
    assert not behind.is_alive()
    assert clock() - started < 6


def test_many_threads_and_tasks_that_come_and_go_never_stop_the_line(brief):
    made, passed = limiter(requests_per_minute=50, max_wait=10), []

    def by_thread():
        for _ in range(6):
            made.enter(admit())
            passed.append(1)

    async def one(number):
        task = asyncio.ensure_future(made.aenter(admit()))
        if number % 3 == 0:
            await asyncio.sleep(0.001 * number)
            task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return
        passed.append(1)

    async def by_tasks():
        await asyncio.gather(*(one(number) for number in range(60)))

    workers = [threading.Thread(target=by_thread) for _ in range(8)]
    workers.append(threading.Thread(target=lambda: asyncio.run(by_tasks())))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert not any(worker.is_alive() for worker in workers)
    assert 48 + 40 <= len(passed) <= 48 + 60
    assert not made._queue._waiting


def test_zero_max_wait_raises_at_once_and_nothing_was_taken():
    made = limiter(requests_per_minute=1, tokens_per_day=1000, max_wait=0)
    made.enter(admit(max_tokens=100))
    for _ in range(5):
        with pytest.raises(LocalRateLimitError):
            made.enter(admit(max_tokens=100))
    [item] = made._counters._tokens
    assert (
        made._counters._memory.get(item.key_for(made._counters._account)) < 200
    )  # one reservation, not six


def test_tokens_are_reserved_and_then_corrected_by_what_was_used():
    made = limiter(tokens_per_day=1000, max_wait=0)
    reserved = made.enter(admit(max_tokens=900))
    assert 900 < reserved < 950
    with pytest.raises(LocalRateLimitError, match="1,000 tokens"):
        made.enter(admit(max_tokens=900))
    made.settle(reserved, 100)
    assert made.enter(admit(max_tokens=800))


def test_a_request_that_used_more_than_was_reserved_counts_in_full():
    made = limiter(tokens_per_day=1000, max_wait=0, expected_tokens=10)
    made.settle(made.enter(admit()), 990)
    with pytest.raises(LocalRateLimitError):
        made.enter(admit())


def test_a_request_larger_than_the_limit_itself_is_not_shut_out_for_ever():
    assert limiter(tokens_per_minute=100, max_wait=0).enter(admit(max_tokens=5000))


def test_the_servers_allowance_is_respected():
    made = limiter(requests_per_minute=60, max_wait=0)
    left = Allowance(requests=2, tokens=None, until=clock() + 30)
    made.enter(admit(left=left))
    made.enter(admit(left=left))
    with pytest.raises(LocalRateLimitError, match="as the server counts them") as caught:
        made.enter(admit(left=left))
    assert 29 < caught.value.retry_after <= 30
    made.enter(admit(left=Allowance(requests=1, tokens=None, until=clock() + 30)))  # newer news
    made.enter(admit(left=Allowance(requests=0, tokens=None, until=clock() - 1)))  # over
    with pytest.raises(LocalRateLimitError, match="tokens, as the server"):
        limited = limiter(tokens_per_day=10_000, max_wait=0)
        limited.enter(admit(max_tokens=500, left=Allowance(None, 100, clock() + 30)))


def test_all_clients_of_an_account_share_its_limits():
    one, same = Provider("key-1", rate_limits="free"), Provider("key-1", rate_limits="free")
    other = Provider("key-2", rate_limits="free")
    assert limiter_of(one, None) is limiter_of(same, None)
    assert limiter_of(one, None) is not limiter_of(other, None)
    assert limiter_of(Provider("key-1"), None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests_per_minute": 0},
        {"tokens_per_day": -1},
        {"tokens_per_minute": 1.5},
        {"max_wait": -1},
        {"expected_tokens": "many"},
    ],
)
def test_a_limit_that_cannot_be_is_named_at_once(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        RateLimits(**wrong)


def test_an_unknown_tier_is_answered_with_the_known_ones():
    with pytest.raises(ConfigurationError, match="'free', 'starter', 'pro'"):
        Provider("k", rate_limits="platinum")


@pytest.mark.parametrize("turns", range(8))
async def test_a_call_cancelled_in_the_moment_its_turn_comes_is_cancelled(turns):
    turn = asyncio.Event()
    task = asyncio.create_task(_wait_for(turn, 5))
    await asyncio.sleep(0.01)
    turn.set()
    for _ in range(turns):  # of the event loop: the news is on its way
        await asyncio.sleep(0)
    cancelled = task.cancel()
    await asyncio.wait({task})
    assert task.cancelled() == cancelled


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_fork_while_a_thread_waits_leaves_the_child_a_free_limiter():
    made = limiter(requests_per_minute=1, max_wait=3600)
    made.enter(admit())
    waiting = threading.Thread(target=lambda: made.enter(admit(until=clock() + 3600)), daemon=True)
    waiting.start()
    wait_until(lambda: made._queue._waiting)
    child = os.fork()
    if child == 0:
        try:
            made.enter(admit())  # the first of this process
        finally:
            os._exit(0 if not made._queue._waiting else 1)
    assert os.waitpid(child, 0)[1] == 0


def wait_until(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
