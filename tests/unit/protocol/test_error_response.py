"""One typed error per refusal, told apart by status, type and code, with no secret in it."""

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core import errors
from holysheep_core.protocol import error_response as refusal
from holysheep_core.protocol.rate_limit_headers import retry_after

STATUSES = {
    errors.BadRequestError: [400, 422],
    errors.AuthenticationError: [401],
    errors.QuotaExceededError: [402],
    errors.PermissionDeniedError: [403],
    errors.NotFoundError: [404],
    errors.ContextLengthError: [413],
    errors.RateLimitError: [429],
    errors.OverloadedError: [503, 529],
    errors.ServerError: [408, 409, 425, 500, 501, 502, 504, 520, 599],
    errors.APIError: [301, 302, 307, 308, 405, 406, 410, 418, 451],
}
CODES = {
    errors.QuotaExceededError: [
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_hard_limit_reached",
        "organization_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "project_spend_limit_exceeded",
        "subscription_limit_exceeded",
    ],
    errors.ContextLengthError: [
        "context_length_exceeded",
        "context_window_exceeded",
        "model_context_window_exceeded",
    ],
    errors.ContentPolicyError: [
        "content_policy_violation",
        "content_filter",
        "responsible_ai_policy_violation",
    ],
    errors.RateLimitError: [
        "rate_limit_exceeded",
        "rate_limit_error",
        "throttling_error",
        "too_many_requests",
    ],
    errors.OverloadedError: [
        "overloaded_error",
        "overloaded",
        "server_overloaded",
        "service_unavailable",
    ],
    errors.AuthenticationError: ["invalid_api_key", "authentication_error"],
    errors.PermissionDeniedError: ["permission_error"],
    errors.NotFoundError: ["model_not_found", "not_found_error"],
    errors.BadRequestError: ["invalid_request_error"],
}
FAMILY = "invalid_request_error"
EXACT = [(cls, word) for cls, words in CODES.items() for word in words if word != FAMILY]
DATE, NOON = "Wed, 21 Oct 2026 12:00:00 GMT", 1792584000.0


def refused(status=500, error=None, *, headers=None, body=None, secrets=()):
    body = json.dumps({"error": error}).encode() if body is None else body
    return refusal.refusal(status, headers or {}, body, wall=NOON, secrets=secrets)


@pytest.mark.parametrize(("cls", "status"), [(c, s) for c, all_ in STATUSES.items() for s in all_])
def test_a_status_alone_names_its_class(cls, status):
    error = refused(status, {"message": "no"})
    assert (type(error), error.status_code) == (cls, status)


def test_every_status_and_word_the_room_knows_is_in_these_tables():
    assert set(refusal._BY_STATUS) <= {status for all_ in STATUSES.values() for status in all_}
    assert set(refusal._BY_CODE) == {word for words in CODES.values() for word in words}


@pytest.mark.parametrize("status", [400, 429, 500, 503, None])
@pytest.mark.parametrize(("cls", "word"), EXACT)
def test_an_exact_code_or_type_wins_over_the_status(cls, word, status):
    assert type(refused(status, {"code": word, "type": "other"})) is cls
    assert type(refused(status, {"type": word, "code": None})) is cls
    assert type(refused(status, {"type": word, "code": "429"})) is cls


def test_the_code_wins_over_the_type():
    error = {"code": "insufficient_quota", "type": "rate_limit_error"}
    assert type(refused(429, error)) is errors.QuotaExceededError


@pytest.mark.parametrize(("cls", "status"), [(c, s) for c, all_ in STATUSES.items() for s in all_])
def test_the_family_name_invalid_request_error_leaves_the_class_to_the_status(cls, status):
    assert type(refused(status, {"type": "invalid_request_error", "code": None})) is cls


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no sheep", "type": "t", "code": "c", "param": "p"}}, "no sheep"),
        ({"error": {"detail": "no sheep"}}, "no sheep"),
        ({"error": "no sheep"}, "no sheep"),
        ({"error": "no sheep", "code": 7}, "no sheep"),
        ({"message": "no sheep"}, "no sheep"),
        ({"detail": "no sheep"}, "no sheep"),
        ({"object": "error", "message": "no sheep", "code": 40301}, "no sheep"),
        (["no sheep"], '["no sheep"]'),
        ({}, "{}"),
        ("no sheep", '"no sheep"'),
    ],
)
def test_the_reason_is_found_in_every_shape_of_body(body, message):
    error = refused(418, body=json.dumps(body).encode())
    assert str(error) == f"HTTP 418: {message}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no reason given"),
        (b"   ", "no reason given"),
        (b"upstream\n\n  gone", "upstream gone"),
        (b"<html><body>502</body></html>", "an HTML page instead of JSON; is the base URL right?"),
        (b"\n<!DOCTYPE html>", "an HTML page instead of JSON; is the base URL right?"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'{"error": {"mess', '{"error": {"mess'),
        (b"[" * 100_000, "[" * 200 + "…"),
    ],
)
def test_a_body_that_is_no_json_still_gives_a_readable_message(body, message):
    assert str(refused(502, body=body)) == f"HTTP 502: {message}"


@pytest.mark.parametrize("message", ["bad key", "bad key."])
def test_the_servers_sentence_ends_before_our_advice_begins(message):
    said = str(refused(401, body=json.dumps({"error": {"message": message}}).encode()))
    assert said == "HTTP 401: bad key. Check the API key (HOLYSHEEP_API_KEY)."


def test_all_fields_of_the_error_are_kept():
    sent = {"message": "no", "type": "t", "code": 7, "param": "messages"}
    error = refused(418, sent, headers={"x-request-id": "r", "retry-after": "3"})
    assert (error.status_code, error.code, error.type, error.param) == (418, "7", "t", "messages")
    assert (error.request_id, error.retry_after) == ("r", 3.0)
    assert json.loads(error.body) == {"error": sent}


@pytest.mark.parametrize("size", [1999, 2000, 2001, 100_000])
def test_a_huge_body_is_kept_to_2000_characters(size):
    assert len(refused(500, body="양".encode() * size).body) == min(size, 2000)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_says_where_to(status):
    error = refused(status, body=b"", headers={"location": "https://other.example/v1"})
    assert "redirected to https://other.example/v1; set that base URL" in str(error)
    assert "an unknown place" in str(refused(status, body=b""))


@pytest.mark.parametrize(
    ("error", "cls"),
    [
        ({"code": 429}, errors.RateLimitError),
        ({"code": "429", "type": "None"}, errors.RateLimitError),
        ({"code": 503}, errors.OverloadedError),
        ({"code": 500}, errors.ServerError),
        ({"code": 401, "type": "invalid_request_error"}, errors.AuthenticationError),
        ({"type": "invalid_request_error"}, errors.BadRequestError),
        ({"code": 7}, errors.ServerError),
        ({"code": 200}, errors.ServerError),
        ({"code": "4290"}, errors.ServerError),
        ({"code": "9" * 10_000}, errors.ServerError),
        ({"code": "²"}, errors.ServerError),
        ({"code": True}, errors.ServerError),
        ({"code": {"a": 1}}, errors.ServerError),
        ("boom", errors.ServerError),
    ],
)
def test_an_error_in_the_stream_is_told_by_its_words_and_its_numeric_code(error, cls):
    got = refused(None, error)
    assert (type(got), got.status_code) == (cls, None)
    assert str(got).startswith("error in the stream: ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.none() | st.sampled_from([301, 400, 429, 500]), JSON, JSON, JSON)
def test_any_json_gives_an_error_and_raises_nothing(status, code, kind, message):
    error = refused(status, {"code": code, "type": kind, "message": message})
    assert isinstance(error, errors.APIError)


@given(st.binary())
def test_any_bytes_give_an_error_and_raise_nothing(body):
    assert isinstance(refused(500, body=body), errors.ServerError)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "-1", "retry-after": "9"}, 9.0),
        ({"llm_provider-retry-after": "4"}, 4.0),
        ({"llm_provider-retry-after-ms": "40"}, 0.04),
        ({"retry-after": "1", "llm_provider-retry-after": "4"}, 1.0),
        ({"retry-after": "soon", "llm_provider-retry-after": "4"}, 4.0),
        *(
            ({"retry-after": bad}, None)
            for bad in ("-1", "nan", "inf", "-inf", "1e999", "", "soon")
        ),
        *(({"retry-after-ms": bad}, None) for bad in ("-1", "nan", "inf", "", "1s")),
        ({"retry-after": "Wed, 21 Oct 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Wednesday, 21-Oct-26 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 12:00:30 GMT", "date": DATE}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 11:00:30 GMT", "date": DATE}, 0.0),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 09:00:30 GMT",
                "date": "Wed, 21 Oct 2026 09:00:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "Wed, 21 Oct 2026 12:00:30 GMT", "date": "today"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2020 12:00:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 99 Oct 2026 12:00:00 GMT"}, None),
    ],
)
def test_retry_after_is_read_in_every_form_servers_send(headers, seconds):
    assert retry_after(headers, wall=NOON) == seconds
    assert refused(429, {}, headers=headers).retry_after == seconds


@pytest.fixture
def move_to(monkeypatch):
    def move_to(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move_to
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul"])
def test_a_date_in_cs_own_format_is_gmt_wherever_this_machine_is(zone, move_to):
    # RFC 9110, section 5.6.7: a recipient must accept it, and it is in GMT.
    move_to(zone)
    assert retry_after({"retry-after": "Wed Oct 21 12:00:30 2026"}, wall=NOON) == 30.0


@given(st.text() | st.from_regex(r"\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ \w+"), st.text())
def test_no_header_raises_or_gives_a_wait_that_is_no_number(value, date):
    seconds = retry_after({"retry-after": value, "date": date}, wall=NOON)
    assert seconds is None or 0 <= seconds < math.inf


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "x-litellm-call-id"])
def test_the_request_id_is_found_under_every_name(name):
    assert refused(500, {}, headers={name: "r-1"}).request_id == "r-1"
    assert refused(500, {}).request_id is None


def test_the_servers_own_request_id_comes_first():
    assert refusal.request_id({"x-litellm-call-id": "b", "x-request-id": "a"}) == "a"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b'{"error": {"message": "bad key sk-a/b", "param": "sk-a/b", "code": "sk-a/b"}}'),
        ({}, b'{"error": {"message": "bad key sk-a\\/b"}}'),
        ({}, b"Bearer sk-a/b is wrong"),
        ({}, b"<html>sk-a/b"),
        ({}, b"x" * 1995 + b"sk-a/b"),
        ({"location": "https://other.example/?key=sk-a/b"}, b""),
        ({"x-request-id": "sk-a/b"}, b""),
    ],
)
def test_a_key_that_the_server_echoes_is_in_no_part_of_the_error(headers, body):
    error = refused(302 if headers else 401, body=body, headers=headers, secrets=["sk-a/b", ""])
    assert "k-a/b" not in f"{error} {vars(error)}".replace("\\", "")
