"""Of every rule of every server, a request that breaks it and words of the refusal."""

from typing import Any

USER = {"role": "user", "content": "go"}
TOOL = {
    "type": "function",
    "function": {"name": "count", "parameters": {"type": "object", "properties": {}}},
}


def call(call_id: str = "abcdefgh1", **more: Any) -> dict[str, Any]:
    """Return a tool call."""
    function = {"name": "count", "arguments": "{}"}
    return {"id": call_id, "type": "function", "function": function, **more}


def calling(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an assistant message that calls a tool."""
    return {"role": "assistant", "content": None, "tool_calls": list(calls or [call()]), **more}


def result(call_id: str = "abcdefgh1", **more: Any) -> dict[str, Any]:
    """Return a tool message."""
    return {"role": "tool", "tool_call_id": call_id, "content": "42", **more}


def said(text: str | None, **more: Any) -> dict[str, Any]:
    """Return an assistant message."""
    return {"role": "assistant", "content": text, **more}


def schema(**fields: Any) -> dict[str, Any]:
    """Return the field `tools` with one tool whose parameters have these fields."""
    function = {"name": "count", "parameters": {"type": "object", "properties": {}, **fields}}
    return {"tools": [{"type": "function", "function": function}]}


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
STRICT = {
    "type": "json_schema",
    "json_schema": {"name": "Pay", "strict": True, "schema": {"type": "object", "properties": {}}},
}
SIGNED: dict[str, Any] = {"extra_content": {"google": {"thought_signature": "other"}}}
BLOCK = {"type": "thinking", "thinking": "Hm", "signature": "forged"}
CACHED = [
    {"type": "text", "text": str(n), "cache_control": {"type": "ephemeral"}} for n in range(5)
]
LOOP = [USER, calling(), result()]
GPT, O4, CLAUDE, NEW_CLAUDE = "gpt-5", "o4-mini", "claude-sonnet-4.5", "claude-opus-4.6"
GEMINI, DEEPSEEK, V4 = "gemini-3-pro", "deepseek-reasoner", "deepseek-v4-pro"
MISTRAL, RELAY = "mistral-large-2411", "llama-3.3-70b"

REFUSED: list[tuple[str, list[dict[str, Any]], dict[str, Any], str]] = [
    (GPT, [USER], {"max_tokens": 9}, "Use 'max_completion_tokens' instead"),
    (GPT, [USER], {"temperature": 0.2}, "Only the default (1) value"),
    (GPT, [USER], {"stop": ["x"]}, "'stop' is not supported"),
    (GPT, [USER], {"top_k": 4}, "Unrecognized request argument supplied: top_k"),
    (GPT, [USER], THINKING, "Unrecognized request argument supplied: thinking"),
    (GPT, [USER], {"tool_choice": "auto"}, "only allowed when 'tools'"),
    (GPT, [USER], {"response_format": STRICT}, "'additionalProperties' is required"),
    (GPT, [USER, said("x", reasoning_content="h"), USER], {}, "messages[1].reasoning_content"),
    (GPT, [USER, calling(call(**SIGNED)), result()], {}, "tool_calls[0].extra_content"),
    (GPT, [USER, calling()], {}, "must be followed by tool messages"),
    (GPT, [USER, result()], {}, "must be a response to a preceeding"),
    (GPT, [USER, calling(call("x" * 41)), result("x" * 41)], {}, "maximum length 40"),
    (GPT, [{"role": "ai", "content": "x"}], {}, "Invalid value: 'ai'"),
    (GPT, [{"role": "user", "content": CACHED}], {}, "content[0].cache_control"),
    (GPT, [USER, said(None), USER], {}, "expected a string, got null"),
    (O4, [USER], {"parallel_tool_calls": False, "tools": [TOOL]}, "'parallel_tool_calls' is not"),
    (CLAUDE, [USER], {**THINKING, "max_tokens": 1024}, "must be greater than"),
    (CLAUDE, [USER], {"thinking": {"type": "enabled"}}, "budget_tokens: Field required"),
    (CLAUDE, [USER], {**THINKING, "temperature": 0.2}, "may only be set to 1"),
    (CLAUDE, [USER], {**THINKING, "tool_choice": "required"}, "forces tool use"),
    (CLAUDE, [USER], {"temperature": 0.2, "top_p": 0.9}, "cannot both be specified"),
    (CLAUDE, [USER], {"safe_prompt": True}, "safe_prompt: Extra inputs"),
    (CLAUDE, [USER, said("It is ")], {}, "trailing whitespace"),
    (NEW_CLAUDE, [USER, said("It is")], {}, "does not support assistant message prefill"),
    (CLAUDE, [USER, calling(call("functions.count:0")), result()], {}, "should match pattern"),
    (CLAUDE, [*LOOP, calling(), result()], {}, "ids must be unique"),
    (CLAUDE, [USER, result()], {}, "unexpected `tool_use_id`"),
    (CLAUDE, [USER, calling(), USER], {}, "ids were found without"),
    (CLAUDE, LOOP, THINKING, "Expected `thinking` or `redacted_thinking`, but found `tool_use`"),
    (CLAUDE, [USER, calling(thinking_blocks=[BLOCK]), result()], {}, "Invalid `signature`"),
    (CLAUDE, [{"role": "user", "content": ""}], {}, "must be non-empty"),
    (CLAUDE, [{"role": "user", "content": "\n"}], {}, "non-whitespace text"),
    (CLAUDE, [{"role": "user", "content": CACHED}], {}, "Found 5"),
    ("claude-opus-4.7", [USER], {"temperature": 0.2}, "`temperature` is deprecated"),
    ("claude-opus-4.7", [USER], THINKING, "is not supported for this model"),
    ("claude-opus-5.5", [USER, calling(thinking_blocks=[BLOCK]), result()], {}, "is bound to a"),
    (GEMINI, [USER], {"top_k": 4, "seed": 7}, 'Unknown name "seed": Cannot find field.'),
    (GEMINI, [USER], schema(additionalProperties=False), 'Unknown name "additionalProperties" at'),
    (GEMINI, [USER], schema(properties={"a": {"$ref": "#/$defs/A"}}), "parameters.properties.a"),
    (GEMINI, LOOP, {}, "function call `default_api:count` , position 2"),
    (GEMINI, [USER, calling(call(**SIGNED)), result()], {}, "Corrupted thought signature."),
    (GEMINI, [USER, said("x", reasoning_content="h"), USER], {}, "messages[1]"),
    (GEMINI, [USER, calling(), USER], {}, "number of function response parts"),
    (GEMINI, [{"role": "user", "content": ""}], {}, "contents.parts must not be empty"),
    (GEMINI, [USER, said("x"), calling(), result()], {}, "function call turn comes immediately"),
    (DEEPSEEK, [USER], {"tool_choice": "required", "tools": [TOOL]}, "this tool_choice"),
    (DEEPSEEK, LOOP, {}, "in the assistant message at message index 1."),
    (V4, [*LOOP, said("x"), USER], {}, "must be passed back to the API"),
    (DEEPSEEK, [USER, said("x", prefix=True)], {}, "only available when using beta api"),
    (DEEPSEEK, [USER, said("x")], {}, "with prefix mode on"),
    (DEEPSEEK, [USER], {"response_format": STRICT}, "type is unavailable now"),
    (DEEPSEEK, [USER, calling()], {}, "insufficient tool messages"),
    (DEEPSEEK, [{"role": "developer", "content": "x"}, USER], {}, "unknown variant `developer`"),
    (MISTRAL, [USER], {"stream_options": {"include_usage": True}}, "extra_forbidden"),
    (MISTRAL, [USER, said("x", reasoning_content="h"), USER], {}, "reasoning_content"),
    (MISTRAL, [USER, USER], {}, "roles must alternate"),
    (MISTRAL, [*LOOP, USER], {}, "Unexpected role 'user' after role 'tool'"),
    (MISTRAL, [USER, said("x")], {}, "but got assistant"),
    (MISTRAL, [USER, calling(call("call_1")), result("call_1")], {}, "with a length of 9"),
    (MISTRAL, [USER, calling(call(), call("abcdefgh2")), result()], {}, "Not the same number"),
    (RELAY, [USER, said("x", reasoning="h"), USER], {}, "property 'reasoning' is unsupported"),
    (RELAY, [USER, calling(), result(name="count")], {}, "for 'role:tool'"),
    (RELAY, [USER, calling(call(**SIGNED)), result()], {}, "property 'extra_content'"),
    (RELAY, [{"role": "user", "content": CACHED}], {}, "property 'cache_control'"),
    (RELAY, [USER], {"top_k": 4}, "property 'top_k' is unsupported"),
    (RELAY, [USER], {"reasoning_effort": "low"}, "is not supported with this model"),
]

TAKEN: list[tuple[str, list[dict[str, Any]], dict[str, Any]]] = [
    (GPT, LOOP, {"max_completion_tokens": 900, "temperature": 1, "tools": [TOOL]}),
    (CLAUDE, [USER, said("It is")], {"max_tokens": 900}),
    (CLAUDE, [*LOOP, said("x"), USER], {**THINKING, "max_tokens": 2048}),
    (CLAUDE, [{"role": "user", "content": CACHED[:4]}], {}),
    (GEMINI, [*LOOP, said("x"), USER], {"max_tokens": 900, "temperature": 0.2}),
    (DEEPSEEK, [*LOOP, said("x"), USER], {"max_tokens": 900, "top_k": 4}),
    (DEEPSEEK, [USER, calling(reasoning_content=""), result()], {}),
    (MISTRAL, [USER, calling(), result(name="count"), said("x"), USER], {"random_seed": 7}),
    (RELAY, LOOP, {"seed": 7}),
]
