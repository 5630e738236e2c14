"""Refusals of real servers and gateways, in their words: what is asked again, and what is raised.

Each row is a status, a body and what has to follow: an error of this class at once, or a second
request, which gets a healthy answer. `None` as a status is an error inside a stream, first in it.
"""

import json

import pytest

import holysheep_core as core
from holysheep_core import RetryConfig
from support.calls import MODEL
from support.raw_server import RawServer, by_async_handler, by_handler, by_langchain
from support.sse import DONE, END, choice, said

GOOD, BEGIN = "All good, recovered answer.", "The quick brown fox jumps over the la"
FOX = "The quick brown fox jumps over the lazy dog."
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
AGAIN = "asked again"
QUOTA, CONTEXT = core.QuotaExceededError, core.ContextLengthError
NOT_FOUND, KEY = core.NotFoundError, core.AuthenticationError
POLICY, DENIED, BAD = core.ContentPolicyError, core.PermissionDeniedError, core.BadRequestError


def error(message, **more):
    return {"error": {"message": message, **more}}


REFUSALS = {
    # -- an account without money, and not: a rate
    "Fireworks, suspended": (412, error("Account a is suspended, possibly due to reaching the "
        "monthly spending limit or failure to pay past invoices."), QUOTA),
    "Scaleway, too many at once": (429, {"status": 429, "error": "INSUFFICIENT QUOTA", "message":
        "You exceeded your current limit of concurrent requests."}, AGAIN),
    "Qwen, tokens a minute": (429, error("Allocated quota exceeded, please increase your quota "
        "limit.", code="insufficient_quota", type="insufficient_quota"), AGAIN),
    "Qwen, free quota": (429, error("Free allocated quota exceeded."), QUOTA),
    "Z.ai, no balance": (429, error("Insufficient balance or no resource package.", code="1113"),
        QUOTA),
    "Z.ai, five hours": (429, error("Usage limit reached for 5 hour.", code="1308"), QUOTA),
    "Zhipu, five hours": (429, error("已达到 5 小时的使用上限。", code="1308"), QUOTA),
    "Zhipu, too many at once": (None, error("您当前使用该API的并发数过高", code="1302"), AGAIN),
    "Zhipu, busy": (None, error("该模型当前访问量过大", code="1305"), AGAIN),
    "MiniMax, no balance": (200, {"id": "x", "choices": None, "base_resp": {"status_code": 1008,
        "status_msg": "insufficient balance"}}, QUOTA),
    "MiniMax, no balance, in an event": (None, {"choices": None, "base_resp": {"status_code": 1008,
        "status_msg": "insufficient balance"}}, QUOTA),
    "MiniMax, a rate": (200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
        AGAIN),
    "Doubao, the user's own limit": (429, error("Your account has reached the set inference limit",
        code="SetLimitExceeded", type="TooManyRequests"), QUOTA),
    "Doubao, a rate": (429, error("The Requests Per Minute (RPM) limit has been exceeded.",
        code="RateLimitExceeded.EndpointRPMExceeded"), AGAIN),
    "xAI, credits": (403, {"code": "The caller does not have permission to execute the specified "
        "operation", "error": "Your newly created team doesn't have any credits yet."}, QUOTA),
    "xAI, a rate": (429, {"code": "Some resource has been exhausted", "error": "Too many requests "
        "for team x. Your team's rate limit is - Requests per Second: 3/2."}, AGAIN),
    "Cerebras, a minute": (429, {"message": "Requests per minute limit exceeded", "type":
        "too_many_requests_error", "code": "request_quota_exceeded"}, AGAIN),
    "NVIDIA, credits": (402, {"title": "Payment Required", "detail": "Cloud credits expired"},
        QUOTA),
    "NVIDIA, a full worker": (None, error("Worker local total request limit reached (33/32)"),
        AGAIN),
    "Azure API Management": (403, {"statusCode": 403, "message": "Out of call volume quota."},
        QUOTA),
    "Novita": (403, {"code": 403, "reason": "NOT_ENOUGH_BALANCE", "message": "not enough balance"},
        QUOTA),
    "LiteLLM, budget": (400, error("Budget has been exceeded!", type="budget_exceeded"), QUOTA),
    "LiteLLM, a rate in the stream": (None, error("litellm.RateLimitError: rate_limit",
        type="None", param="None", code="429"), AGAIN),
    "Copilot": (429, "You have exceeded your premium request allowance.", QUOTA),
    "Baidu, a day": (200, {"error_code": 17, "error_msg": "Open api daily request limit reached"},
        AGAIN),
    "Kong": (429, {"message": "API rate limit exceeded"}, AGAIN),
    "Apigee": (429, {"fault": {"faultstring": "Spike arrest violation."}}, AGAIN),
    "Cloudflare AI Gateway": (429, {"success": False, "error": [{"code": 2003, "message":
        "Rate limited"}]}, AGAIN),
    # -- a prompt that is too long
    "Databricks": (400, {"error_code": "BAD_REQUEST", "message": "prompt token count (150000) "
        "cannot exceed 128000."}, CONTEXT),
    "vLLM, newer": (400, error("You passed 9907 input tokens and requested 3200 output tokens. "
        "However, the model's context length is only 8192 tokens."), CONTEXT),
    "vLLM, in an event": (None, {"choices": None, "error_type": "BadRequestError",
        "error_message": "This model's maximum context length is 8192 tokens."}, CONTEXT),
    "SGLang, in parentheses": (400, {"object": "error", "code": 400, "message": "Input length "
        "(265330) exceeds model's maximum context length (262144)."}, CONTEXT),
    "TensorRT-LLM": (400, {"object": "error", "message": "The sum of prompt length (9000) and "
        "max_tokens (100) exceeds max_seq_len (8192)"}, CONTEXT),
    "SiliconFlow": (400, {"code": 20015, "message": "length of prompt_tokens (40000) must be less "
        "than max_seq_len (32768)."}, CONTEXT),
    "Spark": (200, {"code": 10907, "message": "tokens is over max tokens limit"}, CONTEXT),
    "OpenRouter, from behind": (400, error("Provider returned error", code=400, metadata={"raw":
        '{"error":{"message":"prompt is too long: 205000 tokens > 200000 maximum"}}'}), CONTEXT),
    "new-api, a 400 inside its 500": (500, error("bad response status code 400, message: prompt is "
        "too long: 2 tokens > 1 maximum", code="bad_response_status_code"), CONTEXT),
    "nginx": (413, "<html><head><title>413 Request Entity Too Large</title></head></html>",
        CONTEXT),
    # -- a model that is not there, or not for this key
    "Z.ai": (400, error("Unknown Model, please check the model code.", code="1211"), NOT_FOUND),
    "Together": (400, error("Unable to access non-serverless model a/b.", code=
        "model_not_available"), NOT_FOUND),
    "Azure": (404, error("The API deployment for this resource does not exist.", code=
        "DeploymentNotFound"), NOT_FOUND),
    "watsonx": (404, {"errors": [{"code": "model_not_supported", "message": "Model 'x' is not "
        "supported for this environment."}]}, NOT_FOUND),
    "new-api, no price": (500, error("Model x ratio or price not set", code="model_price_error"),
        NOT_FOUND),
    "LiteLLM, a key's models": (401, error("key not allowed to access model.", type=
        "key_model_access_denied", code="401"), DENIED),
    # -- keys
    "Gemini, expired": (400, [error("API key expired. Please renew the API key.", code=400)], KEY),
    "Gemini, not there": (400, [error("API Key not found. Please pass a valid API key.")], KEY),
    "Gemini, in a list in an event": (None, [error("API key not valid. Please pass a valid key.",
        code=400, status="INVALID_ARGUMENT")], KEY),
    "xAI, a 400": (400, {"code": "Client specified an invalid argument", "error":
        "Incorrect API key provided: ***."}, KEY),
    "MiniMax": (200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, KEY),
    "Baidu": (200, {"error_code": 110, "error_msg": "Access token invalid or no longer valid"},
        KEY),
    "Cloudflare": (None, {"result": {}, "success": False, "errors": [{"code": 10000, "message":
        "Authentication error"}]}, KEY),
    "Perplexity": (401, "<html><head><title>401 Authorization Required</title></head></html>", KEY),
    "SiliconFlow, a text": (401, '"Invalid token"', KEY),
    # -- filters
    "Azure, a filter": (400, error("The response was filtered", code="content_filter"), POLICY),
    "OpenRouter, moderation": (403, error("a requires moderation and your input was flagged",
        code=403, metadata={"reasons": ["violence"]}), POLICY),
    "MiniMax, a filter": (200, {"base_resp": {"status_code": 1026, "status_msg": "new_sensitive"}},
        POLICY),
    "Portkey": (446, error("The guardrail checks defined in the config failed.", type=
        "hooks_failed"), POLICY),
    "Cloudflare, a guardrail": (424, {"success": False, "error": [{"code": 2016, "message":
        "Prompt blocked due to security configurations"}]}, POLICY),
    # -- a bad request
    "Groq, a call that failed": (400, error("Failed to call a function.", type=
        "invalid_request_error", code="tool_use_failed", failed_generation="x"), BAD),
    "OpenAI, an organisation": (400, error("Your organization must be verified to stream this "
        "model.", param="stream", code="unsupported_value"), BAD),
    # -- what passes
    "llama.cpp, loading": (503, error("Loading model", code=503, type="unavailable_error"), AGAIN),
    "Groq, flex": (498, error("Flex tier capacity exceeded", type="capacity_exceeded"), AGAIN),
    "Envoy": (503, "upstream connect error or disconnect/reset before headers.", AGAIN),
    "HAProxy": (503, "<html><body><h1>503 Service Unavailable</h1>\n</body></html>", AGAIN),
    "Cloudflare, its own": (524, "error code: 524", AGAIN),
    "Ollama, in a stream": (None, {"error": "an error was encountered while running the model: "
        "unexpected EOF"}, AGAIN),
    "LM Studio": (None, {"error": "Model unloaded."}, AGAIN),
    "Lambda": (200, {"errorMessage": "Task timed out after 30.00 seconds"}, AGAIN),
    "Amazon": (None, {"Message": "Internal failure"}, AGAIN),
    "a relay's status": (200, {"status": "error", "data": None, "message": "upstream busy"}, AGAIN),
    "a relay's success": (200, {"success": False}, AGAIN),
    "new-api, no key left": (500, error("no enabled keys", code="channel:no_available_key"), AGAIN),
    "Envoy, under a 200": (200, "upstream request timeout", AGAIN),
    "a text under a 200": (200, "Internal Server Error", AGAIN),
    "Cloudflare, under a 200": (200, "error code: 1015", AGAIN),
    "a JSON text under a 200": (200, '"Too many requests"', AGAIN),
    "a page under a 200": (200, "<html><title>Login</title></html>", core.InvalidResponseError),
    "another text under a 200": (200, "It works!", core.InvalidResponseError),
}  # fmt: skip


def written(status, body):
    text = body if isinstance(body, str) else json.dumps(body)
    if status is None:
        return HEAD + b"data: " + text.encode() + b"\n\n"
    kind = (
        "text/html"
        if text[:1] == "<"
        else "application/json"
        if text[:1] in '{["'
        else "text/plain"
    )
    return (
        f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n{text}".encode()
    )


def ask(run, *answers):
    server = RawServer([[{"after_s": 0, "bytes": answer}] for answer in answers])
    settings = {"config": RetryConfig(base_delay=0.01, jitter=0)}
    if run is not by_langchain:  # which has none
        settings["fallback_models"] = []
    try:
        text = run(settings, server.url, {"model": MODEL, "params": {}})[0]
    except core.HolySheepError as failure:
        return type(failure), server.requests
    finally:
        server.close()
    return text, server.requests


@pytest.mark.parametrize("run", [by_handler, by_async_handler])
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_in_a_servers_own_words_leads_to_what_it_means(name, run):
    status, body, outcome = REFUSALS[name]
    wanted = (GOOD, 2) if outcome is AGAIN else (outcome, 1)
    assert ask(run, written(status, body), HEAD + said(GOOD) + END) == wanted


SHAPES = {
    "an error beside choices": b'data: {"choices": [{"delta": {"content": ""}, "finish_reason": "error"'
    b'}], "error": {"code": 502, "message": "gone"}}\n\n',
    "an error in a choice": choice(
        {"content": ""}, finish_reason="error", error={"code": 502, "message": "gone"}
    ),
    "llama.cpp's field": b'error: {"code": 500, "message": "slot unavailable"}\n\n',
    "Google's list": b'data: [{"error": {"code": 503, "status": "UNAVAILABLE"}}]\n\n',
    "Anthropic's": b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n',
    "an error without data": b"event: error\n\n",
    "an error of nothing": b"event: error\ndata: {}\n\n",
    "another event": b"event: exception\ndata: boom\n\n",
    "the word in brackets": b"data: [ERROR] upstream timeout\n\n",
    "the word before JSON": b'data: error: {"message": "gone"}\n\n',
    "MiniMax's": b'data: {"choices": [], "base_resp": {"status_code": 1000}}\n\n',
    "Amazon's": b'data: {"message": "The system encountered an unexpected error."}\n\n',
    "RFC 9457's": b'data: {"title": "Bad Gateway", "status": 502, "detail": "gone"}\n\n',
    "the Responses API's": b'data: {"type": "response.failed", "response": {"error": {}}}\n\n',
    "a page": b"<html>\n<head><title>504 Gateway Time-out</title></head>\n</html>\n",
    "half an event, then a page": b'data: {"choices":[{"delta":{"con<html>\n<h1>502</h1></html>\n',
    "half an event, then an error": b'data: {"choices":[{"de\n\ndata: {"error": {"code": 502}}\n\n',
    "a proxy's text": b"upstream connect error or disconnect/reset before headers\n",
    "a failed reason": choice({}, finish_reason="model_error"),
    "SGLang's abort": choice({}, finish_reason={"type": "abort", "message": "gone"}),
}


@pytest.mark.parametrize("run", [by_handler, by_async_handler, by_langchain])
@pytest.mark.parametrize("after", [b"", DONE], ids=["", "[DONE]"])
@pytest.mark.parametrize("name", SHAPES)
def test_an_answer_is_whole_that_an_error_of_any_shape_broke_off(name, after, run):
    begun = HEAD + said("The quick brown fox ") + said(BEGIN[20:])
    rest = HEAD + said(f"jumps over the la{FOX[len(BEGIN) :]}") + END
    assert ask(run, begun + SHAPES[name] + after, rest) == (FOX, 2)
