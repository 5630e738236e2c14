"""Runs many small programs, each in a process of its own, without each importing the frameworks.

A process that has imported them forks for every program: that takes milliseconds, an interpreter
with both frameworks takes two seconds.

    python programs.py   # reads programs, a line of JSON each, and answers with a line each
"""

import atexit
import gc
import json
import linecache
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60
IMPORTED = (
    "fastapi",
    "holysheep_core",
    "langchain_core.output_parsers",
    "langchain_core.prompts",
    "langchain_holysheep",
    "llama_index.core.llms",
    "llamaindex_holysheep",
)


@dataclass(frozen=True)
class Ended:
    """`code` is 0 for success, and `output` both streams together."""

    code: int
    output: str


class Programs:
    """The process that forks; `run` is for one thread at a time."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, blocks: list[tuple[str, str]], cwd: Path, env: dict[str, str]) -> Ended:
        """Run pieces of code as one program, in a folder.

        Args:
            blocks: (name for tracebacks, code), in order; they share their names.
            cwd: Where it runs.
            env: Variables that it has besides those of this process.
        """
        print(json.dumps([blocks, str(cwd), env]), file=self._server.stdin, flush=True)
        return Ended(*json.loads(self._server.stdout.readline()))

    def stop(self) -> None:
        """End the process."""
        self._server.communicate()


def serve() -> None:
    """Run the programs that come on stdin."""
    for module in IMPORTED:
        __import__(module)
    gc.freeze()  # nobody looks again for garbage in what was imported
    for line in sys.stdin:
        blocks, cwd, env = json.loads(line)
        with tempfile.TemporaryFile("w+", errors="replace") as output:
            child = os.fork()
            if not child:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                leave(run(blocks, cwd, env))
            _, status = os.waitpid(child, 0)
            output.seek(0)
            sys.stdout.write(json.dumps([os.waitstatus_to_exitcode(status), output.read()]) + "\n")
            sys.stdout.flush()


def run(blocks: list[tuple[str, str]], cwd: str, env: dict[str, str]) -> int:
    """Be the program; return its exit code."""
    signal.alarm(SECONDS)
    os.chdir(cwd)
    os.environ.update(env)
    sys.path.insert(0, cwd)
    names = {"__name__": "__main__"}
    try:
        for name, code in blocks:
            linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
            exec(compile(code, name, "exec"), names)
    except Exception:  # noqa: BLE001 - whatever a page's code raises
        traceback.print_exc()  # unlike the interpreter's own, with the lines of the code
        return 1
    return 0


def leave(code: int) -> None:
    """End as an interpreter does, but for the modules, whose end takes longer than the program."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
