"""Where a response ends, wherever reads split it, and whether anything lies behind."""

import pytest

from holysheep_core.transport.message_watch import MessageWatch

POST = b"POST /v1 HTTP/1.1\r\nhost: x\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
MEASURED = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
HINTED = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + MEASURED


def watched(request, *pieces):
    watch = MessageWatch()
    watch.sent(request)
    for piece in pieces:
        watch.received(piece)
    return watch


@pytest.mark.parametrize("response", [CHUNKED, MEASURED, EMPTY, HINTED])
def test_a_response_has_an_end_and_what_follows_is_surplus_wherever_reads_split_it(response):
    for at in range(1, len(response)):
        watch = watched(POST, response[:at], response[at:])
        assert watch.is_idle
        assert watch.has_head
        assert not watch.surplus
        assert watched(POST, response[:at], response[at:] + b"x").surplus
        assert watched(POST, response[:at], response[at:], b"x").surplus
        assert not watched(POST, response[:at]).is_idle


def test_each_request_has_a_response_of_its_own():
    watch = watched(POST, MEASURED)
    watch.sent(POST)
    assert not watch.has_head
    watch.sent(b"more of its body")
    watch.received(CHUNKED)
    assert watch.is_idle
    assert not watch.surplus


def test_a_response_to_head_has_no_body():
    assert not watched(b"HEAD / HTTP/1.1\r\n\r\n", MEASURED[:-3]).surplus
    assert watched(b"HEAD / HTTP/1.1\r\n\r\n", MEASURED).surplus


def test_a_body_without_a_length_ends_with_the_connection():
    endless = b"HTTP/1.1 200 OK\r\n\r\nabc"
    assert not watched(POST, endless).is_idle
    watch = watched(POST, endless, b"more", b"")
    assert watch.is_idle
    assert not watch.surplus


@pytest.mark.parametrize("response", [b"\0\xff" * 40, b"SSH-2.0\r\n\r\n"])
def test_what_is_no_http_is_httpcores_to_refuse(response):
    assert not watched(POST, response).has_head


@pytest.mark.parametrize("first", [b"\x05\x01\x00", b"CONNECT x:443 HTTP/1.1\r\n\r\n", b""])
def test_words_to_a_proxy_are_no_request(first):
    assert watched(first).is_idle
