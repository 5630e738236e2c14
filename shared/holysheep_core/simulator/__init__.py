"""A local OpenAI-compatible server that breaks streams as told, for demos, tests and your own app.

>>> from holysheep_core.simulator import Scenario, Simulator, cut
>>> with Simulator() as simulator:
...     script = simulator.add(Scenario(text="Hello, world!", faults=[cut(at=5)]))
...     print(script.base_url)  # point any OpenAI client here

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
