"""A real Redis for tests."""

import socket
import subprocess
import time
from contextlib import suppress

import redis

from support.services import service


class RedisServer:
    """A Redis of our own, to be stopped, halted and emptied at will."""

    def __init__(self):
        self.port = 65_535
        while self.port > 55_000:  # a cluster's nodes talk on the port 10,000 higher
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self, *settings):
        binary = service("redis-server")
        options = ["--port", str(self.port), "--save", "", "--appendonly", "no", *settings]
        self.process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
        self.client = redis.Redis(port=self.port)
        end = time.monotonic() + 10
        while True:
            with suppress(redis.ConnectionError):
                if self.client.ping():
                    return
            assert time.monotonic() < end
            time.sleep(0.02)

    def stop(self):
        self.client.close()
        self.process.kill()
        self.process.wait()
