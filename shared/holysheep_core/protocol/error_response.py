"""From a refusal's status, headers and body to one typed error.

Errors are told apart by status, `error.type` and `error.code`; the words of a message are for
the person who reads it. Gateways disagree on shapes, so all of these are read:
`{"error": {...}}`, `{"error": "text"}`, `{"message": ...}`, `{"detail": ...}`, and HTML.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from holysheep_core.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ContentPolicyError,
    ContextLengthError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from holysheep_core.protocol.rate_limit_headers import reset_wait, retry_after, wait_in_words
from holysheep_core.secrets import scrub

MAX_BODY_CHARACTERS = 2000

_BY_CODE: Mapping[str, type[APIError]] = {
    **dict.fromkeys(
        (
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "organization_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "project_spend_limit_exceeded",
            "subscription_limit_exceeded",
        ),
        QuotaExceededError,
    ),
    **dict.fromkeys(
        ("context_length_exceeded", "context_window_exceeded", "model_context_window_exceeded"),
        ContextLengthError,
    ),
    **dict.fromkeys(
        ("content_policy_violation", "content_filter", "responsible_ai_policy_violation"),
        ContentPolicyError,
    ),
    **dict.fromkeys(
        ("rate_limit_exceeded", "rate_limit_error", "throttling_error", "too_many_requests"),
        RateLimitError,
    ),
    **dict.fromkeys(
        ("overloaded_error", "overloaded", "server_overloaded", "service_unavailable"),
        OverloadedError,
    ),
    "invalid_api_key": AuthenticationError,
    "authentication_error": AuthenticationError,
    "permission_error": PermissionDeniedError,
    "model_not_found": NotFoundError,
    "not_found_error": NotFoundError,
    "invalid_request_error": BadRequestError,
}
"""What `error.code`, else `error.type`, says regardless of the status. A quota error comes as
a 429, some gateways send a rate limit as a 503: the more exact word wins."""

_BY_STATUS: Mapping[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: QuotaExceededError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: ServerError,
    409: ServerError,
    413: ContextLengthError,
    422: BadRequestError,
    425: ServerError,
    429: RateLimitError,
    503: OverloadedError,
    529: OverloadedError,
}
_FIRST_SERVER_STATUS = 500
_HTTP_REDIRECTS = range(300, 400)
_HTTP_ERRORS = range(400, 600)

_ADVICE: Mapping[type[APIError], str] = {
    AuthenticationError: "Check the API key (HOLYSHEEP_API_KEY).",
    PermissionDeniedError: "This key may not use this model or path; check the account.",
    NotFoundError: "Check the model's name, and that the base URL ends in /v1.",
    QuotaExceededError: "Top up the account, raise its limit, or use another key or provider.",
    ContextLengthError: "Shorten the prompt or use a model with a larger window.",
}


def refusal(
    status: int | None,
    headers: Mapping[str, str],
    body: bytes,
    *,
    wall: float,
    secrets: Collection[str] = (),
) -> APIError:
    """Build the error for an HTTP answer other than 200.

    Args:
        status: HTTP status; None for an error event inside a stream.
        headers: Response headers, names in lower case.
        body: What came of the body.
        wall: Unix time now, used for an HTTP-date that comes without a `Date` header.
        secrets: Texts to blank out wherever the server echoes them.
    """
    text = scrub(body.decode("utf-8", errors="replace"), secrets)
    fields = _fields(text)
    code, kind = _word(fields.get("code")), _word(fields.get("type"))
    in_band = _status_in_code(code) if status is None else status
    cls = _BY_CODE.get(code or "") or _BY_CODE.get(kind or "")
    if cls is None or (cls is BadRequestError and in_band is not None):
        # "invalid_request_error" is a family name that 401s and 404s wear too.
        cls = _class_of_status(in_band)
    where = f"HTTP {status}" if status is not None else "error in the stream"
    said = _word(fields.get("message")) or _excerpt(text)
    if status in _HTTP_REDIRECTS:
        place = scrub(headers.get("location", "an unknown place"), secrets)
        said = f"redirected to {place}; set that base URL."
    said = f"{where}: {said or 'no reason given'}"
    if advice := _ADVICE.get(cls):
        said += f"{'' if said.endswith(('.', '!', '?', '。')) else '.'} {advice}"
    return cls(
        said,
        status_code=status,
        code=code,
        type=kind,
        param=_word(fields.get("param")),
        request_id=scrub(request_id(headers) or "", secrets) or None,
        retry_after=_wait(cls, headers, fields, wall),
        body=text[:MAX_BODY_CHARACTERS],
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the id to quote to the provider's support, if the response has one."""
    for name in ("x-request-id", "request-id", "x-litellm-call-id"):
        if name in headers:
            return headers[name]
    return None


def _wait(
    cls: type[APIError], headers: Mapping[str, str], fields: Mapping[str, Any], wall: float
) -> float | None:
    """Return the seconds to wait, from the plainest place that names them.

    Windows of a limit and words are believed in a rate limit only: servers send the first with
    every response.
    """
    asked = retry_after(headers, wall=wall)
    if asked is not None or cls is not RateLimitError:
        return asked
    inner = fields.get("metadata")
    inner = inner.get("headers") if isinstance(inner, dict) else None  # as OpenRouter nests them
    nested = {str(k).lower(): str(v) for k, v in inner.items()} if isinstance(inner, dict) else {}
    said = _word(fields.get("retry_after")) or nested.get("retry-after")
    given = {**nested, **headers} if said is None else {"retry-after": said}
    waits = (
        retry_after(given, wall=wall),
        # Words ask for this wait; a window only says when all of its allowance is back.
        wait_in_words(_word(fields.get("message")) or ""),
        reset_wait(given, wall=wall),
    )
    return next((wait for wait in waits if wait is not None), None)


def _class_of_status(status: int | None) -> type[APIError]:
    if status is None:
        return ServerError
    if status >= _FIRST_SERVER_STATUS:
        return _BY_STATUS.get(status, ServerError)
    return _BY_STATUS.get(status, APIError)


def _fields(text: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
    if isinstance(value, dict):
        inner = value.get("error", value)
        if isinstance(inner, dict):
            return {"message": inner.get("detail"), **inner}
        return {**value, "message": inner}
    return {}


def _word(value: object) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else str(value)


def _status_in_code(code: str | None) -> int | None:
    digits = 3  # more is no status, and `int` refuses very long numbers
    if code is None or len(code) != digits or not (code.isascii() and code.isdecimal()):
        return None
    return int(code) if int(code) in _HTTP_ERRORS else None


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    if text.startswith("<"):
        return "an HTML page instead of JSON; is the base URL right?"
    limit = 200
    return text if len(text) <= limit else f"{text[:limit]}…"
