"""Behind nginx and haproxy as they are installed, with what they do to connections by default."""

import asyncio
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from holysheep_core import RetryConfig, StreamingRetryHandler
from support.services import service

ASK = ("gpt-4.1", [{"role": "user", "content": "go"}])
CALLS, AT_ONCE = 2_000, 20
NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://{behind}; proxy_buffering off; }}
  }}
}}
"""
HAPROXY = """
global
  maxconn 500
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend all
  bind 127.0.0.1:{port}
  default_backend one
backend one
  server one {behind}
"""


@contextmanager
def running(command, port):
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(500):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, "it did not start"
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["nginx", "haproxy"])
def proxied(request, play, tmp_path):
    """Return the URL of a scenario behind a proxy."""
    binary = service(request.param)
    script = play("here")
    behind = script.base_url.partition("://")[2].partition("/")[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (NGINX if request.param == "nginx" else HAPROXY).format(
        folder=tmp_path, port=port, behind=behind
    )
    file = tmp_path / "settings"
    file.write_text(text)
    command = [binary, "-c", str(file)] if request.param == "nginx" else [binary, "-f", str(file)]
    with running(command, port):
        yield script.base_url.replace(behind, f"127.0.0.1:{port}")


def whole(answer):
    return answer.text == "here" and len(answer.attempts) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_two_thousand_async_calls_are_whole_at_the_first_attempt(proxied):
    once = RetryConfig(max_retries=0)
    gate = asyncio.Semaphore(AT_ONCE)

    async def call(handler):
        async with gate:
            return whole(await handler.acomplete(*ASK))

    async with StreamingRetryHandler("k", base_url=proxied, config=once) as handler:
        answers = await asyncio.gather(*(call(handler) for _ in range(CALLS)))
    assert answers.count(True) == CALLS


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_so_are_those_of_threads(proxied):
    once = RetryConfig(max_retries=0)
    with StreamingRetryHandler("k", base_url=proxied, config=once) as handler:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda _: whole(handler.complete(*ASK)), range(CALLS)))
    assert answers.count(True) == CALLS
