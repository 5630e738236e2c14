"""The streaming engine under `langchain_holysheep` and `llamaindex_holysheep`.

>>> from holysheep_core import StreamingRetryHandler
>>> handler = StreamingRetryHandler(api_key="...")
>>> for token in handler.stream_with_retry("gpt-4.1", messages): print(token, end="")

Names only; the code lives in its rooms.
"""

from holysheep_core.catalog import ModelCard, card, default_fallbacks, estimate_tokens
from holysheep_core.config import (
    FallbackConfig,
    ResumeConfig,
    RetryConfig,
    RetryStrategy,
    Timeouts,
)
from holysheep_core.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConnectTimeoutError,
    ContentPolicyError,
    ContextLengthError,
    DeadlineExceededError,
    FirstTokenTimeoutError,
    HolySheepError,
    IncompleteToolCallError,
    InvalidJSONOutputError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamCutError,
    StreamingRetryExhausted,
    StreamInterruptedError,
    StreamStalledError,
    StreamTruncatedError,
    TokenLimitError,
    UpstreamError,
)
from holysheep_core.events import (
    Event,
    FirstToken,
    MalformedEvent,
    ModelDowngraded,
    ProviderSwitched,
    RateLimitWait,
    RequestSent,
    Resumed,
    RetryScheduled,
    StillWaiting,
    StreamCompleted,
    StreamCut,
    StreamFailed,
)
from holysheep_core.handler import OnEvent, OnToken, StreamingRetryHandler
from holysheep_core.providers import DEFAULT_BASE_URL, Provider
from holysheep_core.retry import RetryBudget
from holysheep_core.sse import ServerSentEvent, parse_sse_stream
from holysheep_core.types import Attempt, ChatRequest, Completion, Delta, ToolCall, Usage

__version__ = "0.1.0"

from holysheep_core.keywords import refuse_unknown
from holysheep_core.routes import smart_model_selector

__all__ = [
    "DEFAULT_BASE_URL",
    "APIConnectionError",
    "APIError",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "ChatRequest",
    "Completion",
    "ConfigurationError",
    "ConnectTimeoutError",
    "ContentPolicyError",
    "ContextLengthError",
    "DeadlineExceededError",
    "Delta",
    "Event",
    "FallbackConfig",
    "FirstToken",
    "FirstTokenTimeoutError",
    "HolySheepError",
    "IncompleteToolCallError",
    "InvalidJSONOutputError",
    "InvalidResponseError",
    "MalformedEvent",
    "ModelCard",
    "ModelDowngraded",
    "NotFoundError",
    "OnEvent",
    "OnToken",
    "OverloadedError",
    "PermissionDeniedError",
    "Provider",
    "ProviderSwitched",
    "QuotaExceededError",
    "RateLimitError",
    "RateLimitWait",
    "RequestSent",
    "ResumeConfig",
    "Resumed",
    "RetryBudget",
    "RetryConfig",
    "RetryScheduled",
    "RetryStrategy",
    "ServerError",
    "ServerSentEvent",
    "StillWaiting",
    "StreamCompleted",
    "StreamCut",
    "StreamCutError",
    "StreamFailed",
    "StreamInterruptedError",
    "StreamStalledError",
    "StreamTruncatedError",
    "StreamingRetryExhausted",
    "StreamingRetryHandler",
    "Timeouts",
    "TokenLimitError",
    "ToolCall",
    "UpstreamError",
    "Usage",
    "card",
    "default_fallbacks",
    "estimate_tokens",
    "parse_sse_stream",
    "refuse_unknown",
    "smart_model_selector",
]
