"""What a delta of a long answer costs LlamaIndex, beside one of a short answer.

Every response carries the whole text so far, so a naive way costs the square of the length.
The answers are streamed over a real socket; short and long ones take turns, and the figure is
the median of the rounds' ratios of CPU time per delta, reader and server together.

    python tests/benchmarks/long_answers.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time

from holysheep_core.simulator import Scenario, Simulator
from llamaindex_holysheep import HolySheep

SHORT, LONG = 200, 20_000


def per_delta(llm: HolySheep, deltas: int) -> float:
    """Stream an answer and return the seconds a delta took."""
    started, seen = time.process_time(), 0
    for response in llm.stream_complete("go"):
        seen += bool(response.delta)
    assert seen == deltas, seen
    return (time.process_time() - started) / deltas


def main() -> None:
    """Print the ratio for English and for Korean, whose strings take twice the memory."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with Simulator() as simulator:
        for word in ("wool ", "양 세 마리 "):
            llms = {}
            for deltas in (SHORT, LONG):
                scenario = Scenario(text=word * deltas, piece=len(word))
                url = simulator.add(scenario).base_url
                llms[deltas] = HolySheep(model="gpt-4.1", api_key="made-up", api_base=url)
            ratios = []
            for _ in range(rounds):
                # as many short answers as make one long one, so that both are measured alike
                short = statistics.median(per_delta(llms[SHORT], SHORT) for _ in range(20))
                ratios.append(per_delta(llms[LONG], LONG) / short)
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            print(f"{word!r}: {statistics.median(ratios):.2f} times ({spread})")


if __name__ == "__main__":
    main()
