"""Two libraries of one interface are told apart by where a class comes from."""

import sys

import httpx
import pytest

from holysheep_core import ConfigurationError
from holysheep_core.transport import library as libraries
from support.libraries import load, with_both


@with_both
def test_a_client_belongs_to_its_library_and_so_does_one_below_it(library):
    net = load(library)
    own = type("OwnClient", (net.Client,), {})
    with net.Client() as client, own() as below:
        for each in (client, below):
            found = libraries.library_of(each)
            assert found.http is net
            assert found.core is load(library.replace("httpx", "httpcore"))
            assert libraries.is_one(each, "Client")
            assert not libraries.is_one(each, "AsyncClient")


def test_what_only_has_the_name_is_no_client():
    class Client:
        pass

    assert not libraries.is_one(Client(), "Client")
    assert libraries.library_of(Client()).http is httpx


@with_both
def test_the_names_of_an_exception_are_the_closest_first(library):
    error = load(library).ReadTimeout("x")
    names = list(libraries.names_of(error))
    assert names[:3] == ["ReadTimeout", "TimeoutException", "TransportError"]
    assert "Exception" not in names
    assert not libraries.is_of_core(error)
    assert libraries.is_of_core(load(library.replace("httpx", "httpcore")).ReadTimeout())


@with_both
def test_a_body_is_one_of_the_librarys_streams(library):
    class Body:
        pass

    stream = load(library).SyncByteStream
    made = libraries.body_class(Body, stream)
    assert issubclass(made, Body)
    assert isinstance(made(), stream)
    assert libraries.body_class(Body, stream) is made


def test_a_library_that_cannot_be_imported_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpcore2", None)
    libraries.library.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match="httpx2 cannot be imported: pip install"):
            libraries.library("httpx2")
    finally:
        libraries.library.cache_clear()
