"""`holysheep rollback-drill`: no call is lost, and both times are within the limit."""

import io
import re

from rich.console import Console

from holysheep_core.cli import rollback_drill as drill
from support.cli import run


def printing():
    return Console(file=io.StringIO(), width=200)


def test_the_rollback_drill_loses_nothing_and_is_over_and_back_in_time():
    done = run("rollback-drill", "--callers", "8", "--outage", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"lost +0\b", done.stdout)
    assert "✓ passed" in done.stdout


def test_a_drill_that_loses_a_call_or_takes_too_long_fails():
    ended = [drill.Call(11.0, provider="fallback", ended=12.0)]
    ended += [drill.Call(20.0, provider="holysheep", ended=21.0)]
    assert drill.Report(ended, broke=10.0, healed=19.0).good
    lost = [*ended, drill.Call(11.0, fault="APIConnectionError")]
    assert not drill.Report(lost, broke=10.0, healed=19.0).good
    late = [ended[0], drill.Call(55.0, provider="holysheep", ended=56.0)]
    assert not drill.Report(late, broke=10.0, healed=19.0).good


def test_a_drill_shows_an_error_with_all_its_brackets():
    console = printing()
    lost = drill.Call(11.0, fault="BadRequestError: needs [tools] or [/none]")
    drill.show(drill.Report([lost], broke=10.0, healed=19.0), console)
    assert "needs [tools] or [/none]" in console.file.getvalue()
