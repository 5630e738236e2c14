"""What an error means that says so in words only: a message of each family, and near misses."""

import json

import pytest

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
from holysheep_core.protocol.error_response import refusal
from holysheep_core.protocol.error_words import MAX_CHARACTERS, class_of_words

OVERFLOW = {
    "Anthropic": "prompt is too long: 213462 tokens > 200000 maximum",
    "Anthropic, with max_tokens": "input length and `max_tokens` exceed context limit: 190000 + "
    "20000 > 200000, decrease input length or `max_tokens` and try again",
    "OpenAI": "This model's maximum context length is 8192 tokens. However, your messages resulted "
    "in 8545 tokens. Please reduce the length of the messages.",
    "OpenAI, with max_tokens": "This model's maximum context length is 8191 tokens, however you "
    "requested 10346 tokens (10346 in your prompt; 5 for the completion).",
    "OpenAI Responses": "Your input exceeds the context window of this model. Please adjust your "
    "input and try again.",
    "OpenAI, another": "Your input exceeds this model's context window.",
    "OpenAI, a string": "Invalid 'messages[0].content': string too long. Expected a string with "
    "maximum length 1048576, but got a string with length 2000000 instead.",
    "Azure": "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in "
    "509178 tokens.",
    "Gemini": "The input token count (1196265) exceeds the maximum number of tokens allowed "
    "(1048575).",
    "Vertex": "Unable to submit request because the input token count is 1200000 but the model "
    "only supports up to 1048576.",
    "DeepSeek": "This model's maximum context length is 65536 tokens. However, you requested 70000 "
    "tokens (66000 in the messages, 4000 in the completion).",
    "Qwen": "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]",
    "Mistral": "Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 "
    "maximum context length",
    "Mistral, older": "Prompt contains 40000 tokens, which is more than the maximum of 32768",
    "Groq": "Please reduce the length of the messages or completion.",
    "Cerebras": "Please reduce the length of the messages or completion. Current length is 9000 "
    "while limit is 8192",
    "vLLM": "This model's maximum context length is 262144 tokens. However, you requested 0 output "
    "tokens and your prompt contains at least 262145 input tokens.",
    "vLLM, with max_tokens": "'max_tokens' or 'max_completion_tokens' is too large: 9000. This "
    "model's maximum context length is 8192 tokens and your request has 20 input tokens.",
    "vLLM, decoder": "The decoder prompt (length 9000) is longer than the maximum model length of "
    "8192.",
    "SGLang": "Requested token count exceeds the model's maximum context length of 8192 tokens.",
    "Together": "The input (210000 tokens) is longer than the model's context length (200000 "
    "tokens).",
    "llama.cpp": "the request exceeds the available context size, try increasing it",
    "llama.cpp, numbers": "request (40000 tokens) exceeds the available context size (8192 tokens)",
    "llama.cpp, while generating": "Context size has been exceeded.",
    "LM Studio": "The number of tokens to keep from the initial prompt is greater than the context "
    "length.",
    "LM Studio, another": "Trying to keep the first 11978 tokens when context the overflows. "
    "However, the model is loaded with context length of only 4096 tokens",
    "Ollama": "prompt too long; exceeded max context length by 4 tokens",
    "Ollama, embeddings": "the input length exceeds the context length",
    "OpenRouter": "This endpoint's maximum context length is 32768 tokens. However, you requested "
    "about 40000 tokens.",
    "Poolside": "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
    "Bedrock": "Input is too long for requested model.",
    "Bedrock, Titan": "Malformed input request: expected maxLength: 50000, actual: 60000",
    "Cohere": "too many tokens: total number of tokens in the prompt cannot exceed 4081",
    "xAI": "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
    "Fireworks": "The prompt is too long: 140000, model maximum context length: 131071",
    "Kimi": "Invalid request: Your request exceeded model token limit: 131072 (requested: 200000)",
    "MiniMax": "invalid params, context window exceeds limit (2013)",
    "Z.ai": "Prompt exceeds max length",
    "Zhipu": "Prompt 超长",
    "Doubao": "Total tokens of image and text exceed max message tokens.",
    "GitHub Copilot": "prompt token count of 150000 exceeds the limit of 128000",
    "GitHub Models": "Request body too large for gpt-4o model. Max size: 8000 tokens.",
    "Hugging Face": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` "
    "tokens and 20 `max_new_tokens`",
    "Hugging Face, input": "`inputs` must have less than 1024 tokens. Given: 5000",
    "Watsonx": "the number of input tokens 5000 cannot exceed the total tokens limit 4096 for this "
    "model",
    "a relay": "tokens in request more than max tokens allowed",
    "DS4": "Prompt has 32769 tokens, but the configured context size is 32768 tokens",
    "Anthropic, a request": "prompt is too long",
    "LiteLLM": "litellm.ContextWindowExceededError: The input exceeds the model's maximum context "
    "limit of 8192 tokens.",
    "Snowflake": "conversation history too large to fit in context window",
    "Databricks": "prompt token count (150000) cannot exceed 128000.",
    "Writer": "input exceeds model context",
    "Chinese": "输入的上下文过长，超出模型最大上下文长度限制",
    "Chinese, tokens": "输入内容超过最大token限制",
    "Japanese": "プロンプトが長すぎます。",
    "Korean": "입력이 너무 깁니다. 모델의 최대 컨텍스트 길이를 초과했습니다.",
}
NO_OVERFLOW = {
    "max_tokens, OpenAI": "max_tokens is too large: 100000. This model supports at most 16384 "
    "completion tokens, whereas you provided 100000.",
    "max_tokens, Anthropic": "max_tokens: 100000 > 64000, which is the maximum allowed number of "
    "output tokens for claude-sonnet-4-5",
    "max_tokens, Gemini": "Unable to submit request because it has a maxOutputTokens value of "
    "100000 but the supported range is from 1 (inclusive) to 65537 (exclusive).",
    "max_tokens, Qwen": "Range of max_tokens should be [1, 8192]",
    "max_tokens, a relay": "The max_tokens parameter exceeds the maximum number of tokens allowed.",
    "thinking": "`max_tokens` must be greater than `thinking.budget_tokens`.",
    "thinking, too little": "thinking.budget_tokens: Input should be greater than or equal to 1024",
    "an image": "messages.0.content.1.image.source.base64: image exceeds 5 MB maximum",
    "a name": "Invalid 'user': string too long. Expected a string with maximum length 64, but got "
    "a string with length 100 instead.",
    "tools": "Invalid 'tools': array too long. Expected an array with maximum length 128.",
    "no messages": "messages: at least one message is required",
    "Go": 'Post "https://up.example/v1": context deadline exceeded (Client.Timeout exceeded while '
    "awaiting headers)",
    "Go, while reading": "stream error: context canceled",
    "the parameter": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    "'max_completion_tokens' instead.",
    "stop": "stop: maximum of 4 sequences",
    "context parameter": "Unknown parameter: 'context_management'.",
}
RATE = {
    "OpenAI, TPM": "Request too large for gpt-4 in organization org-1 on tokens per min (TPM): "
    "Limit 30000, Requested 40000. The input or output tokens must be reduced.",
    "Groq, TPM": "Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): "
    "Limit 6000, Requested 11122, please reduce your message size and try again.",
    "Copilot": "This request exceeds the limit of 30000 tokens per minute",
    "Bedrock": "Too many tokens, please wait before trying again.",
    "Groq, upgrade": "Rate limit reached for model. Need more tokens? Upgrade to Dev Tier today at "
    "https://console.groq.com/settings/billing",
    "Gemini": "You exceeded your current quota, please check your plan and billing details. Quota "
    "exceeded for metric: generate_content_free_tier_requests, limit: 15 Please retry in 13.7s.",
    "Vertex": "Quota exceeded for generate_content_requests_per_minute_per_project. Please submit "
    "a quota increase request.",
    "Gemini, older": "Resource has been exhausted (e.g. check quota).",
    "OpenRouter": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free "
    "model requests per day",
    "Moonshot": "Your account reached organization max RPM: 3, please try again after 1 seconds",
    "Scaleway": "INSUFFICIENT QUOTA You exceeded your current limit of concurrent requests.",
    "Scaleway, TPM": "INSUFFICIENT QUOTA You exceeded your limit of tokens per minute.",
    "Qwen": "Allocated quota exceeded, please increase your quota limit.",
    "Qwen, a workspace": "Workspace allocated quota exceeded, please increase your quota limit.",
    "Baidu": "Open api qps request limit reached",
    "Baidu, a day": "Open api daily request limit reached",
    "Spark": "AppIdQpsOverFlowError:(code=11202)",
    "MiniMax": "conn limit",
    "NVIDIA": "Worker local total request limit reached (33/32)",
    "OpenAI, no card": "Rate limit reached for default. Limit: 3 / min. Please try again in 20s. "
    "Please add a payment method to your account to increase your rate limit.",
}
MONEY = {
    "OpenAI": "You exceeded your current quota, please check your plan and billing details.",
    "Anthropic": "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
    "Billing to upgrade or purchase credits.",
    "Anthropic, limit": "You have reached your specified API usage limits. You will regain access "
    "on 2026-12-01.",
    "DeepSeek": "Insufficient Balance",
    "OpenRouter": "This request requires more credits, or fewer max_tokens. You requested up to "
    "65536 tokens, but can only afford 1234.",
    "OpenRouter, key": "Key limit exceeded (total limit).",
    "xAI": "Your team has either used all available credits or reached its monthly spending limit.",
    "xAI, new": "Your newly created team doesn't have any credits yet.",
    "Together": "Credit limit exceeded, please navigate to billing",
    "Hugging Face": "You have exceeded your monthly included credits for Inference Providers.",
    "Gemini": "Your prepayment credits are depleted.",
    "Qwen": "Access denied, please make sure your account is in good standing: Arrearage",
    "Qwen, free": "The free tier of the model has been exhausted.",
    "Moonshot": "Your account is suspended, please check your plan and billing details",
    "LiteLLM": "Budget has been exceeded! Current cost: 1.2, Max budget: 1.0",
    "Cloudflare": "you have used up your daily free allocation of 10,000 neurons",
    "new-api": "用户额度不足, 剩余额度: ＄-0.000002",
    "new-api, before": "预扣费额度失败, 用户剩余额度: ＄0.1, 需要预扣费额度: ＄0.2",
    "new-api, English": "user quota is not enough",
    "new-api, token": "token quota is not enough, token remain quota: $0.1",
    "new-api, credit": "User's credit limit is insufficient, remaining credit limit: $0.000000",
    "one-api": "该令牌额度已用尽",
    "Zhipu": "您的账户已欠费，请充值后重试。",
    "SiliconFlow": "Sorry, your account balance is insufficient",
    "a relay": "余额不足",
    "traditional": "餘額不足",
    "Japanese": "クレジットが不足しています。",
    "Korean": "잔액이 부족합니다.",
    "Qwen, free quota": "Free allocated quota exceeded.",
    "Fireworks": "Account acme is suspended, possibly due to reaching the monthly spending limit or "
    "failure to pay past invoices.",
    "Z.ai, a week": "Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-12-01 10:00:00",
    "Zhipu, five hours": "已达到 5 小时的使用上限。您的限额将在 2026-12-01 10:00:00 重置。",
    "Hunyuan": "资源包余量已用尽，请购买资源包或开通后付费",
    "Copilot": "You have exceeded your premium request allowance.",
    "Azure API Management": "Out of call volume quota. Quota will be replenished in 08:12:11.",
    "a bare one": "Quota exceeded",
    "a code in words": "insufficient_quota",
}
POLICY = {
    "OpenAI": "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
    "OpenAI, images": "Your request was rejected as a result of our safety system.",
    "Azure": "The response was filtered due to the prompt triggering Azure OpenAI's content "
    "management policy.",
    "Anthropic": "Output blocked by content filtering policy",
    "Gemini": "The prompt was blocked due to safety reasons (PROHIBITED_CONTENT).",
    "DeepSeek": "Content Exists Risk",
    "Qwen": "Input data may contain inappropriate content.",
    "Moonshot": "The request was rejected because it was considered high risk",
    "xAI": "Content violates usage guidelines.",
    "Zhipu": "系统检测到输入或生成内容可能包含不安全或敏感内容，请您避免输入易产生敏感内容的提示语",
    "new-api": "检测到敏感词",
    "MiniMax": "output new_sensitive",
    "Cloudflare": "Prompt blocked due to security configurations",
    "Portkey": "The guardrail checks defined in the config failed.",
    "Korean": "부적절한 내용이 포함되어 있습니다.",
}
NO_MODEL = {
    "OpenAI": "The model `gpt-9` does not exist or you do not have access to it.",
    "Gemini": "models/gemini-9 is not found for API version v1main",
    "OpenRouter": "acme/none is not a valid model ID",
    "OpenRouter, none": "No endpoints found for acme/none.",
    "Groq": "The model `llama2-70b` has been decommissioned and is no longer supported.",
    "Ollama": 'model "llama9" not found, try pulling it first',
    "Qwen": "Model not exist: unknown model",
    "Chinese": "模型 foo 不存在",
    "Korean": "모델을 찾을 수 없습니다.",
}
NO_CHANNEL = {
    "one-api": "当前分组 default 下对于模型 gpt-4.1 无可用渠道",
    "new-api": "No available channel for model gpt-4.1 under group default (distributor)",
}
KEY = {
    "OpenAI": "Incorrect API key provided: ***.",
    "Gemini": "API key not valid. Please pass a valid API key.",
    "one-api": "无效的令牌",
    "Gemini, not there": "API Key not found. Please pass a valid API key.",
    "Gemini, expired": "API key expired. Please renew the API key.",
    "MiniMax": "login fail: Please carry the API secret key in the 'Authorization' field",
    "Baidu": "Access token invalid or no longer valid",
    "Spark": "AppIdNoAuthError",
    "DeepSeek": "Authentication Fails (no such user)",
}
BUSY = {
    "OpenAI": "The engine is currently overloaded, please try again later",
    "Gemini": "The model is overloaded. Please try again later.",
    "Anthropic": "Overloaded",
    "DeepSeek": "The server is busy now.",
    "new-api": "当前分组上游负载已饱和，请稍后再试",
    "Qwen": "服务器繁忙",
    "Zhipu": "该模型当前访问量过大，请您稍后再试",
    "Together": "The model is at full capacity",
    "Korean": "서버가 과부하 상태입니다.",
}


def rows(table):
    return pytest.mark.parametrize("said", table.values(), ids=table)


def refused(status, said):
    body = json.dumps({"error": {"message": said, "type": None}}).encode()
    return type(refusal(status, {}, body, wall=0.0))


@pytest.mark.parametrize("status", [400, 422, 500, 503, None])
@rows(OVERFLOW)
def test_a_prompt_that_is_too_long_is_known_by_every_familys_words(said, status):
    assert refused(status, said) is ContextLengthError
    assert refused(status, said.upper()) is ContextLengthError


@pytest.mark.parametrize("status", [400, None])
@rows(NO_OVERFLOW | RATE | MONEY | POLICY | NO_MODEL | KEY | BUSY)
def test_a_near_miss_is_no_prompt_that_is_too_long(said, status):
    assert refused(status, said) is not ContextLengthError


@rows(NO_OVERFLOW)
def test_what_is_wrong_with_a_request_otherwise_stays_a_bad_request(said):
    assert refused(400, said) is BadRequestError


@pytest.mark.parametrize("status", [413, 429, 403, 500, None])
@rows(RATE)
def test_a_rate_is_neither_a_window_nor_money(said, status):
    assert refused(status, said) is RateLimitError


@pytest.mark.parametrize("status", [400, 401, 402, 403, 429, 500, 503, None])
@rows(MONEY)
def test_no_money_is_known_in_any_status(said, status):
    assert refused(status, said) is QuotaExceededError


@pytest.mark.parametrize("status", [400, 403, 500, None])
@rows(POLICY)
def test_a_filter_is_known_by_its_words(said, status):
    assert refused(status, said) is ContentPolicyError


@pytest.mark.parametrize("status", [400, 404, None])
@rows(NO_MODEL)
def test_a_model_that_is_not_there_is_known_by_its_words(said, status):
    assert refused(status, said) is NotFoundError


@pytest.mark.parametrize("status", [400, 404, 500, 503, None])
@rows(NO_CHANNEL)
def test_a_gateway_without_a_channel_for_the_model_is_known_by_its_words(said, status):
    assert refused(status, said) is NotFoundError


def test_a_router_that_names_a_wait_has_deployments_again_soon():
    said = "No deployments available for selected model, Try again in 60 seconds."
    assert refused(429, said) is RateLimitError


@pytest.mark.parametrize("status", [400, 401, None])
@rows(KEY)
def test_a_wrong_key_is_known_by_its_words(said, status):
    assert refused(status, said) is AuthenticationError


@pytest.mark.parametrize("status", [500, 503, None])
@rows(BUSY)
def test_an_overload_is_known_by_its_words(said, status):
    assert refused(status, said) is OverloadedError


ALL = [OVERFLOW, NO_OVERFLOW, RATE, MONEY, POLICY, NO_MODEL, NO_CHANNEL, KEY, BUSY]


@pytest.mark.parametrize("said", [each for table in ALL for each in table.values()])
def test_words_do_not_change_what_a_code_says(said):
    body = {"error": {"message": said, "code": "context_length_exceeded"}}
    assert type(refusal(429, {}, json.dumps(body).encode(), wall=0.0)) is ContextLengthError
    assert class_of_words(said, ContentPolicyError) is None


@pytest.mark.parametrize("cls", [PermissionDeniedError, AuthenticationError, NotFoundError])
def test_words_of_a_window_do_not_hide_a_key_or_a_path(cls):
    assert class_of_words("prompt is too long", cls) is None


def test_a_prompt_that_a_server_repeats_is_not_taken_for_its_words():
    said = "x" * MAX_CHARACTERS + "prompt is too long"
    assert class_of_words(said, BadRequestError) is None


@pytest.mark.parametrize("said", ["", "no", "Bad request", "internal error", "oops" * 10_000])
def test_words_that_say_nothing_leave_the_class_as_it_is(said):
    assert class_of_words(said, ServerError) is None
    assert refused(None, said) is ServerError
    assert refused(400, said) is BadRequestError


@pytest.mark.parametrize(
    "character", ["a", "a ", "\\", "0", " tokens", "context ", "exceeds ", "超"]
)
def test_no_message_takes_long_to_read(character):
    class_of_words(character * MAX_CHARACTERS, APIError)
