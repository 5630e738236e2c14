"""The selection of a request's fault."""

from holysheep_core.simulator import (
    refuse,
)
from support.posting import post


def test_faults_are_dealt_out_one_a_request_and_by_model(play):
    script = play(faults=[refuse(503, times=2, model="gpt-4.1"), refuse(500)])
    models = ["gpt-4.1", "other", "gpt-4.1", "gpt-4.1"]
    assert [post(script, model=model).status_code for model in models] == [503, 500, 503, 200]
