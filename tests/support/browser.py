"""A real Chromium, driven over the pipe of its DevTools: no port, and no library."""

import base64
import itertools
import json
import os
import select
import signal
import subprocess
import time

from support.services import service

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-pipe",
]


class Browser:
    """Chromium with a profile of its own. A test that asks for one is skipped if there is none.

    Args:
        home: Folder of the profile.
    """

    def __init__(self, home):
        program = service("chromium", "google-chrome")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        # It reads commands from 3 and writes answers to 4.
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "bash", program, *FLAGS, f"--user-data-dir={home}"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._numbers = itertools.count(1)
        self._read = b""

    def send(self, method, session=None, seconds=30, **params):
        """Send a command; returns its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": session} if session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            answer = self._next(end)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _next(self, end):
        while b"\0" not in self._read:
            assert select.select([self._in], [], [], max(0, end - time.monotonic()))[0], "silent"
            data = os.read(self._in, 1 << 16)
            assert data, "the browser has ended"
            self._read += data
        message, _, self._read = self._read.partition(b"\0")
        return json.loads(message)

    def open(self, url):
        """Open a tab; returns when the page is there."""
        target = self.send("Target.createTarget", url=url)["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        tab.wait("location.href !== 'about:blank' && document.readyState === 'complete'")
        return tab

    def close(self):
        os.killpg(self._process.pid, signal.SIGKILL)  # with its renderers
        self._process.wait()
        os.close(self._in)
        os.close(self._out)


class Tab:
    """One page."""

    def __init__(self, browser, session):
        self._browser = browser
        self._session = session

    def send(self, method, **params):
        return self._browser.send(method, self._session, **params)

    def run(self, code):
        """The value of an expression; of what it promises."""
        found = self.send(
            "Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition, seconds=20):
        """Wait until an expression is true; returns its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(condition)):
            assert time.monotonic() < end, (
                f"never: {condition}; {self.run('document.body?.innerText')!r}"
            )
            time.sleep(0.03)
        return value

    def reload(self):
        self.run("window.isOld = true")
        self.send("Page.reload")
        self.wait("!window.isOld && document.readyState === 'complete'")

    def picture(self, path, width, height=800, *, dark=False):
        """Write what is seen to a PNG file."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))
