"""Deltas and completions to LlamaIndex's responses.

The contract: every response of a stream carries the new text in `delta` and the whole so far
in `message.blocks`, in a list of its own: thinking first, then *one* text block (two would be
joined with a newline), then tool calls. The last one carries `raw["usage"]`, where the token
counters look.
"""

from __future__ import annotations

from typing import Any, TypeVar

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    CompletionResponse,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from pydantic import BaseModel

from holysheep_core import Completion, Delta, ToolCall


class GrowingAnswer:
    """The answer so far, as LlamaIndex wants it told after each delta."""

    def __init__(self) -> None:
        self._text = ""
        self._reasoning = ""
        self._calls: tuple[ToolCall, ...] = ()

    def add(self, delta: Delta) -> ChatResponse:
        """Take a delta and return the response for it."""
        self._text += delta.text
        if not (delta.reasoning or delta.tool_calls or self._reasoning or self._calls):
            return _text_response(self._text, delta.text)
        self._reasoning += delta.reasoning
        self._calls += delta.tool_calls
        extra = {"thinking_delta": delta.reasoning} if delta.reasoning else {}
        return ChatResponse(
            message=self._message(), delta=delta.text, raw={}, additional_kwargs=extra
        )

    def finish(self, completion: Completion) -> ChatResponse:
        """Return the last response: no new text, all of the metadata."""
        return ChatResponse(message=self._message(), delta="", raw=_raw(completion))

    def _message(self) -> ChatMessage:
        return _message(self._text, self._reasoning, self._calls)


def _text_response(text: str, delta: str) -> ChatResponse:
    """Return the response of an answer that is nothing but text so far.

    It is made like one that pydantic has validated; strings that are known to be strings need
    that no second time, for each of the thousands of deltas an answer has.
    """
    block = _like(_BLOCK, text=text)
    message = _like(_MESSAGE, blocks=[block], additional_kwargs={})
    return _like(_RESPONSE, message=message, delta=delta, raw={}, additional_kwargs={})


def _like(model: _Model, **fields: Any) -> _Model:
    """Return a copy with other fields, which are known to be good."""
    made = _new(type(model))
    _set(made, "__dict__", {**model.__dict__, **fields})
    _set(made, "__pydantic_fields_set__", model.__pydantic_fields_set__.copy())
    _set(made, "__pydantic_extra__", None if model.__pydantic_extra__ is None else {})
    _set(made, "__pydantic_private__", None)
    return made


_Model = TypeVar("_Model", bound=BaseModel)
_new, _set = object.__new__, object.__setattr__


def whole(completion: Completion) -> ChatResponse:
    """Return a whole answer."""
    message = _message(completion.text, completion.reasoning, completion.tool_calls)
    return ChatResponse(message=message, raw=_raw(completion))


def as_completion(response: ChatResponse) -> CompletionResponse:
    """Return a chat response as the response of a completion."""
    return CompletionResponse(
        text=response.message.content or "",
        delta=response.delta,
        raw=response.raw,
        additional_kwargs=response.additional_kwargs,
    )


def _message(text: str, reasoning: str, calls: tuple[ToolCall, ...]) -> ChatMessage:
    blocks: list[Any] = [ThinkingBlock(content=reasoning)] if reasoning else []
    blocks.append(TextBlock(text=text))
    blocks += [
        ToolCallBlock(tool_call_id=call.id, tool_name=call.name, tool_kwargs=call.arguments)
        for call in calls
    ]
    extra = {"tool_calls": [_wire_call(call) for call in calls]} if calls else {}
    return ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks, additional_kwargs=extra)


def _wire_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


_BLOCK = TextBlock(text="")
_MESSAGE = _message("", "", ())
_RESPONSE = ChatResponse(message=_MESSAGE, delta="", raw={}, additional_kwargs={})


def _raw(completion: Completion) -> dict[str, Any]:
    usage = completion.usage
    return {
        "id": completion.id,
        "model": completion.model,
        "finish_reason": completion.finish_reason,
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
        },
        "resilience": completion.resilience(),
    }
