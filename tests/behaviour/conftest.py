"""A journal's store, SQLite or Redis, and names for its answers."""

import os
import random
import subprocess
import time

import pytest

from support.services import service


@pytest.fixture(params=["sqlite", "redis"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/answers.db"
    return request.getfixturevalue("redis_url")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    path = tmp_path_factory.mktemp("redis") / "redis.sock"
    command = [service("redis-server"), "--port", "0", "--unixsocket", str(path), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not path.exists():
            time.sleep(0.01)
        yield f"unix://{path}"
        process.kill()


NAMES = iter(range(10**6))


@pytest.fixture
def name():
    return f"answer-{os.getpid()}-{next(NAMES)}-{random.random()}"
