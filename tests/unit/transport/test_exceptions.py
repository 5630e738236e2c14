"""What httpx's errors mean."""

import httpx
import pytest

from holysheep_core import (
    ConfigurationError,
    HolySheepError,
)
from holysheep_core.transport.exceptions import _MEANINGS, translate


def test_every_httpx_exception_has_a_meaning():
    failures = [
        value
        for value in vars(httpx).values()
        if isinstance(value, type) and issubclass(value, httpx.TransportError)
    ]
    known = tuple(kind for kind, _, _ in _MEANINGS)
    assert not [failure for failure in failures if not issubclass(failure, known)]


@pytest.mark.parametrize("kind", [kind for kind, _, _ in _MEANINGS])
def test_a_translated_error_is_ours_and_keeps_its_cause(kind):
    original = kind("because")
    error = translate(original)
    assert isinstance(error, HolySheepError)
    assert error.__cause__ is original
    assert "because" in str(error)


def test_an_address_httpx_refuses_is_a_configuration_error():
    assert isinstance(translate(httpx.UnsupportedProtocol("x")), ConfigurationError)


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ConnectTimeout])
def test_where_no_connection_is_to_be_had_is_said(kind):
    request = httpx.Request("POST", "https://me:secret@api.example:8443/v1/x?key=secret")
    said = str(translate(kind("refused", request=request)))
    assert " to https://api.example:8443: refused" in said
    assert "secret" not in said
