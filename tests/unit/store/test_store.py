"""State that processes share through a real Redis, and calls without it."""

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from holysheep_core import (
    APIGateway,
    Canary,
    Provider,
    RateLimits,
    RetryBudget,
    StreamingRetryHandler,
)
from holysheep_core.limits.limiter import Passage, RateLimiter
from holysheep_core.routing.route_state import RouteChange
from holysheep_core.simulator import refuse
from holysheep_core.store.store import Fact, Store
from holysheep_core.types import ChatRequest
from support.calls import CALL
from support.gateways import client, limited, shared
from support.waiting import wait_until

# -- what is shared -------------------------------------------------------------------------


def test_a_circuit_that_opens_in_one_process_is_open_in_the_others(server, play):
    bad, good = play(faults=[refuse(503, times=None)]), play()
    gateway = shared(Store(server.url), bad, good)
    with client(gateway) as one:
        one.complete(*CALL)
        gateway.store.exchange()
        asked = len(bad.requests)
        with client(shared(Store(server.url), bad, good)) as newcomer:
            assert newcomer.complete(*CALL).provider == "openai"
    assert len(bad.requests) == asked


def test_a_circuit_that_closes_is_closed_in_the_others(server, play):
    one, other = (shared(Store(server.url), play()) for _ in range(2))
    route = one.route_states
    key = f"{one.providers[0].account}/gpt-4.1"
    other.providers = one.providers
    route.open(key, time.monotonic(), time.monotonic() + 30)
    one._circuit_changed(RouteChange(key, time.monotonic() + 30))
    one.store.exchange()
    other.store.exchange()
    assert other.route_states._circuits[key].until is not None
    route.close(key)
    one._circuit_changed(RouteChange(key, None))
    one.store.exchange()
    other.store.exchange()
    assert other.route_states._circuits[key].until is None


def test_a_switch_reaches_all_within_seconds(server, play):
    one, other = (shared(Store(server.url), play(), play()) for _ in range(2))
    with client(one) as first, client(other) as second:
        assert first.complete(*CALL).provider == second.complete(*CALL).provider == "holysheep"
        one.switch_to("openai")
        wait_until(lambda: other.active == "openai", 5)
        assert second.complete(*CALL).provider == "openai"
        other.rollback()
        wait_until(lambda: one.active == "holysheep", 5)


def test_the_command_line_switches_every_process(server, play):
    gateway = shared(Store(server.url), play(), play())
    with client(gateway) as handler:
        assert handler.complete(*CALL).provider == "holysheep"
        command = [sys.executable, "-m", "holysheep_core.cli", "switch", "openai"]
        environment = {**os.environ, "HOLYSHEEP_STORE": server.url}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        wait_until(lambda: gateway.active == "openai", 5)
        assert handler.complete(*CALL).provider == "openai"


def test_a_canarys_step_is_shared(server, play):
    plan = Canary(provider="openai", steps=[1, 10, 100], automatic=False)
    one, other = (shared(Store(server.url), play(), play(), canary=plan) for _ in range(2))
    one.advance()
    one.store.exchange()
    other.store.exchange()
    assert other.rollout.percent == 10
    other.abort_canary()
    other.store.exchange()
    one.store.exchange()
    assert one.rollout.percent == 0


def test_one_retry_budget_serves_all(server):
    budgets = [RetryBudget(capacity=100, cost=10) for _ in range(4)]
    stores = [Store(server.url) for _ in budgets]
    for store, budget in zip(stores, budgets, strict=True):
        store.share_budget(budget)
        store.exchange()
    for budget in budgets:
        assert budget.take()
        assert budget.take()
    for _ in range(2):
        for store in stores:
            store.exchange()
    assert [budget.tokens for budget in budgets] == [20.0] * 4
    budgets[0].succeeded(2)
    for store in stores:
        store.exchange()
    assert [budget.tokens for budget in budgets] == [40.0] * 4


def test_no_key_and_no_password_is_in_redis_or_in_a_repr(server, play):
    assert "secret" not in repr(Store("redis://me:secret@127.0.0.1:1/0"))
    gateway = shared(Store(server.url), play(faults=[refuse(503, times=None)]), play())
    gateway.providers = tuple(
        Provider("secret-key", each.base_url, name=each.name, rate_limits="free")
        for each in gateway.providers
    )
    gateway._by_name = {each.name: each for each in gateway.providers}
    with client(gateway) as handler:
        handler.complete(*CALL)
    gateway.close()  # writes what a busy machine has not written yet
    everything = repr([(name, server.client.dump(name)) for name in server.client.keys("*")])
    assert "circuit:" in everything
    assert "secret" not in everything


# -- limits ---------------------------------------------------------------------------------

LIMIT, SECONDS = 100, 4

HAMMER = """
import sys, time
from limits import RateLimitItemPerMinute
from holysheep_core import Provider, RateLimits
from holysheep_core.limits.limiter import Passage, RateLimiter
from holysheep_core.store.store import Store
from holysheep_core.types import ChatRequest

url, limit, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
RateLimitItemPerMinute.GRANULARITY = RateLimitItemPerMinute.GRANULARITY._replace(seconds=1)
limiter = RateLimiter("account", RateLimits(requests_per_minute=limit), Store(url))
passage = Passage(ChatRequest("m", []), None, None, lambda *_: None)
end = time.time() + seconds
while time.time() < end:
    limiter.enter(passage)
    print(time.time())
"""
"""A process that lets through all it may, in minutes that last a second."""


def test_two_processes_never_exceed_a_limit_by_more_than_a_hundredth(server):
    command = [sys.executable, "-c", HAMMER, server.url, str(LIMIT), str(SECONDS)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    passed = [worker.communicate(timeout=30)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert all(len(each) > LIMIT for each in passed)  # both did get their share
    times = sorted(float(at) for each in passed for at in each)
    # Each was noted a moment after it had passed, so a window shorter by that moment is judged.
    worst = max(sum(start <= t < start + 0.97 for t in times) for start in times)
    assert worst <= LIMIT * 1.01
    assert len(times) >= LIMIT * (SECONDS - 1)  # and what is allowed is let through


def commands_of(server):
    return server.client.info("stats")["total_commands_processed"]


@pytest.mark.parametrize("tier", ["free", "pro"])
async def test_a_call_costs_at_most_two_round_trips(own_server, play, tier):
    server = own_server  # other tests' stores keep using theirs
    script, store = play(), Store(server.url)
    provider = Provider("k", script.base_url, rate_limits=tier)
    gateway = APIGateway([provider], health_check=None)
    gateway.store = store
    with client(gateway) as handler:
        handler.complete(*CALL)  # connects, loads the scripts, starts the exchange
        store.close()  # ends the exchanges, whose round trips are not the calls'
        store._thread = threading.current_thread()  # it counts as open
        before = _scripts_run(server)
        for _ in range(5):
            handler.complete(*CALL)
        for _ in range(5):
            await handler.acomplete(*CALL)
        assert _scripts_run(server) - before <= 2 * 10


def _scripts_run(server):
    stats = server.client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))


def test_what_was_reserved_in_vain_comes_back_with_the_next_exchange(server, play):
    script, store = play(), Store(server.url)
    with limited(script, store, tokens_per_day=100_000, expected_tokens=5000) as handler:
        handler.complete(*CALL)
        [name] = server.client.keys("holysheep:limits:*")
        store.exchange()
        assert 0 < int(server.client.get(name)) < 500


def test_the_thread_ends_with_its_store(server):
    before = set(threading.enumerate())
    store = Store(server.url)
    store.open()
    started = set(threading.enumerate()) - before
    assert started
    del store
    wait_until(lambda: not any(thread.is_alive() for thread in started))


def test_a_forked_process_has_its_own_exchange(server):
    store = Store(server.url)
    store.open()
    code = os.fork()
    if code == 0:
        store.open()
        alive = "holysheep-store" in {thread.name for thread in threading.enumerate()}
        store.tell("active", Fact("from-the-child x", 0))
        told = store.exchange()
        os._exit(0 if alive and told else 1)
    assert os.waitpid(code, 0)[1] == 0
    assert b"from-the-child" in server.client.hget("{holysheep}:facts", "active")
    store.close()


def test_a_forked_process_has_threads_of_its_own_for_async_calls(server):
    store = Store(server.url)
    asyncio.run(store.in_thread(store.exchange))
    code = os.fork()
    if code == 0:
        told = asyncio.run(asyncio.wait_for(store.in_thread(store.exchange), 5))
        os._exit(0 if told else 1)
    assert os.waitpid(code, 0)[1] == 0


async def test_what_a_cancelled_caller_was_just_taking_is_given_back(server, play):
    store = Store(server.url)
    limiter = RateLimiter("cancelled", RateLimits(tokens_per_day=1000), store)
    taken, go_on, count = threading.Event(), threading.Event(), limiter._counters._count

    def slowly(storage, tokens):
        taken.set()
        go_on.wait(5)
        return count(storage, tokens)

    limiter._counters._count = slowly
    request = ChatRequest("m", [], {"max_tokens": 900})
    passage = Passage(request, None, None, lambda *_: None)
    task = asyncio.create_task(limiter.aenter(passage))
    await asyncio.to_thread(taken.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    [item] = limiter._counters._tokens
    key = item.key_for("cancelled")

    def is_given_back():
        store.exchange()
        return server.client.get(f"holysheep:limits:{key}") == b"0"

    await asyncio.to_thread(wait_until, is_given_back)


def test_two_clients_that_name_one_url_share_one_store(server, play):
    one = StreamingRetryHandler("k", base_url=play().base_url, store=server.url)
    other = StreamingRetryHandler("k", base_url=play().base_url, store=server.url)
    assert one.gateway.store is other.gateway.store
