"""The event log that reports and the live view are made of."""

import pytest

from support.event_logs import write_log


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "calls.db"
    write_log(path)
    return path
