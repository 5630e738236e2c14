"""From `OpenAILike(api_base=…)` and `OpenAI`: what their parameters are called here.

Unknown keywords are refused; for those known from other integrations, the error says what to write.
"""

from __future__ import annotations

from collections.abc import Mapping

HINTS: Mapping[str, str] = {
    "reuse_client": "Leave it out: clients are always shared.",
    "async_http_client": "It is http_async_client here.",
    "openai_client": "No OpenAI client is used; write http_client or http_async_client.",
    "async_openai_client": "No OpenAI client is used; write http_client or http_async_client.",
    "openai_key": "It is api_key here.",
    "api_version": "Only Azure has it; put it into api_base if your server wants it.",
    "is_chat_model": "Leave it out: every model here is a chat model.",
    "is_function_calling_model": "Leave it out: tools are offered to every model.",
    "should_use_structured_outputs": "Leave it out: structured output goes by a tool call.",
    "strict": "Leave it out: arguments are always parsed strictly here.",
    "tokenizer": "Leave it out: tokens are counted by the server, and estimated on a cut.",
    "organization": 'Write default_headers={"OpenAI-Organization": …}.',
    "default_query": "Write http_client=httpx.Client(params=…), and http_async_client likewise.",
    "api_type": "Only Azure has it: leave it out.",
    "model_name": "It is model here.",
    **dict.fromkeys(
        ("response_format", "top_k"), "It goes with a call, or into additional_kwargs={…}."
    ),
    "modalities": "Put it into additional_kwargs={…}.",
    "audio_config": "Put audio into additional_kwargs={…}.",
    "max_completion_tokens": "It is max_tokens here; for a model that insists on that name, put "
    "it into additional_kwargs={…}.",
    "extra_body": "It is additional_kwargs={…} here.",
    "logprobs": "Log probabilities do not survive a resumed stream and are not supported.",
    "top_logprobs": "Log probabilities do not survive a resumed stream and are not supported.",
}
"""Keyword of `OpenAI` and `OpenAILike` -> what to do instead."""

OTHERWISE = "Fields of the request that are not parameters here go into additional_kwargs={…}."
