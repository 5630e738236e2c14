"""An application in a uvicorn of its own, in a thread."""

import socket
import threading
import time
from contextlib import contextmanager

import uvicorn


@contextmanager
def served(application, log_level="warning"):
    """Run it; gives its address."""
    link = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, log_level=log_level))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [link]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{link.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        link.close()
        assert not thread.is_alive()
