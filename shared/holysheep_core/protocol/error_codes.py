"""What `error.code` and `error.type` mean, in the names of every family of servers.

One table. Names are compared without case and punctuation: "insufficient_quota",
"InsufficientQuota" and "INSUFFICIENT_QUOTA" are one word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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

CODES: Mapping[type[APIError], str] = {
    QuotaExceededError: """
        insufficient_quota credit_balance_exhausted billing_hard_limit_reached billing_not_active
        organization_spend_limit_exceeded organization_usage_limit_exceeded
        project_spend_limit_exceeded subscription_limit_exceeded usage_limit_reached
        usage_limit_exceeded usage_not_included quota_exceeded quota_exhausted no_quota
        quota_not_enough insufficient_user_quota pre_consume_token_quota_failed
        insufficient_balance insufficient_credits insufficient_credit insufficient_funds
        balance_not_enough credit_balance_too_low credits_exhausted out_of_credits
        payment_required billing_error budget_exceeded exceeded_budget spending_limit_reached
        exceeded_current_quota_error account_overdue account_overdue_error Arrearage
        PrepaidBillOverdue PostpaidBillOverdue CommodityNotPurchased
        AllocationQuota.FreeTierOnly ServiceQuotaExceededException
        entitlement_total_limit_exceeded entitlement_required entitlement_inactive
        free_model_blocked_no_quota SetLimitExceeded FailedOperation.ResourcePackExhausted
        """,
    ContextLengthError: """
        context_length_exceeded context_window_exceeded model_context_window_exceeded
        context_limit_exceeded context_length_error ContextWindowExceededError
        exceed_context_size_error exceed_context_size prompt_too_long input_too_long
        request_too_large tokens_limit_reached max_context_length_exceeded
        """,
    ContentPolicyError: """
        content_policy_violation content_filter content_filtered responsible_ai_policy_violation
        ContentPolicyViolationError content_moderation content_blocked moderation_blocked
        moderation_failed prompt_blocked data_inspection_failed sensitive_words_detected
        sensitive_content violation_fee.grok.csam PROHIBITED_CONTENT safety_violation
        safety_error InputTextSensitiveContentDetected OutputTextSensitiveContentDetected
        SensitiveContentDetected hooks_failed guardrail_intervened
        """,
    RateLimitError: """
        rate_limit_exceeded rate_limit_error rate_limit_reached rate_limit_reached_error
        rate_limit rate_limited RateLimitError throttling_error Throttling ThrottlingException
        Throttling.RateQuota Throttling.AllocationQuota Throttling.BurstRate
        RequestBurstTooFast limit_requests limit_burst_rate too_many_requests
        TooManyRequestsException RESOURCE_EXHAUSTED token_concurrency_limit_reached
        concurrency_limit_exceeded entitlement_daily_limit_exceeded requests_limit_exceeded
        """,
    OverloadedError: """
        overloaded_error overloaded server_overloaded engine_overloaded_error model_overloaded
        service_unavailable ServiceUnavailableError ServiceUnavailableException UNAVAILABLE
        server_busy system_busy capacity_exceeded service_tier_capacity_exceeded no_capacity
        ModelNotReadyException
        """,
    AuthenticationError: """
        invalid_api_key authentication_error AuthenticationError InvalidApiKey
        invalid_authentication_error incorrect_api_key_error API_KEY_INVALID unauthenticated
        unauthorized channel:invalid_key account_deactivated expired_api_key
        """,
    PermissionDeniedError: """
        permission_error permission_denied PermissionDeniedError PERMISSION_DENIED access_denied
        AccessDeniedException Model.AccessDenied model_access_denied forbidden
        key_model_access_denied team_model_access_denied user_model_access_denied
        org_model_access_denied project_model_access_denied
        """,
    NotFoundError: """
        model_not_found not_found_error NotFoundError model_not_found_error ModelNotFound
        model_not_exist model_not_available invalid_model unknown_model model_not_supported
        unsupported_model ModelNotOpen DeploymentNotFound ResourceNotFoundException
        InvalidEndpointOrModel.NotFound resource_not_found_error NOT_FOUND model_price_error
        """,
    ServerError: """
        internal_server_error InternalServerError InternalServerException INTERNAL
        timeout_error DEADLINE_EXCEEDED ABORTED CANCELLED ModelTimeoutException
        ModelStreamErrorException ModelErrorException
        """,
    BadRequestError: """
        invalid_request_error BadRequestError ValidationException INVALID_ARGUMENT
        invalid_parameter_error InvalidParameter FAILED_PRECONDITION OUT_OF_RANGE
        """,
}
"""Names by class. A quota error comes as a 402, 403, 429 or inside a 200; some gateways send a
rate limit as a 503: the more exact name wins."""


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


_BY_NAME: Mapping[str, type[APIError]] = {
    _plain(name): cls for cls, names in CODES.items() for name in names.split()
}
_LONGEST = 100


def class_of_code(name: str | None) -> type[APIError] | None:
    """Return the class of error that a code or type names, or None if it names none.

    >>> class_of_code("InsufficientQuota").__name__
    'QuotaExceededError'
    """
    return _BY_NAME.get(_plain(name)) if name and len(name) <= _LONGEST else None
