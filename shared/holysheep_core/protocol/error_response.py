"""From a refusal's status, headers and body, or an error inside a stream, to one typed error.

The class follows from the most exact thing that is said: a code or a type (`error_codes`), words
that have one meaning only (`error_words`), the status. Shapes of bodies are read by `error_body`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from holysheep_core.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ContextLengthError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from holysheep_core.protocol.error_body import ErrorBody, read_error
from holysheep_core.protocol.error_codes import class_of_code
from holysheep_core.protocol.error_words import class_of_words, is_allocated
from holysheep_core.protocol.rate_limit_headers import (
    reset_wait,
    retry_after,
    should_retry,
    wait_in_body,
    wait_in_words,
)
from holysheep_core.secrets import Secrets, redact, redact_line

MAX_NAME = 200
"""Characters that are kept of a code, a type, an id."""

_BY_STATUS: Mapping[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: QuotaExceededError,
    403: PermissionDeniedError,
    404: NotFoundError,
    410: NotFoundError,
    408: ServerError,
    409: ServerError,
    413: ContextLengthError,
    422: BadRequestError,
    424: ServerError,
    425: ServerError,
    429: RateLimitError,
    499: ServerError,
    503: OverloadedError,
    529: OverloadedError,
}
_FIRST_SERVER_STATUS = 500
_HTTP_REDIRECTS = range(300, 400)
_MONEY_OR_RATE = (402, 429)
_WRONG_PLACE = {*range(400, 500)} - {408, 413, 429, 499}
_FAMILY_NAMES = (BadRequestError, ServerError)
"""Classes whose names servers give to all errors: "invalid_request_error" is what 401s and 404s
are called too. The status is more exact."""

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
    secrets: Secrets = (),
) -> APIError:
    """Build the error for an HTTP answer other than 200, or for an error inside a stream.

    Args:
        status: HTTP status; None for an error that came with a 200, whether in an event, in a
            whole JSON answer, or as text. Then code, type, the status that the body names, and
            words decide.
        headers: Response headers, names in lower case.
        body: What came of the body; of an event, its data. See `error_body` for the shapes.
        wall: Unix time now, used for an HTTP-date that comes without a `Date` header.
        secrets: Texts to blank out wherever the server echoes them.
    """
    text = body.decode("utf-8", errors="replace")
    said = read_error(text)
    waits = wait_in_body(said.fields, text)
    asked = retry_after(headers, wall=wall)
    cls = _class(status, headers, said, waits=waits is not None or asked is not None)

    def line(value: str | None, limit: int = MAX_NAME) -> str | None:
        return None if value is None else redact_line(value, secrets, limit=limit) or None

    return cls(
        _message(cls, status, headers, said, secrets),
        status_code=status,
        code=line(said.code),
        type=line(said.type),
        param=line(said.param),
        request_id=request_id(headers, secrets),
        retry_after=_wait(cls, headers, said, waits, wall),
        should_retry=None if status is None else should_retry(headers),
        body=redact(text, secrets),
    )


def request_id(headers: Mapping[str, str], secrets: Secrets = ()) -> str | None:
    """Return the id to quote to the provider's support, if the response has one."""
    for name in ("x-request-id", "request-id", "x-litellm-call-id", "x-oneapi-request-id"):
        if name in headers:
            return redact_line(headers[name], secrets, limit=MAX_NAME) or None
    return None


def _class(
    status: int | None, headers: Mapping[str, str], said: ErrorBody, *, waits: bool
) -> type[APIError]:
    amazon = headers.get("x-amzn-errortype", "").partition(":")[0]
    named = class_of_code(said.code) or class_of_code(said.type) or class_of_code(amazon)
    # A gateway's 500 may contain the 429 of the server behind it.
    inside = said.status is not None and (status is None or status >= _FIRST_SERVER_STATUS)
    if inside and (status is None or said.status in _MONEY_OR_RATE):
        status = said.status
    if named in _FAMILY_NAMES and status is not None:
        named = None
    if named is QuotaExceededError and is_allocated(said.words):
        named = RateLimitError
    cls = named or _class_of_status(status)
    if named in (None, *_FAMILY_NAMES, PermissionDeniedError, RateLimitError):
        cls = class_of_words(said.words, cls, waits=waits) or cls
    return ServerError if cls is APIError and status is None else cls


def class_of_status_in(said: str) -> type[APIError]:
    """Return the class of the HTTP status that a text names, such as "429 Too Many Requests"."""
    found = re.search(r"(?<![\d.])([45]\d\d)(?![\d.])", said)
    return APIError if found is None else _class_of_status(int(found[1]))


def _class_of_status(status: int | None) -> type[APIError]:
    if status is None:
        return APIError
    if status >= _FIRST_SERVER_STATUS:
        return _BY_STATUS.get(status, ServerError)
    return _BY_STATUS.get(status, APIError)


def _message(
    cls: type[APIError],
    status: int | None,
    headers: Mapping[str, str],
    said: ErrorBody,
    secrets: Secrets,
) -> str:
    words = said.message or said.words
    if status in _HTTP_REDIRECTS:
        words = f"redirected to {headers.get('location', 'an unknown place')}; set that base URL."
    elif said.page:
        words = "an HTML page instead of JSON" + (f', titled "{words}"' if words else "")
        if status in _WRONG_PLACE:  # a stream, a full proxy and a failed one are in the right one
            words += "; is the base URL right?"
    words = redact_line(words, secrets) or "no reason given"
    if advice := _ADVICE.get(cls):
        words += f"{'' if words.endswith(('.', '!', '?', '。')) else '.'} {advice}"
    where = f"HTTP {status}" if status is not None else "error in the stream"
    return f"{where}: {words}"


def _wait(
    cls: type[APIError],
    headers: Mapping[str, str],
    said: ErrorBody,
    in_body: float | None,
    wall: float,
) -> float | None:
    """Return the seconds to wait, from the plainest place that names them.

    Windows of a limit and words are believed in a rate limit only: servers send the first with
    every response.
    """
    asked = retry_after(headers, wall=wall)
    if asked is None and issubclass(cls, (RateLimitError, OverloadedError, ServerError)):
        asked = in_body
    if asked is not None or cls is not RateLimitError:
        return asked
    metadata = said.fields.get("metadata")
    inner = metadata.get("headers") if isinstance(metadata, dict) else None  # OpenRouter's
    nested = {str(k).lower(): str(v) for k, v in inner.items()} if isinstance(inner, dict) else {}
    given = {**nested, **headers}
    waits = (
        retry_after(given, wall=wall),
        # Words ask for this wait; a window only says when all of its allowance is back.
        wait_in_words(said.words),
        reset_wait(given, wall=wall),
    )
    return next((wait for wait in waits if wait is not None), None)
