"""Keywords of `ChatOpenAI` and their replacements here.

Unknown keywords raise `ConfigurationError`; for these, the error names the replacement.
"""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    "openai_api_key": "It is api_key here.",
    "openai_api_base": "It is base_url here.",
    "request_timeout": "It is timeout here: seconds, or (connect, read).",
    "max_completion_tokens": "It is max_tokens here; for a model that accepts only that name, "
    "put it into extra_body={…}.",
    "model_kwargs": "Put its fields into extra_body.",
    "n": "A stream carries one answer: use batch() for several.",
    "best_of": "A stream carries one answer: use batch() for several.",
    "organization": 'Write default_headers={"OpenAI-Organization": …}.',
    "openai_organization": 'Write default_headers={"OpenAI-Organization": …}.',
    **dict.fromkeys(("proxy", "openai_proxy"), "Write connections=Connections(proxy=…)."),
    "http_socket_options": "Write http_client=httpx.Client(transport=…).",
    "default_query": "Write http_client=httpx.Client(params=…), and http_async_client likewise.",
    "stream_chunk_timeout": "It is timeouts=Timeouts(stall=…) here, and works in sync code too.",
    "tiktoken_model_name": "Tokens are estimated without a download: use custom_get_token_ids.",
    **dict.fromkeys(
        ("response_format", "top_k"),
        "Pass it to a call: llm.bind(…), or put it into extra_body={…}.",
    ),
    "reasoning": 'It is reasoning_effort="low" | "medium" | "high" here.',
    **dict.fromkeys(
        ("logit_bias", "service_tier", "verbosity", "prompt_cache_options"),
        "Put it into extra_body={…}; it is sent unchanged.",
    ),
    **dict.fromkeys(
        ("logprobs", "top_logprobs"),
        "Log probabilities are not supported: a resumed stream cannot keep them.",
    ),
    **dict.fromkeys(
        ("use_responses_api", "use_previous_response_id", "context_management", "truncation"),
        "HolySheep supports chat/completions, not the Responses API.",
    ),
    "include": "HolySheep supports chat/completions, not the Responses API.",
    "include_response_headers": 'The request\'s id is in response_metadata["request_id"].',
    "disabled_params": "Leave the parameter out: only parameters that you set are sent.",
    **dict.fromkeys(
        ("client", "async_client", "root_client", "root_async_client"),
        "No OpenAI client is used; write http_client or http_async_client.",
    ),
}
"""Keyword of `ChatOpenAI` -> its replacement, as a sentence."""

OTHERWISE = "Put request fields without a parameter here into extra_body={…}."
