"""The engine's errors, each with a LangChain error class as its second parent.

Both `except ModelRateLimitError` (and middleware for LangChain's errors) and
`except holysheep_core.HolySheepError` catch them. `is_retryable` is always False: the engine has
retried already, and a second retry layer would multiply the requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

import holysheep_core as core

if TYPE_CHECKING:
    import httpx

_PARENTS: Mapping[type[core.HolySheepError], type[ModelError]] = {
    core.APIError: ModelAPIError,
    core.BadRequestError: ModelInvalidRequestError,
    core.ContextLengthError: ContextOverflowError,
    core.ContentPolicyError: ModelInvalidRequestError,
    core.AuthenticationError: ModelAuthenticationError,
    core.PermissionDeniedError: ModelPermissionDeniedError,
    core.NotFoundError: ModelNotFoundError,
    core.QuotaExceededError: ModelRateLimitError,
    core.RateLimitError: ModelRateLimitError,
    core.OverloadedError: ModelAPIError,
    core.ServerError: ModelAPIError,
    core.APIConnectionError: ModelConnectionError,
    core.TLSError: ModelConnectionError,
    core.ConnectTimeoutError: ModelTimeoutError,
    core.FirstTokenTimeoutError: ModelTimeoutError,
    core.EmptyAnswerError: ModelAPIError,
    core.InvalidResponseError: ModelAPIError,
    core.DeadlineExceededError: ModelTimeoutError,
    core.BudgetExceededError: ModelError,
    core.JournalError: ModelError,
    core.AnswerExistsError: ModelError,
    core.AnswerInUseError: ModelError,
    core.AnswerStoppedError: ModelError,
    core.StreamInterruptedError: ModelConnectionError,
    core.StreamCutError: ModelConnectionError,
    core.StreamTruncatedError: ModelConnectionError,
    core.StreamSlowError: ModelTimeoutError,
    core.StreamStalledError: ModelTimeoutError,
    core.UpstreamError: ModelAPIError,
    core.IncompleteToolCallError: ModelAPIError,
    core.InvalidToolCallError: ModelAPIError,
    core.TokenLimitError: ModelInvalidRequestError,
    core.InvalidJSONOutputError: ModelAPIError,
    core.StreamingRetryExhausted: ModelConnectionError,
}


def _rebuild(kind: type[core.HolySheepError], error_args: tuple[str, ...]) -> BaseException:
    return CLASSES[kind](*error_args)


def _response(error: core.APIError) -> httpx.Response:
    """Return the error response, which LangChain's tracers read from `error.response`."""
    import httpx  # noqa: PLC0415 - creating the model has imported it

    if error.status_code is None:  # an error event inside a stream
        raise AttributeError("response")
    headers = {"x-request-id": error.request_id or "", "retry-after": f"{error.retry_after or ''}"}
    given = {name: value for name, value in headers.items() if value}
    return httpx.Response(error.status_code, headers=given, content=(error.body or "").encode())


def _make(kind: type[core.HolySheepError], parent: type[ModelError]) -> type[core.HolySheepError]:
    def reduce(self: core.HolySheepError) -> tuple[object, ...]:
        return _rebuild, (kind, self.args), self.__dict__

    members: dict[str, Any] = {
        "__doc__": kind.__doc__,
        "__module__": __name__,
        "__reduce__": reduce,  # no module attribute names these classes, so pickle cannot find them
        "is_retryable": False,
    }
    if issubclass(kind, core.APIError):
        members["response"] = property(_response)
    return type(kind.__name__, (kind, parent), members)


CLASSES = {kind: _make(kind, parent) for kind, parent in _PARENTS.items()}
"""Engine error class -> its two-parent class. A test compares it with the engine's tree."""


def for_langchain(error: core.HolySheepError) -> core.HolySheepError:
    """Return a copy of the error in its two-parent class, with cause and traceback."""
    cls = CLASSES.get(type(error))
    if cls is None:
        return error
    twin = cls(*error.args)
    twin.__dict__.update(error.__dict__)
    twin.__cause__ = error.__cause__
    return twin.with_traceback(error.__traceback__)
