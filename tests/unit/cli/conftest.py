"""The event log of the tests of reports and of the live view."""

import pytest

from support.event_logs import write_log


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "calls.db"
    write_log(path)
    return path
