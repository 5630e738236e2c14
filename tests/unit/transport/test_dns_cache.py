"""Addresses that worked, by name, and for how long they are fresh."""

import socket

from holysheep_core.transport.dns_cache import AddressBook, is_name_failure


def test_an_address_is_fresh_for_its_time_and_known_for_ever():
    book = AddressBook(60.0)
    book.worked("api.test", 443, "192.0.2.1", 100.0)
    assert book.fresh("api.test", 443, 159.9) == "192.0.2.1"
    assert book.fresh("api.test", 443, 160.0) is None
    assert book.last_good("api.test", 443) == "192.0.2.1"
    assert book.last_good("api.test", 80) is None


def test_an_address_that_failed_is_not_fresh_but_still_the_last_resort():
    book = AddressBook(60.0)
    book.failed("api.test", 443)
    book.worked("api.test", 443, "192.0.2.1", 100.0)
    book.failed("api.test", 443)
    assert book.fresh("api.test", 443, 100.0) is None
    assert book.last_good("api.test", 443) == "192.0.2.1"


def test_a_ttl_of_zero_always_asks_and_addresses_are_not_remembered():
    book = AddressBook(0.0)
    book.worked("api.test", 443, "192.0.2.1", 100.0)
    book.worked("192.0.2.1", 443, "192.0.2.1", 100.0)
    assert book.fresh("api.test", 443, 100.0) is None
    assert book.last_good("192.0.2.1", 443) is None


def test_a_name_failure_is_known_by_its_cause():
    error = OSError("no connection")
    assert not is_name_failure(error)
    error.__cause__ = socket.gaierror()
    assert is_name_failure(error)
