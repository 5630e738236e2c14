"""A process that can open no more files gets typed errors, and goes on when it can again."""

import subprocess
import sys

import pytest

from support.libraries import with_both

PROGRAM = """
import asyncio, gc, os, resource, sys
from contextlib import contextmanager
from holysheep_core import APIConnectionError, Connections, RetryConfig, StreamingRetryHandler
from holysheep_core import HolySheepError

url, library = sys.argv[1:]
ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])
settings = {"config": RetryConfig(max_retries=1, base_delay=0.001), "fallback_models": []}
settings |= {"connections": Connections(max_keepalive=0, library=library)}


@contextmanager
def no_file_left():
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def judge(error):
    assert isinstance(error, APIConnectionError), repr(error)
    assert "Too many open files" in str(error), error
    assert len(error.attempts) == 2


def open_files():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


with StreamingRetryHandler("k", base_url=url, **settings) as handler:
    text = handler.complete(*ASK).text
    before = open_files()
    with no_file_left():
        for _ in range(20):
            try:
                handler.complete(*ASK)
            except HolySheepError as error:
                judge(error)
            else:
                raise SystemExit("it was answered")
    assert handler.complete(*ASK).text == text
    assert open_files() == before


async def main():
    async with StreamingRetryHandler("k", base_url=url, **settings) as handler:
        assert (await handler.acomplete(*ASK)).text == text
        await asyncio.sleep(0.05)
        before = open_files()
        with no_file_left():
            calls = (handler.acomplete(*ASK) for _ in range(20))
            for error in await asyncio.gather(*calls, return_exceptions=True):
                judge(error)
        assert (await handler.acomplete(*ASK)).text == text
        await asyncio.sleep(0.05)
        assert open_files() == before

asyncio.run(main())
print("all well")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX'")
@with_both
def test_a_full_table_of_files_is_an_error_that_says_so_and_nothing_is_left(play, library):
    url = play().base_url
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", PROGRAM, url, library]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (ran.stdout, ran.stderr) == ("all well\n", "")
