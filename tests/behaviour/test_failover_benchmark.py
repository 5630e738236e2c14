"""The sixteen faults of a benchmark of failover clients: the whole text once, and who is asked.

Their times are no matter of a test; `python tests/benchmarks/failover` prints them beside those of
the benchmark's reference client.
"""

import pytest

from holysheep_core.tokens import estimate_tokens
from support.failover import CLIENTS, ROWS, TEXT, F, M, play

pytestmark = pytest.mark.real_waits
BY_NAME = {row.name: row for row in ROWS}
ONCE = [row for row in ROWS if row.asked is not None]
every_client = pytest.mark.parametrize("client", CLIENTS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "client"),
    [
        pytest.param(row, client, id=f"{row.name}-{client}")
        for row in ONCE
        for client in CLIENTS
        # The sixteen faults with every client; of the variants (S03b, …), the two that differ most.
        if row.name[3] == " " or client in list(CLIENTS)[:2]
    ],
)
def test_the_text_comes_whole_and_nobody_is_asked_in_vain(simulator, row, client):
    seen = play(simulator, row, client)
    if row.error is None:
        assert seen.whole, seen
    else:
        assert [isinstance(error, row.error) for error in seen.errors] == [True]
    assert seen.asked == list(row.asked)


@pytest.mark.slow
@every_client
@pytest.mark.parametrize("name", ["S15 down and up", "S15b outage of 60 s"])
def test_a_server_that_comes_and_goes_loses_no_call(simulator, client, name):
    row = BY_NAME[name]
    seen = play(simulator, row, client)
    assert seen.whole, seen
    assert len(seen.asked) <= 2 * row.calls
    assert F in seen.asked
    assert seen.asked.count(M) > 0


@every_client
def test_each_request_and_the_tokens_of_a_cut_answer_are_accounted_for(simulator, client):
    seen = play(simulator, BY_NAME["S16 accounting"], client)
    total, requests = seen.totals.all, seen.totals.by_model[M]
    assert (total.calls, total.completed, requests.calls) == (1, 1, len(seen.asked))
    assert total.usage.estimated  # the server said nothing of the cut one
    assert estimate_tokens(TEXT) <= total.usage.output_tokens < 1.5 * estimate_tokens(TEXT)
