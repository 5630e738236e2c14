"""Where the models of these notebooks live: on a simulator that breaks on cue, or at the gateway.

With HOLYSHEEP_API_KEY set they are asked for real, at HOLYSHEEP_BASE_URL or HolySheep's own
address, which costs a little. Nobody can tell the real gateway what to say or when to break, so
the answers and faults scripted here then do not happen.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from holysheep_core import DEFAULT_BASE_URL
from holysheep_core.simulator import Fault, Scenario, Simulator

# Jupyter asks commands for colours and a moving cursor, which a saved notebook cannot show.
os.environ.update(FORCE_COLOR="", COLUMNS="120")

LIVE = bool(os.environ.get("HOLYSHEEP_API_KEY"))
PACE = {"delay": 0.02, "piece": 3}
"""Some 150 characters per second: slow enough to be seen, fast enough to wait for."""

QUESTION = "양은 하루를 어떻게 보내나요?"  # How does a sheep spend its day?
ANSWER = (
    "양은 하루에 여덟 시간쯤 풀을 뜯고, 나머지 시간에는 천천히 되새김질을 합니다.\n"
    "무리에서 떨어지면 금세 불안해하기 때문에, 늘 서로를 바라보며 함께 움직입니다."
)


class Address(dict[str, str]):
    """`base_url` and `api_key` of a model; a notebook that shows it does not show the key."""

    def __repr__(self) -> str:
        return f"Address({self['base_url']})"


def where() -> str:
    """Say who answers in this notebook."""
    if LIVE:
        return f"Live: the models are asked for real, at {_live()['base_url']}."
    return "No key is set: a simulator on this machine plays the models."


def play(text: str | None = ANSWER, *faults: Fault, **scenario: Any) -> Address:
    """Return the address of a model that says `text`, and breaks as it is told.

    With a key it is the gateway's.

    Args:
        text: What the simulated model says; None for whatever fits the request.
        faults: What goes wrong; each hits one request, in order.
        scenario: Other fields of a `Scenario`, e.g. `tool_calls`.
    """
    if not LIVE:
        return simulate(text, *faults, **scenario)
    if faults:
        print("(live: faults cannot be scripted, so this is how it goes without)")
    return _live()


def simulate(text: str | None = ANSWER, *faults: Fault, **scenario: Any) -> Address:
    """Like `play`, but on the simulator even with a key: what is shown needs the faults."""
    script = _simulator().add(Scenario(text, faults=faults, **{**PACE, **scenario}))
    return Address(base_url=script.base_url, api_key="any")


def verdict(shown: str, said: str = ANSWER) -> str:
    """Compare what a reader was shown with what the model said."""
    if LIVE:
        return f"{len(shown)} characters"
    if shown == said:
        return f"{len(shown)} of {len(said)} characters, each once, in order"
    return f"{len(shown)} of {len(said)} characters"


def _live() -> Address:
    base_url = os.environ.get("HOLYSHEEP_BASE_URL") or DEFAULT_BASE_URL
    return Address(base_url=base_url, api_key=os.environ["HOLYSHEEP_API_KEY"])


@cache
def _simulator() -> Simulator:
    return Simulator().start()  # its thread is a daemon: it ends with the notebook
