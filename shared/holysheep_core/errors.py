"""Everything that can go wrong, as a tree of types.

::

    HolySheepError                         .partial .attempts .first_cause
    ├── ConfigurationError                 bad keyword, key, URL or number
    ├── APIError                           the server refused: .status_code .code .type
    │   │                                  .param .request_id .retry_after .should_retry .body
    │   ├── BadRequestError                400 and its kin: the request itself is wrong
    │   │   ├── ContextLengthError         the prompt exceeds the model's window
    │   │   └── ContentPolicyError         the provider will not answer this
    │   ├── AuthenticationError            401: the key is wrong
    │   ├── PermissionDeniedError          403: the key may not do this
    │   ├── NotFoundError                  404: no such model or path
    │   ├── QuotaExceededError             402, or 429 for money: waiting will not help
    │   ├── RateLimitError                 429: waiting will help
    │   │   └── LocalRateLimitError        a limit of your own: nothing was sent
    │   ├── OverloadedError                503, 529: the server has too much to do
    │   └── ServerError                    408, 409, 425, other 5xx
    ├── APIConnectionError                 no answer at all: DNS, refused, reset
    │   ├── TLSError                       no secure connection: certificate, protocol
    │   ├── ConnectTimeoutError            no connection in time
    │   └── FirstTokenTimeoutError         a connection, but no content in time
    ├── EmptyAnswerError                   the model said nothing, asked twice
    ├── InvalidResponseError               not what this protocol says: HTML, a huge event, …
    ├── DeadlineExceededError              `Timeouts.total` ran out
    ├── BudgetExceededError                `SpendLimit` is spent
    ├── JournalError                       no such answer in the journal, or it does not answer
    │   ├── AnswerExistsError              it has one of this name
    │   ├── AnswerStoppedError             it was stopped; the text so far stays
    │   └── AnswerInUseError               another process is writing it
    └── StreamInterruptedError             an answer began and could not be completed
        ├── StreamCutError                 the connection broke
        ├── StreamTruncatedError           the body ended, but the answer had not
        ├── StreamStalledError             open, yet no content for `Timeouts.stall`
        │   └── StreamSlowError            content, but slower than `Timeouts.min_rate`
        ├── UpstreamError                  the server reported an error inside the stream
        ├── IncompleteToolCallError        a tool call whose arguments never became JSON
        │   ├── InvalidToolCallError       the model itself ended it so, twice
        │   └── TokenLimitError            because `max_tokens` ended it: asking again won't help
        ├── InvalidJSONOutputError         JSON was asked for, and the text does not parse
        └── StreamingRetryExhausted        every attempt allowed was made

Errors are told apart by type and code, by the few words that `protocol.error_words` lists, and by
status. Whatever did
arrive is in `partial`; `attempts` says what was tried, `first_cause` what broke first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from holysheep_core.types import Attempt, Completion, ToolCall


class HolySheepError(Exception):
    """Base of every error this package raises on purpose.

    Attributes:
        partial: The text the reader was given before the failure ("" if none).
        attempts: One record per HTTP request made for this call, in order.
        first_cause: The first failure of the call, which is not always the last one.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.partial: str = ""
        self.attempts: tuple[Attempt, ...] = ()
        self.first_cause: HolySheepError | None = None


class ConfigurationError(HolySheepError):
    """A setting that cannot work; the message says which, and what to write instead.

    Not a `ValueError`: pydantic would wrap one in an error of its own, with all arguments of
    the constructor printed in it, the key among them.
    """


class APIError(HolySheepError):
    """The server refused the request.

    Attributes:
        status_code: HTTP status, or None for an error sent inside a stream.
        code: The provider's `error.code`, as text.
        type: The provider's `error.type`.
        param: The request field the provider complains about.
        request_id: What to quote to the provider's support.
        retry_after: Seconds the server asked to wait, or None.
        should_retry: What the server says of another try (`x-should-retry`), or None.
        body: The refusal's body, at most 2,000 characters, secrets removed.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int | None = None,
        code: str | None = None,
        type: str | None = None,  # noqa: A002 - the provider's own field name
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.type = type
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        self.should_retry = should_retry
        self.body = body


class BadRequestError(APIError):
    """The request is wrong and would be wrong again: never retried."""


class ContextLengthError(BadRequestError):
    """The prompt exceeds the window of the model; one with a larger window is tried."""


class ContentPolicyError(BadRequestError):
    """The provider declined on policy grounds; its reason is in the message."""


class AuthenticationError(APIError):
    """The key was not accepted (401)."""


class PermissionDeniedError(APIError):
    """The key is known, but not allowed to do this (403)."""


class NotFoundError(APIError):
    """No such model, or a base URL that misses its path (404)."""


class QuotaExceededError(APIError):
    """Out of credit or over a spending limit: waiting does not help, another key might."""


class RateLimitError(APIError):
    """Too many requests or tokens for now; `retry_after` says how long, if the server did."""


class LocalRateLimitError(RateLimitError):
    """A limit of your own (`RateLimits`) forbids the request for `retry_after` seconds.

    Nothing was sent. It is longer than `RateLimits.max_wait` allows to wait.
    """


class OverloadedError(APIError):
    """The server, not the caller, is over its capacity (503, 529)."""


class ServerError(APIError):
    """A failure on the server's side that may not happen again (408, 409, 425, 499, 5xx)."""


class APIConnectionError(HolySheepError):
    """No response to the request: DNS, refused, reset."""


class TLSError(APIConnectionError):
    """The server's certificate or version of TLS cannot be accepted; asking again won't help."""


class ConnectTimeoutError(APIConnectionError, TimeoutError):
    """No connection within `Timeouts.connect`."""


class FirstTokenTimeoutError(APIConnectionError, TimeoutError):
    """No content within `Timeouts.first_token`; comments and empty chunks do not count."""


class InvalidResponseError(HolySheepError):
    """The answer is not what an OpenAI-compatible server sends."""


class EmptyAnswerError(HolySheepError):
    """The model ended its answer without text, tool call or refusal, asked twice."""


class DeadlineExceededError(HolySheepError, TimeoutError):
    """The whole call took longer than `Timeouts.total`."""


class BudgetExceededError(HolySheepError):
    """The call would cost more than its `SpendLimit`; `partial` is what was paid for."""


class JournalError(HolySheepError):
    """An answer cannot be stored, read or resumed; the message says why, and what to do."""


class AnswerExistsError(JournalError):
    """The journal has an answer of this `call_id`; `if_exists="resume"` resumes it."""


class AnswerStoppedError(JournalError):
    """The answer was stopped with `stop(call_id)`; its text so far is in `partial`, and stored."""


class AnswerInUseError(JournalError):
    """Another process is writing the answer; `follow` it, or wait until its lease is over."""


class StreamInterruptedError(HolySheepError):
    """An answer began and could not be completed; `partial` has the text so far."""


class StreamCutError(StreamInterruptedError):
    """The connection broke in mid-answer."""


class StreamTruncatedError(StreamInterruptedError):
    """The body closed cleanly, with neither a `finish_reason` nor `[DONE]`."""


class StreamStalledError(StreamInterruptedError, TimeoutError):
    """The connection is open, but there was no content for `Timeouts.stall` seconds."""


class StreamSlowError(StreamStalledError):
    """Text arrived more slowly than `Timeouts.min_rate` of the model's usual rate."""


class UpstreamError(StreamInterruptedError):
    """The server sent an error event after content; `__cause__` holds it, classified."""


class IncompleteToolCallError(StreamInterruptedError):
    """A tool call ended before its arguments were a JSON object; it was not returned."""


class InvalidToolCallError(IncompleteToolCallError):
    """The model itself ended a tool call whose arguments are no JSON object, asked twice.

    Attributes:
        invalid_tool_calls: Such calls; their `arguments` are what the model wrote.
        completion: The answer beside them, its whole tool calls included.
    """

    def __init__(self, message: str = "", *, invalid_tool_calls: tuple[ToolCall, ...] = ()) -> None:
        super().__init__(message)
        self.invalid_tool_calls = invalid_tool_calls
        self.completion: Completion | None = None


class TokenLimitError(IncompleteToolCallError):
    """The token limit cut a tool call; it was not returned. Raise `max_tokens`."""


class InvalidJSONOutputError(StreamInterruptedError):
    """JSON output was asked for and the finished text is not JSON.

    Attributes:
        completion: The answer, with its usage and history.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.completion: Completion | None = None


class StreamingRetryExhausted(StreamInterruptedError):  # noqa: N818 - a published name
    """All attempts were used up; `first_cause` and `__cause__` are the first and last failure."""


def caused(error: HolySheepError, cause: HolySheepError) -> HolySheepError:
    """Return `error` with its `__cause__` set, for errors that are made now and raised later."""
    error.__cause__ = cause
    return error
