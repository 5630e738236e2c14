"""The sync and the async driver: identical results for one list of scenarios."""

import asyncio
from dataclasses import replace

import pytest

from holysheep_core.simulator import (
    Scenario,
    cut,
    error_event,
    malformed,
    refuse,
    reply,
    slow,
    stall,
)
from support.drivers import run_async, run_sync

CALL = ("pay", '{"amount": 1000}')

SCENARIOS = {
    "no fault": Scenario(),
    "bytes split anywhere": Scenario(split=3),
    "reset before any content": Scenario(faults=[cut(0, "rst")]),
    "reset in mid-answer": Scenario(faults=[cut(20, "rst")]),
    "body not closed": Scenario(faults=[cut(20, "fin")]),
    "clean end without a finish": Scenario(faults=[cut(20, "eof")]),
    "cut after the last character": Scenario(faults=[cut(9999, "eof")]),
    "three cuts": Scenario(faults=[cut(10), cut(30, "fin"), cut(30, "eof")]),
    "cut again at the splice point": Scenario(faults=[cut(20), cut(5)], manner="restart"),
    "stall": Scenario(faults=[stall(20)]),
    "stall under keep-alive comments": Scenario(faults=[stall(20, keepalive=True)]),
    "stall before the first token": Scenario(faults=[slow(60)]),
    "error event before content": Scenario(faults=[error_event(0)]),
    "error event in mid-answer": Scenario(faults=[error_event(20)]),
    "damaged event": Scenario(faults=[malformed(20)]),
    "503 and then fine": Scenario(faults=[refuse(503)]),
    "lasting 503": Scenario(faults=[refuse(503, times=None)]),
    "500 with a page": Scenario(faults=[reply(500, "<html>", {"content-type": "text/html"})]),
    "429, short wait": Scenario(faults=[refuse(429, retry_after=0.01)]),
    "429, long wait": Scenario(faults=[refuse(429, retry_after=60)]),
    "429, no hint": Scenario(faults=[refuse(429, times=2)]),
    "lasting 429 in mid-answer": Scenario(
        faults=[cut(20), refuse(429, retry_after=90, times=None)]
    ),
    "out of quota": Scenario(faults=[refuse(429, code="insufficient_quota", times=None)]),
    "wrong key": Scenario(faults=[refuse(401, times=None)]),
    "wrong key in mid-answer": Scenario(faults=[cut(20), refuse(401, times=None)]),
    "bad request": Scenario(faults=[refuse(400, times=None)]),
    "a page with status 200": Scenario(faults=[reply(200, "<p>", {"content-type": "text/html"})]),
    "tool call cut in its arguments": Scenario(tool_calls=[CALL], faults=[cut(90)]),
    "reasoning cut": Scenario(reasoning="let me think", faults=[cut(5)]),
    "one character per connection": Scenario(faults=[cut(1, times=None)], manner="exact"),
    "no finish_reason, only [DONE]": Scenario(finish_reason=None),
    "no [DONE], only finish_reason": Scenario(done=False),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_both_drivers_give_the_same_text_requests_and_action_log(simulator, text, name):
    scenario = SCENARIOS[name]
    scenario = replace(scenario, text=text) if scenario.text is None else scenario
    sync = run_sync(simulator.add(scenario))
    assert sync == asyncio.run(run_async(simulator.add(scenario)))
    assert sync[2][-1][0] == ("StreamFailed" if sync[3] else "StreamCompleted")
    assert sync[3] or sync[0] == scenario.text
