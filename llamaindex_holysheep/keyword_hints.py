"""Keywords of `OpenAILike` and `OpenAI`, and their replacements here.

Unknown keywords raise `ConfigurationError`; for these, the error names the replacement.
"""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    "reuse_client": "Leave it out: clients are always shared.",
    "async_http_client": "It is http_async_client here.",
    "openai_client": "No OpenAI client is used; write http_client or http_async_client.",
    "async_openai_client": "No OpenAI client is used; write http_client or http_async_client.",
    "openai_key": "It is api_key here.",
    "api_version": "Only Azure has it; put it into api_base if your server needs it.",
    "is_chat_model": "Leave it out: every model here is a chat model.",
    "is_function_calling_model": "Leave it out: tools are offered to every model.",
    "should_use_structured_outputs": "Leave it out: structured output uses a tool call.",
    "tokenizer": "Leave it out: the server counts tokens; those of a cut answer are estimated.",
    "organization": 'Write default_headers={"OpenAI-Organization": …}.',
    "default_query": "Write http_client=httpx.Client(params=…), and http_async_client likewise.",
    **dict.fromkeys(("proxy", "openai_proxy"), "Write connections=Connections(proxy=…)."),
    "api_type": "Only Azure has it: leave it out.",
    "model_name": "It is model here.",
    **dict.fromkeys(
        ("response_format", "top_k"), "Pass it to a call, or put it into additional_kwargs={…}."
    ),
    "modalities": "Put it into additional_kwargs={…}.",
    "audio_config": "Put audio into additional_kwargs={…}.",
    "max_completion_tokens": "It is max_tokens here; for a model that accepts only that name, "
    "put it into additional_kwargs={…}.",
    "extra_body": "It is additional_kwargs={…} here.",
    "logprobs": "Log probabilities are not supported: a resumed stream cannot keep them.",
    "top_logprobs": "Log probabilities are not supported: a resumed stream cannot keep them.",
}
"""Keyword of `OpenAI` or `OpenAILike` -> its replacement, as a sentence."""

OTHERWISE = "Put request fields without a parameter here into additional_kwargs={…}."
