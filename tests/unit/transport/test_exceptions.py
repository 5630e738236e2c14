"""What the errors of httpx and httpx2 mean."""

import zlib

import httpx
import pytest

from holysheep_core import (
    ConfigurationError,
    StreamCutError,
)
from holysheep_core.transport.exceptions import _MEANINGS, translate
from support.libraries import load, with_both


@with_both
def test_every_exception_of_the_library_has_a_meaning(library):
    module = load(library)
    failures = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, module.TransportError)
    ]
    assert len(failures) > 10
    for kind in failures:
        error = translate(kind("because"))
        assert "unexpected" not in str(error)
        like = getattr(httpx, kind.__name__, httpx.TransportError)
        assert type(error) is type(translate(like("because")))


@with_both
@pytest.mark.parametrize("name", _MEANINGS)
def test_a_translated_error_is_ours_and_keeps_its_cause(library, name):
    original = getattr(load(library), name)("because")
    error = translate(original)
    assert type(error) is _MEANINGS[name][0]
    assert error.__cause__ is original
    assert str(error) == f"{_MEANINGS[name][1]}: because"


@with_both
@pytest.mark.parametrize("name", ["ReadTimeout", "ReadError", "ConnectError", "WriteError"])
def test_what_lies_below_the_library_is_known_by_the_same_names(library, name):
    below = load(library.replace("httpx", "httpcore"))
    assert type(translate(getattr(below, name)("x"))) is _MEANINGS[name][0]


def test_a_damaged_body_is_a_cut_and_a_package_that_is_missing_is_not():
    assert isinstance(translate(zlib.error("x")), StreamCutError)
    assert isinstance(translate(ModuleNotFoundError("x")), ConfigurationError)


def test_a_class_of_a_known_name_from_elsewhere_is_not_known():
    class ReadTimeout(Exception):  # noqa: N818 - the name is the thing tested
        pass

    assert "unexpected" in str(translate(ReadTimeout("x")))


@with_both
def test_a_class_below_one_of_the_librarys_is_known_by_it(library):
    own = type("OwnTimeout", (load(library).ReadTimeout,), {})
    assert type(translate(own("x"))) is _MEANINGS["ReadTimeout"][0]


def test_an_address_httpx_refuses_is_a_configuration_error():
    assert isinstance(translate(httpx.UnsupportedProtocol("x")), ConfigurationError)


@with_both
@pytest.mark.parametrize("name", ["ConnectError", "ConnectTimeout"])
def test_where_no_connection_is_to_be_had_is_said(library, name):
    module = load(library)
    headers = {"authorization": "Bearer secret"}
    url = "https://me:secret@api.example:8443/v1/x?key=secret"
    request = module.Request("POST", url, headers=headers)
    said = str(translate(getattr(module, name)("refused", request=request)))
    assert "authorization" not in request.headers
    assert " to https://api.example:8443: refused" in said
    assert "secret" not in said


def test_what_a_server_wrote_into_a_line_that_cannot_be_read_is_one_line_without_a_key():
    request = httpx.Request(
        "GET", "https://one.test", headers={"authorization": "Bearer sk-0123456"}
    )
    said = "illegal status line: b'HTTP/9 sk-0123456\x1b[2J'\nINFO forged"
    error = translate(httpx.RemoteProtocolError(said, request=request), reading=True)
    assert str(error).endswith("illegal status line: b'HTTP/9 ***' INFO forged")
    assert len(str(translate(httpx.ReadError("x" * 5000)))) < 1100
