"""A local OpenAI-compatible server that breaks streams on request, for demos and tests.

>>> from holysheep_core.simulator import Scenario, Simulator, cut
>>> with Simulator() as simulator:
...     script = simulator.add(Scenario(text="Hello, world!", faults=[cut(at=5)]))
...     print(script.base_url)  # the base URL for any OpenAI client
http://127.0.0.1:.../v1

`holysheep simulate` runs the same server from the command line.
"""

from holysheep_core.simulator.scenario import (
    MANNERS,
    Fault,
    Record,
    Scenario,
    Script,
    Served,
    cut,
    error_event,
    malformed,
    refuse,
    reply,
    slow,
    stall,
)
from holysheep_core.simulator.server import Simulator

__all__ = [
    "MANNERS",
    "Fault",
    "Record",
    "Scenario",
    "Script",
    "Served",
    "Simulator",
    "cut",
    "error_event",
    "malformed",
    "refuse",
    "reply",
    "slow",
    "stall",
]
