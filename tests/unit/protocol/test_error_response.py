"""One typed error per refusal, told apart by status, type and code, with no secret in it."""

import json
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core import errors
from holysheep_core.config.retry import RETRYABLE_STATUS_CODES, RetryConfig
from holysheep_core.engine.rules import rule_for
from holysheep_core.protocol import error_response as refusal
from holysheep_core.protocol.error_codes import CODES
from holysheep_core.protocol.rate_limit_headers import retry_after

STATUSES = {
    errors.BadRequestError: [400, 422],
    errors.AuthenticationError: [401],
    errors.QuotaExceededError: [402],
    errors.PermissionDeniedError: [403],
    errors.NotFoundError: [404, 410],
    errors.ContextLengthError: [413],
    errors.RateLimitError: [429],
    errors.OverloadedError: [503, 529],
    errors.ServerError: [408, 409, 424, 425, 499, 500, 501, 502, 504, 520, 524, 530, 599],
    errors.APIError: [301, 302, 307, 308, 405, 406, 418, 451],
}
FAMILY = "invalid_request_error"
WEAK = (errors.BadRequestError, errors.ServerError)
EXACT = [(cls, name) for cls, names in CODES.items() for name in names.split() if cls not in WEAK]
DATE, NOON = "Wed, 21 Oct 2026 12:00:00 GMT", 1792584000.0


def refused(status=500, error=None, *, headers=None, body=None, secrets=()):
    body = json.dumps({"error": error}).encode() if body is None else body
    return refusal.refusal(status, headers or {}, body, wall=NOON, secrets=secrets)


@pytest.mark.parametrize(("cls", "status"), [(c, s) for c, all_ in STATUSES.items() for s in all_])
def test_a_status_alone_names_its_class(cls, status):
    error = refused(status, {"message": "no"})
    assert (type(error), error.status_code) == (cls, status)


def test_every_status_the_module_knows_is_in_this_table():
    assert set(refusal._BY_STATUS) <= {status for all_ in STATUSES.values() for status in all_}


@pytest.mark.parametrize("status", range(400, 600))
def test_what_a_status_alone_says_and_what_is_tried_again_by_default_agree(status):
    transient = isinstance(
        refused(status, {"message": "no"}),
        (errors.ServerError, errors.RateLimitError, errors.OverloadedError),
    )
    assert (status in RETRYABLE_STATUS_CODES) == (transient and status not in (501, 505))
    assert rule_for(refused(status, {"message": "no"}), RetryConfig()).again == (
        0 if status not in RETRYABLE_STATUS_CODES else 1 if status in (429, 503, 529) else 2
    )


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
        ([{"error": {"message": "no sheep", "code": 7}}], "no sheep"),
        ([{"error": "no sheep"}], "no sheep"),
        ({"type": "error", "error": {"type": "t", "message": "no sheep"}}, "no sheep"),
        ({"code": 7, "msg": "no sheep", "success": False}, "no sheep"),
        ({"errors": [{"message": "no sheep", "code": 7}], "success": False}, "no sheep"),
        ({"errors": ["no sheep"]}, "no sheep"),
        ({"detail": {"error": "no sheep"}}, "no sheep"),
        ({"detail": [{"loc": ["body", "model"], "msg": "no sheep"}]}, "body.model: no sheep"),
        ({"detail": [{"msg": "no sheep"}, {"msg": "no goat"}]}, "no sheep; no goat"),
        ({"object": "error", "message": {"detail": [{"msg": "no sheep"}]}}, "no sheep"),
        ({"error": {"error": {"message": "no sheep"}}, "message": "upstream"}, "no sheep"),
        ({"error": "Teapot", "message": "no sheep", "statusCode": 418}, "no sheep"),
        ({"base_resp": {"status_code": 7, "status_msg": "no sheep"}}, "no sheep"),
        ({"__type": "com.amazon#Sheep", "message": "no sheep"}, "no sheep"),
        ({"Error": {"Code": "Sheep", "Message": "no sheep"}}, "no sheep"),
        ({"response": {"error": {"message": "no sheep"}}, "type": "response.failed"}, "no sheep"),
        (["no sheep"], "no sheep"),
        ({}, "{}"),
        ("no sheep", "no sheep"),
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
        (b"<html><body>502</body></html>", "an HTML page instead of JSON"),
        (b"\n<!DOCTYPE html>", "an HTML page instead of JSON"),
        (
            b"<html><head><title>up.example | 524: A timeout\n occurred</title></head>secret page",
            'an HTML page instead of JSON, titled "up.example | 524: A timeout occurred"',
        ),
        (b"<html><h1>Bad &amp; gone</h1>", 'an HTML page instead of JSON, titled "Bad & gone"'),
        (
            b"<Error><Message>no sheep</Message></Error>",
            'an HTML page instead of JSON, titled "no sheep"',
        ),
        (b'event: error\ndata: {"error": {"message": "no sheep"}}\n\n', "no sheep"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'{"error": {"mess', '{"error": {"mess'),
        (b"[" * 100_000, "[" * 200 + "…"),
    ],
)
def test_a_body_that_is_no_json_still_gives_a_readable_message(body, message):
    assert str(refused(502, body=body)) == f"HTTP 502: {message}"


def test_a_page_where_no_server_error_is_told_doubts_the_base_url():
    said = "an HTML page instead of JSON; is the base URL right?"
    assert str(refused(418, body=b"<html>")) == f"HTTP 418: {said}"
    assert "base URL" not in str(refused(None, body=b"<html>"))


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


@pytest.mark.parametrize(
    ("body", "cls"),
    [
        ({"type": "error", "error": {"type": "overloaded_error"}}, errors.OverloadedError),
        ({"type": "error", "error": {"type": "api_error", "message": "no"}}, errors.ServerError),
        ([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}], errors.RateLimitError),
        ({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, errors.BadRequestError),
        ({"error": {"code": 503, "status": "UNAVAILABLE"}}, errors.OverloadedError),
        ({"object": "error", "message": "no", "code": 400}, errors.BadRequestError),
        ({"object": "error", "message": "no", "type": "NotFoundError"}, errors.NotFoundError),
        ({"detail": "Too Many Requests"}, errors.RateLimitError),
        ({"message": "no", "status": 402}, errors.QuotaExceededError),
        ({"message": "no", "statusCode": 429}, errors.RateLimitError),
        ({"code": 50001, "msg": "余额不足", "success": False}, errors.QuotaExceededError),
        ({"__type": "com.amazon#ThrottlingException"}, errors.RateLimitError),
        ("status_code=429, slow down", errors.RateLimitError),
        ("Error code: 402 - no", errors.QuotaExceededError),
        ("503 Service Unavailable", errors.OverloadedError),
        ("no", errors.ServerError),
        ({}, errors.ServerError),
        ([], errors.ServerError),
    ],
)
def test_an_error_that_came_with_a_200_is_classified_in_every_shape(body, cls):
    body = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    error = refused(None, body=body)
    assert (type(error), error.status_code) == (cls, None)


@pytest.mark.parametrize(
    ("status", "error", "cls"),
    [
        (500, {"code": 429, "message": "no"}, errors.RateLimitError),
        (502, {"code": "402", "message": "no"}, errors.QuotaExceededError),
        (500, {"code": 400, "message": "no"}, errors.ServerError),
        (400, {"code": 429, "message": "no"}, errors.BadRequestError),
        (429, {"code": "rate_limit_exceeded", "message": "余额不足"}, errors.QuotaExceededError),
        (
            400,
            {"metadata": {"raw": "prompt is too long"}, "message": "Provider returned error"},
            errors.ContextLengthError,
        ),
        (429, {"message": "Quota exceeded"}, errors.QuotaExceededError),
        (429, {"message": "Quota exceeded", "retry_after": 3}, errors.RateLimitError),
    ],
)
def test_what_a_gateway_passes_on_from_behind_it_is_read(status, error, cls):
    assert type(refused(status, error)) is cls


@pytest.mark.parametrize(
    ("said", "cls"),
    [
        ("Allocated quota exceeded, please increase your quota limit.", errors.RateLimitError),
        ("Free allocated quota exceeded.", errors.QuotaExceededError),
        ("You exceeded your current quota.", errors.QuotaExceededError),
    ],
)
def test_qwens_code_for_an_empty_account_is_also_its_code_for_tokens_a_minute(said, cls):
    error = {"code": "insufficient_quota", "type": "insufficient_quota", "message": said}
    assert type(refused(429, error)) is cls
    assert type(refused(None, error)) is cls


def test_amazons_header_names_the_class():
    headers = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/"}
    assert type(refused(400, body=b"{}", headers=headers)) is errors.RateLimitError


def test_a_wait_that_a_header_names_makes_a_quota_a_rate():
    headers = {"retry-after": "3"}
    assert type(refused(429, {"message": "Quota exceeded"}, headers=headers)) is (
        errors.RateLimitError
    )


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("False ", False), ("maybe", None)])
def test_what_a_server_says_of_another_try_is_kept(said, meant):
    headers = {"x-should-retry": said}
    assert refused(500, {}, headers=headers).should_retry is meant
    assert refused(None, {}, headers=headers).should_retry is None, "that is the 200's"


def test_no_word_of_a_server_writes_lines_or_moves_a_cursor():
    said = "a\r\nb\x1b[31m\x00c\u202ed\u2028e\x1b]0;title\x07"
    error = refused(
        418,
        {"message": said, "code": said, "type": said, "param": said},
        headers={"x-request-id": "a\x1b[0mb"},
    )
    assert str(error) == "HTTP 418: a bcd e"
    assert (error.code, error.type, error.param) == ("a bcd e",) * 3
    assert error.request_id == "ab"
    assert len(str(refused(418, {"message": "x" * 5000}))) < 1100
    assert len(refused(418, {"code": "x" * 5000}).code) < 210


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
        (
            {},
            b'{"error": {"message": "bad key sk-a/b+c4", "param": "sk-a/b+c4", "code": "sk-a/b+c4"}}',
        ),
        ({}, b'{"error": {"message": "bad key sk-a\\/b+c4"}}'),
        ({}, b"Bearer sk-a/b+c4 is wrong"),
        ({}, b"<html>sk-a/b+c4"),
        ({}, b"x" * 1995 + b"sk-a/b+c4"),
        ({"location": "https://other.example/?key=sk-a/b+c4"}, b""),
        ({"x-request-id": "sk-a/b+c4"}, b""),
    ],
)
def test_a_key_that_the_server_echoes_is_in_no_part_of_the_error(headers, body):
    error = refused(302 if headers else 401, body=body, headers=headers, secrets=["sk-a/b+c4", ""])
    assert "k-a/b+c4" not in f"{error} {vars(error)}".replace("\\", "")
