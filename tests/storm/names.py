"""The name service of a process of callers: addresses in turn, some of them dead.

`HOST` stands for four addresses, and each reply begins with another of them, as replies of a real
name service do. At two of them the proxy listens, at one nobody does, and one swallows every
attempt to connect. Now and then there is no reply.
"""

from __future__ import annotations

import itertools
import socket
from typing import Any

HOST = "sheep.localhost"
GOOD = ("127.0.0.1", "127.0.0.2")
REFUSING = "127.0.0.3"
SILENT = "127.0.0.4"
_ADDRESSES = (GOOD[0], REFUSING, GOOD[1], SILENT)
_NO_REPLY_EVERY = 11

_ask = socket.getaddrinfo
_turns = itertools.count()


def rotating(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
    """Stand in for `socket.getaddrinfo`."""
    if host != HOST:
        return _ask(host, port, *args, **kwargs)
    turn = next(_turns)
    if not turn % _NO_REPLY_EVERY:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    at = turn % len(_ADDRESSES)
    stream = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    return [(*stream, (each, port)) for each in (*_ADDRESSES[at:], *_ADDRESSES[:at])]


class Silence:
    """Listens at `SILENT` and accepts nobody: who connects there waits."""

    def __init__(self, port: int) -> None:
        self._sockets = [socket.create_server((SILENT, port), backlog=0)]
        for _ in range(8):  # until the queue is full, and the kernel drops who comes
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex((SILENT, port))
            self._sockets.append(each)

    def close(self) -> None:
        """Be gone."""
        for each in self._sockets:
            each.close()
