"""The streaming engine under `langchain_holysheep` and `llamaindex_holysheep`.

>>> from holysheep_core import StreamingRetryHandler
>>> handler = StreamingRetryHandler(api_key="any-key")
>>> messages = [{"role": "user", "content": "How do sheep live?"}]
>>> for token in handler.stream_with_retry("gpt-4.1", messages):
...     print(token, end="", flush=True)
Sheep live in flocks.

This module has the public names; the code is in the folders beside it.
"""

from holysheep_core.catalog import Catalog, ModelCard, card, default_fallbacks, load_catalog
from holysheep_core.client.calls import OnEvent, OnToken
from holysheep_core.client.handler import StreamingRetryHandler
from holysheep_core.client.sse import SSE_HEADERS, asse_response, sse_response
from holysheep_core.client.sse_chunks import asse_chunks, sse_chunks
from holysheep_core.client.with_context import resume_streaming_with_context
from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.config.keywords import refuse_unknown
from holysheep_core.config.limits import TIERS, RateLimits, SpendLimit
from holysheep_core.config.resume import ResumeConfig
from holysheep_core.config.retry import RetryConfig, RetryStrategy, Timeouts
from holysheep_core.errors import (
    AnswerExistsError,
    AnswerInUseError,
    AnswerStoppedError,
    APIConnectionError,
    APIError,
    AuthenticationError,
    BadRequestError,
    BudgetExceededError,
    ConfigurationError,
    ConnectTimeoutError,
    ContentPolicyError,
    ContextLengthError,
    DeadlineExceededError,
    EmptyAnswerError,
    FirstTokenTimeoutError,
    HolySheepError,
    IncompleteToolCallError,
    InvalidJSONOutputError,
    InvalidResponseError,
    InvalidToolCallError,
    JournalError,
    LocalRateLimitError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamCutError,
    StreamingRetryExhausted,
    StreamInterruptedError,
    StreamSlowError,
    StreamStalledError,
    StreamTruncatedError,
    TLSError,
    TokenLimitError,
    UpstreamError,
)
from holysheep_core.events import (
    ActiveProviderChanged,
    CanaryMoved,
    ConnectionDiscarded,
    Event,
    FirstToken,
    MalformedEvent,
    ModelDowngraded,
    ProviderHealthChanged,
    ProviderSwitched,
    RateLimitWait,
    RequestSent,
    Resumed,
    RetryScheduled,
    RouteCooled,
    StillWaiting,
    StreamCompleted,
    StreamCut,
    StreamFailed,
    Throttled,
    UnknownFinishReason,
)
from holysheep_core.gateway.canary import Canary
from holysheep_core.gateway.gateway import APIGateway
from holysheep_core.gateway.health_check import HealthCheck
from holysheep_core.journal.journal import Journal
from holysheep_core.journal.status import AnswerStatus
from holysheep_core.observers.event_log import EventLog
from holysheep_core.observers.observer import Observer
from holysheep_core.observers.otel import OpenTelemetry
from holysheep_core.observers.progress import ProgressBar
from holysheep_core.observers.prometheus import PrometheusMetrics
from holysheep_core.observers.totals import Total, Totals
from holysheep_core.protocol.sse import ServerSentEvent
from holysheep_core.protocol.sse_reading import parse_sse_stream
from holysheep_core.retry_budget import RetryBudget
from holysheep_core.routing.circuit import CircuitConfig, Health
from holysheep_core.routing.providers import DEFAULT_BASE_URL, Provider
from holysheep_core.routing.routes import smart_model_selector
from holysheep_core.tokens import estimate_tokens
from holysheep_core.transport.clients import (
    create_resilient_async_client,
    create_resilient_client,
    create_resilient_session,
)
from holysheep_core.transport.connections import Connections
from holysheep_core.types import (
    Attempt,
    CallRecord,
    ChatRequest,
    Completion,
    Delta,
    Part,
    ToolCall,
    Usage,
)

__version__ = "0.2.0"

__all__ = [
    "DEFAULT_BASE_URL",
    "SSE_HEADERS",
    "TIERS",
    "APIConnectionError",
    "APIError",
    "APIGateway",
    "ActiveProviderChanged",
    "AnswerExistsError",
    "AnswerInUseError",
    "AnswerStatus",
    "AnswerStoppedError",
    "Attempt",
    "AuthenticationError",
    "BadRequestError",
    "BudgetExceededError",
    "CallRecord",
    "Canary",
    "CanaryMoved",
    "Catalog",
    "ChatRequest",
    "CircuitConfig",
    "Completion",
    "ConfigurationError",
    "ConnectTimeoutError",
    "ConnectionDiscarded",
    "Connections",
    "ContentPolicyError",
    "ContextLengthError",
    "DeadlineExceededError",
    "Delta",
    "EmptyAnswerError",
    "Event",
    "EventLog",
    "FallbackConfig",
    "FirstToken",
    "FirstTokenTimeoutError",
    "Health",
    "HealthCheck",
    "HolySheepError",
    "IncompleteToolCallError",
    "InvalidJSONOutputError",
    "InvalidResponseError",
    "InvalidToolCallError",
    "Journal",
    "JournalError",
    "LocalRateLimitError",
    "MalformedEvent",
    "ModelCard",
    "ModelDowngraded",
    "NotFoundError",
    "Observer",
    "OnEvent",
    "OnToken",
    "OpenTelemetry",
    "OverloadedError",
    "Part",
    "PermissionDeniedError",
    "ProgressBar",
    "PrometheusMetrics",
    "Provider",
    "ProviderHealthChanged",
    "ProviderSwitched",
    "QuotaExceededError",
    "RateLimitError",
    "RateLimitWait",
    "RateLimits",
    "RequestSent",
    "ResumeConfig",
    "Resumed",
    "RetryBudget",
    "RetryConfig",
    "RetryScheduled",
    "RetryStrategy",
    "RouteCooled",
    "ServerError",
    "ServerSentEvent",
    "SpendLimit",
    "StillWaiting",
    "StreamCompleted",
    "StreamCut",
    "StreamCutError",
    "StreamFailed",
    "StreamInterruptedError",
    "StreamSlowError",
    "StreamStalledError",
    "StreamTruncatedError",
    "StreamingRetryExhausted",
    "StreamingRetryHandler",
    "TLSError",
    "Throttled",
    "Timeouts",
    "TokenLimitError",
    "ToolCall",
    "Total",
    "Totals",
    "UnknownFinishReason",
    "UpstreamError",
    "Usage",
    "asse_chunks",
    "asse_response",
    "card",
    "create_resilient_async_client",
    "create_resilient_client",
    "create_resilient_session",
    "default_fallbacks",
    "estimate_tokens",
    "load_catalog",
    "parse_sse_stream",
    "refuse_unknown",
    "resume_streaming_with_context",
    "smart_model_selector",
    "sse_chunks",
    "sse_response",
]
