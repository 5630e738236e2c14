"""What all tests share: a simulator, a full retry budget, and one text to cut."""

import gc
import itertools
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from holysheep_core.retry_budget import PROCESS_BUDGET
from holysheep_core.routing.learned import LEARNED
from holysheep_core.simulator import Scenario, Script, Simulator
from holysheep_core.testing import no_waiting
from support.redis_server import RedisServer

# No test fails because the machine is busy.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_ENDED = itertools.count(1)
"""Tests that have ended in this process."""
TEXT = "안녕, 양 세 마리! Then `x = [1, 2]`:\n```py\nfor i in x:\n    print(i)\n```\n끝났어요 👋."
"""Korean, English and code, emoji included: short enough to cut at every character."""


def pytest_configure(config):
    if sys.version_info < (3, 11):
        # Python 3.10 does not mark a TLS transport as closed when its handshake fails.
        unclosed = (
            "ignore:unclosed transport <asyncio.sslproto._SSLProtocolTransport:ResourceWarning"
        )
        config.addinivalue_line("filterwarnings", unclosed)


def pytest_collection_finish():
    """Let the collector skip the collected tests: a tenth of the run went into looking at them."""
    gc.collect()
    gc.freeze()
    gc.collect()  # or the next one would wait until a quarter as many objects were made


def pytest_runtest_teardown():
    """Close what tests left open, as users do, before it adds up to the limit of select()."""
    if next(_ENDED) % 50 == 0:
        gc.collect()


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def play(simulator):
    """Play a scenario; returns its script, with `base_url` and `requests`."""

    def play(text: str | None = TEXT, **settings) -> Script:
        return simulator.add(Scenario(text=text, **settings))

    return play


@pytest.fixture(scope="session")
def text() -> str:
    return TEXT


@pytest.fixture(autouse=True)
def _full_budget():
    PROCESS_BUDGET.refill()


@pytest.fixture(autouse=True)
def _nothing_learned():
    """Ports, and so routes, are used again by later tests."""
    LEARNED.forget()


@pytest.fixture(autouse=True)
def _no_waiting(request):
    """Retries follow at once, but where waits are tested: in `unit/engine`, and by `real_waits`."""
    if "unit/engine/" in request.node.nodeid or request.node.get_closest_marker("real_waits"):
        yield
    else:
        with no_waiting():
            yield


@pytest.fixture(autouse=True)
def _no_key_from_outside(monkeypatch):
    for name in ("HOLYSHEEP_API_KEY", "HOLYSHEEP_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def _lasting_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def server(_lasting_redis) -> RedisServer:
    """A real Redis, empty."""
    _lasting_redis.client.flushall()
    return _lasting_redis


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A real Redis of the test's own, to be stopped, halted and emptied at will."""
    server = RedisServer()
    yield server
    server.stop()
