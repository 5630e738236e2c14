"""The end of a server that listens in a thread of the test's process."""

import contextlib
import socket


def stop_listening(listener):
    """Close a listening socket, and wake the thread that waits in its `accept`.

    By `close` alone the thread would wait for ever, and hold a number of a file that is open.
    """
    with contextlib.suppress(OSError):  # macOS: "not connected"
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
