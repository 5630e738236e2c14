"""What an error says where no connection could be made."""

import pytest

from holysheep_core import (
    APIConnectionError,
    ConnectTimeoutError,
    RateLimitError,
    ServerError,
    TLSError,
)
from holysheep_core.engine.advice import with_advice
from holysheep_core.types import Attempt


def attempts(count, **facts):
    return [Attempt(number, "one", "gpt-4.1", "request", 0.0, **facts) for number in range(count)]


@pytest.mark.parametrize("kind", [APIConnectionError, ConnectTimeoutError])
def test_the_message_says_how_often_how_long_and_what_to_check(kind):
    error = kind("No connection.")
    assert with_advice(error, attempts(3), 1.84) is error
    assert str(error).startswith(
        "No connection. Tried 3 times in 1.8 s. Check base_url, the network"
    )
    assert "Tried once in 0.0 s." in str(with_advice(kind("No connection"), attempts(1), 0.0))


def test_a_secure_connection_has_its_own_advice():
    assert "SSL_CERT_FILE" in str(with_advice(TLSError("No."), attempts(1), 0.0))


def test_one_answered_request_says_all_by_its_own_message():
    error = with_advice(ServerError("HTTP 500"), attempts(1, status_code=500), 0.0)
    assert str(error) == "HTTP 500"
    assert str(with_advice(ServerError("no request went out"), [], 0.0)) == "no request went out"


def test_several_requests_are_counted_in_any_error_and_each_route_is_named():
    tried = attempts(2, status_code=500)
    assert str(with_advice(APIConnectionError("gone"), tried, 3.04)) == (
        "gone. Tried 2 times in 3.0 s."
    )
    other = Attempt(3, "one", "gemini-2.5-flash", "request", 0.0, status_code=503)
    assert str(with_advice(ServerError("HTTP 503."), [*tried, other], 4.0)) == (
        "HTTP 503. Tried 3 times (gpt-4.1 2 times, gemini-2.5-flash once) in 4.0 s."
    )
    elsewhere = Attempt(3, "two", "gpt-4.1", "request", 0.0, status_code=503)
    assert "(one/gpt-4.1 2 times, two/gpt-4.1 once)" in str(
        with_advice(ServerError("HTTP 503"), [*tried, elsewhere], 4.0)
    )


def test_the_wait_that_the_server_asks_for_is_named():
    error = with_advice(RateLimitError("HTTP 429: no.", retry_after=61.0), attempts(1), 0.0)
    assert str(error) == "HTTP 429: no. The server asks for a wait of 61 s."
