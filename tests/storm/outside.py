"""What stands outside: a real HAProxy between callers and servers, and a real Redis."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import redis

# `mode http` parses responses and streams them on; `mode tcp` lets a reset through as one.
CONFIG = """\
global
    maxconn 4000
    hard-stop-after 1s
defaults
    option http-no-delay
    retries 0
    timeout connect 2s
    timeout client 20s
    timeout server 20s
listen http
    mode http
    bind 127.0.0.1:{http}
    balance roundrobin
{http_servers}
listen tcp
    mode tcp
    bind 127.0.0.1:{tcp}
    bind 127.0.0.2:{tcp}
    balance roundrobin
{tcp_servers}
"""


def binary(name: str) -> str:
    """Return where a program is."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if not found:
        raise SystemExit(f"the storm needs {name} (apt-get install haproxy redis-server)")
    return found


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    raise SystemExit(f"Nobody answers at port {port}.")


class Proxy:
    """HAProxy, to be reloaded and killed at will."""

    def __init__(self, folder: Path, servers: Sequence[int]) -> None:
        self._command = [binary("haproxy"), "-W", "-db", "-f", str(folder / "haproxy.cfg")]
        self._log = (folder / "haproxy.log").open("wb")
        self.http, self.tcp = free_port(), free_port()
        lines = "\n".join(f"    server s{port} 127.0.0.1:{port}" for port in servers)
        text = CONFIG.format(http=self.http, tcp=self.tcp, http_servers=lines, tcp_servers=lines)
        (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
        self.start()

    def start(self) -> None:
        """Begin to listen; in a session of its own, so that all of it can be killed at once."""
        self._process = subprocess.Popen(
            self._command, stdout=self._log, stderr=self._log, start_new_session=True
        )
        _wait_for(self.http)
        _wait_for(self.tcp)

    def reload(self) -> None:
        """Reload the configuration: running responses have a second to end, then they are cut."""
        self._process.send_signal(signal.SIGUSR2)

    def kill(self, seconds: float) -> None:
        """Be gone, in mid-stream, for some time."""
        self.stop()
        time.sleep(seconds)
        self.start()

    def stop(self) -> None:
        """End it and its workers at once, without a last word to anybody."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it for good."""
        self.stop()
        self._log.close()


@contextlib.contextmanager
def full_table(pid: int) -> Iterator[None]:
    """Let a process open no file more, as long as the block lasts."""
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    # What is open stays so; the limit is for the number of a new file, and 0 to 2 are taken.
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)


class Redis:
    """A Redis of our own, that forgets everything when it is restarted."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Begin to answer."""
        options = ["--port", str(self._port), "--save", "", "--appendonly", "no"]
        command = [binary("redis-server"), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _wait_for(self._port)
        redis.Redis(port=self._port).ping()

    def restart(self, seconds: float) -> None:
        """Be gone for some time."""
        self.stop()
        time.sleep(seconds)
        self.start()

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
