"""What an error says where no connection could be made."""

import pytest

from holysheep_core import APIConnectionError, ConnectTimeoutError, ServerError, TLSError
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


def test_other_errors_and_calls_with_a_response_are_left_alone():
    assert str(with_advice(ServerError("HTTP 500"), attempts(1), 0.0)) == "HTTP 500"
    error = with_advice(APIConnectionError("gone"), attempts(2, status_code=500), 0.0)
    assert str(error) == "gone"
