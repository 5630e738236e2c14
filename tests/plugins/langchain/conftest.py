"""The cassette of LangChain's standard suite: recorded against the simulator, key left out."""

from pathlib import Path

import pytest
from langchain_tests.conftest import CustomPersister, CustomSerializer, base_vcr_config

# Without a mode of its own, pytest's default holds: a missing cassette fails the test, and
# `pytest --record-mode=once` records it again.
_BASE = {name: value for name, value in base_vcr_config().items() if name != "record_mode"}


@pytest.fixture(scope="session")
def vcr_config():
    # The simulator's port is another one at every run, so the address is not compared.
    return {
        **_BASE,
        "cassette_library_dir": str(Path(__file__).parent / "cassettes"),
        "match_on": ["method", "path", "body"],
        "path_transformer": lambda path: f"{path}.yaml.gz",
        "serializer": "yaml.gz",
        "before_record_request": _without_key,
    }


def _without_key(request):
    # The port and the scenario's name are this run's; the key is nobody's business.
    request.uri = "http://127.0.0.1/v1/chat/completions"
    request.headers = {"content-type": "application/json"}
    return request


def pytest_recording_configure(config, vcr):
    vcr.register_persister(CustomPersister())
    vcr.register_serializer("yaml.gz", CustomSerializer())
