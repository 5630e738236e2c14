"""The body of an error, in every shape that servers send.

====================================================  ==============================
body                                                  sent by
====================================================  ==============================
`{"error": {"message", "type", "code", "param"}}`     OpenAI and most others
`{"error": "text"}`, `{"message"}`, `{"msg"}`         Ollama, relays
`[{"error": {"code", "status", "details"}}]`          Gemini
`{"type": "error", "error": {"type", "message"}}`     Anthropic
`{"object": "error", "message", "type", "code"}`      vLLM, Mistral
`{"detail": "text"}`, `{"detail": [{"loc", "msg"}]}`  FastAPI
`{"code", "msg", "success": false}`                   relays, SiliconFlow
`{"errors": [{"message", "code"}]}`                   Cloudflare
`{"base_resp": {"status_code", "status_msg"}}`        MiniMax
`{"error_code", "error_msg"}`                         Baidu, Databricks
`{"fault": {"faultstring", "detail"}}`                Apigee
`{"__type", "message"}`                               Amazon
text, HTML, XML, an event                             proxies
====================================================  ==============================
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

import msgspec

_MESSAGES = (
    *("message", "msg", "error_message", "error_msg", "errmsg", "errorMessage", "Message"),
    *("status_msg", "faultstring", "detail", "error_description", "description", "reason"),
    "title",
)
_CODES = ("code", "error_code", "errcode", "err_code", "errorCode", "errorcode", "Code")
_TYPES = ("type", "error_type", "errorType", "__type", "status", "name")
_STATUSES = ("status_code", "statusCode", "http_status", "http_code", "httpStatus", "status")
_INSIDE = (
    *("error", "errors", "Error", "base_resp", "response", "Response", "fault"),
    *("detail", "message"),
)
_OWN_TO_ERRORS = (
    *("errors", "Error", "fault", "exception", "__type", "errorMessage", "errorType"),
    *("error_message", "error_msg", "errmsg", "error_type", "error_code", "errcode", "err_code"),
)
"""Fields that no answer has. A code of 0 in one of them says that all is well."""
_FAILED = ("error", "failed", "failure", "fail")
_DEEPEST = 5
_HTTP_ERRORS = range(400, 600)
_TITLE = re.compile(r"<(title|message|h1)\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_DATA = re.compile(r"^data: ?(.+)$", re.MULTILINE)
_STATUS_IN_WORDS = re.compile(
    r"(?:status|code|error|http)\D{0,12}\b([45]\d\d)\b|^\W*([45]\d\d)\b", re.IGNORECASE
)
_LONGEST_TEXT = 200


class ErrorBody(msgspec.Struct, frozen=True):
    """What a body says.

    Attributes:
        message: The server's words; "" if there are none.
        words: All its words: the message, and what another server said before it.
        code: `error.code`, as text.
        type: `error.type`.
        param: The request field it complains about.
        status: The HTTP status it names, which need not be that of the response.
        page: It is a page, of which only the title is repeated.
        fields: The fields of the innermost error, those around it as well.
    """

    message: str = ""
    words: str = ""
    code: str | None = None
    type: str | None = None
    param: str | None = None
    status: int | None = None
    page: bool = False
    fields: Mapping[str, Any] = {}


def read_error(text: str) -> ErrorBody:
    """Read a body. Raises nothing, whatever it is.

    >>> read_error('[{"error": {"code": 429, "message": "Slow down"}}]').message
    'Slow down'
    """
    text = text.strip().removeprefix("\ufeff")
    value = _json(text)
    if value is None and (event := _DATA.search(text)):
        text = event.group(1)
        value = _json(text)
    if isinstance(value, str):
        text, value = value, None
    if value is None:
        return _plain(text)
    fields = _fields(value)
    message = _words(_first(fields, _MESSAGES))
    kind = _first(fields, _TYPES)
    metadata = fields.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None  # as OpenRouter passes it on
    also = (raw, fields.get("error"))  # NestJS has the status's name there
    said = " ".join((message, *(each for each in also if isinstance(each, str)))).strip()
    code = word(_first(fields, _CODES))
    return ErrorBody(
        message=message,
        words=said or _shortened(text),
        code=code,
        type=kind.partition("#")[2] or kind if isinstance(kind, str) else None,
        param=word(fields.get("param")),
        status=_status(fields, code) or _status_in(said),
        fields=fields,
    )


def names_failure(data: bytes) -> bool:
    """Tell whether an object without choices says that the request failed.

    Some servers do so with status 200 and in no field called "error".

    >>> names_failure(b'{"choices": null, "base_resp": {"status_code": 1008}}')
    True
    >>> names_failure(b'{"choices": [], "base_resp": {"status_code": 0}}')
    False
    """
    value = _json(data.decode("utf-8", errors="replace"))
    if not isinstance(value, dict):
        return False
    inner = value.get("base_resp")
    code = inner.get("status_code") if isinstance(inner, dict) else None
    return (
        any(value.get(name) not in _WELL for name in _OWN_TO_ERRORS)
        or code not in _WELL
        or value.get("success") is False
        or value.get("status") in _FAILED
        or ("choices" not in value and isinstance(value.get("Message"), str))
    )


_WELL: tuple[Any, ...] = (None, "", 0, "0", 200, "200", [], {})


def word(value: object) -> str | None:
    """Return a field's value as text; None if it says nothing."""
    if value is None or value == "":
        return None
    try:
        return value if isinstance(value, str) else str(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes
        return None


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def _plain(text: str) -> ErrorBody:
    if text.startswith("<"):
        found = _TITLE.search(text)
        title = _shortened(html.unescape(found.group(2))) if found else ""
        return ErrorBody(title, title, status=_status_in(title), page=True)
    said = _shortened(text)
    return ErrorBody(said, text, status=_status_in(text[:_LONGEST_TEXT]))


def _fields(value: Any, depth: int = 0) -> dict[str, Any]:
    """Return the innermost error's fields over those around it."""
    if isinstance(value, list):
        inner = next((each for each in value if isinstance(each, dict)), None)
        return {"message": value} if inner is None else _fields(inner, depth + 1)
    if not isinstance(value, dict):
        return {"message": value}
    if depth > _DEEPEST:
        return value
    fields: dict[str, Any] = {**value}
    for name in _INSIDE:
        inner = value.get(name)
        # FastAPI's list of details is the message itself.
        if inner and isinstance(inner, dict if name == "detail" else (dict, list)):
            found = _fields(inner, depth + 1)
        elif isinstance(inner, str) and name == "error" and _first(value, _MESSAGES) is None:
            found = {"message": inner}
        else:
            continue
        said = _first(found, _MESSAGES)
        fields |= {key: each for key, each in found.items() if each not in (None, "")}
        if said is not None:
            # Whatever the outer one calls its message, the inner one's is nearer to the cause.
            fields = {key: each for key, each in fields.items() if key not in _MESSAGES}
            fields["message"] = said
    return fields


def _words(value: object, depth: int = 0) -> str:
    """Return a message as text; FastAPI's is a list of places and what is wrong there."""
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(each, depth + 1) for each in value[:_DEEPEST])))
    if isinstance(value, dict):
        said = _words(_first(value, _MESSAGES), depth + 1)
        place = value.get("loc")
        if isinstance(place, list) and said:
            return f"{'.'.join(map(str, place))}: {said}"
        return said
    return word(value) or ""


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)


def _status(fields: Mapping[str, Any], code: str | None) -> int | None:
    for value in (*(word(fields.get(name)) for name in _STATUSES), code):
        digits = 3  # more is no status, and `int` refuses very long numbers
        if value and len(value) == digits and value.isascii() and value.isdecimal():
            number = int(value)
            if number in _HTTP_ERRORS:
                return number
    return None


def _status_in(said: str) -> int | None:
    found = _STATUS_IN_WORDS.search(said[:_LONGEST_TEXT])
    return int(found.group(1) or found.group(2)) if found else None


def _shortened(text: str) -> str:
    text = " ".join(text[: 10 * _LONGEST_TEXT].split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
