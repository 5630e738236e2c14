"""`HolySheep`: LlamaIndex's LLM over the engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx
from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
)
from llama_index.core.bridge.pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
)
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from pydantic import AliasChoices

from holysheep_core import (
    DEFAULT_BASE_URL,
    ChatRequest,
    Completion,
    Event,
    FallbackConfig,
    Provider,
    ResumeConfig,
    RetryConfig,
    StreamingRetryHandler,
    Timeouts,
    card,
    default_fallbacks,
)
from llamaindex_holysheep.closing import aclosing_all, closing_all, note, noting
from llamaindex_holysheep.messages import to_wire
from llamaindex_holysheep.responses import GrowingAnswer, as_completion, whole
from llamaindex_holysheep.tools import only_first_call, selections_of, tool_params

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool

_SENT = (
    "temperature",
    "max_tokens",
    "top_p",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
)
_UNKNOWN_WINDOW = 128_000


class HolySheep(FunctionCallingLLM):
    """LLM for the HolySheep AI gateway (or any OpenAI-compatible API).

    A stream that is cut, stalls, is truncated or rate limited reaches the caller whole, once
    and in order, or raises an error that carries what did arrive. `chat` and `complete` run on
    a stream inside, so the same holds there.

    >>> from holysheep_core.simulator import Scenario, Simulator, cut
    >>> with Simulator() as simulator:
    ...     script = simulator.add(Scenario(text="양 한 마리, 양 두 마리.", faults=[cut(at=7)]))
    ...     llm = HolySheep(model="gpt-4.1", api_key="any", api_base=script.base_url)
    ...     "".join(response.delta for response in llm.stream_complete("세어 줘"))
    '양 한 마리, 양 두 마리.'

    Attributes:
        model: Model id, e.g. "gpt-4.1" or "claude-sonnet-4.5".
        api_key: The key; `HOLYSHEEP_API_KEY` if not given.
        api_base: The API's address (`base_url` works too); `HOLYSHEEP_BASE_URL`, else
            HolySheep's own.
        temperature: 0 to 2.
        max_tokens: Longest answer, in tokens, over all continuations.
        top_p: Nucleus sampling, 0 to 1.
        stop: Sequences at which the model stops.
        seed: For answers that can be repeated, as far as the provider can.
        frequency_penalty: -2 to 2.
        presence_penalty: -2 to 2.
        reasoning_effort: "low", "medium" or "high", for models that reason.
        additional_kwargs: Any further fields of the request.
        default_headers: Headers added to every request.
        context_window: Tokens of prompt and answer; by default the smallest window among the
            model and its fallbacks.
        timeout: Shorthand for `timeouts`: seconds, or (connect, read).
        timeouts: The clocks.
        max_retries: Shorthand for `retry`.
        retry: When a failed request is tried again.
        resume: How a cut answer goes on; False raises instead.
        fallback_models: Models that stand in for a limited one; [] for none, None for the
            default table.
        fallback: The same, with its other settings.
        providers: Further OpenAI-compatible APIs, tried after this one.
        stream_usage: Ask for token usage at the end of a stream.
        on_token: Is called with each piece of text.
        on_event: Is called with each engine event.
        http_client: An `httpx.Client` to use.
        http_async_client: An `httpx.AsyncClient` to use.
        allow_http: Permit plain http to another machine.

    Raises:
        ConfigurationError: A setting cannot work; the message says which and why.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        extra="forbid",
        hide_input_in_errors=True,  # a rejected value may be the key
        populate_by_name=True,
        protected_namespaces=(),
    )

    model: str
    api_key: SecretStr | str | None = Field(default=None, exclude=True, repr=False)
    api_base: str = Field(
        default_factory=lambda: os.environ.get("HOLYSHEEP_BASE_URL") or DEFAULT_BASE_URL,
        validation_alias=AliasChoices("api_base", "base_url"),
    )
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: list[str] | str | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    default_headers: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)
    context_window: int | None = None
    timeout: float | tuple[float, float] | None = None
    timeouts: Timeouts | None = None
    max_retries: int | None = None
    retry: RetryConfig | None = Field(default=None, exclude=True)
    resume: ResumeConfig | bool = True
    fallback_models: list[str] | None = None
    fallback: FallbackConfig | None = None
    providers: Sequence[Provider] = Field(default=(), exclude=True, repr=False)
    stream_usage: bool = True
    on_token: Callable[[str], Any] | None = Field(default=None, exclude=True, repr=False)
    on_event: Callable[[Event], Any] | None = Field(default=None, exclude=True, repr=False)
    http_client: httpx.Client | None = Field(default=None, exclude=True, repr=False)
    http_async_client: httpx.AsyncClient | None = Field(default=None, exclude=True, repr=False)
    allow_http: bool = False

    _built: StreamingRetryHandler | None = PrivateAttr(default=None)

    @field_validator("api_key")
    @classmethod
    def _hide_key(cls, value: SecretStr | str | None) -> SecretStr | None:
        return SecretStr(value) if isinstance(value, str) else value

    def model_post_init(self, context: Any, /) -> None:
        """Build the engine's client, which checks the settings."""
        super().model_post_init(context)
        self._built = self._build()

    @property
    def _handler(self) -> StreamingRetryHandler:
        if self._built is None:
            self._built = self._build()
        return self._built

    def _build(self) -> StreamingRetryHandler:
        return StreamingRetryHandler(
            self.api_key.get_secret_value() if isinstance(self.api_key, SecretStr) else None,
            base_url=self.api_base,
            config=self.retry,
            max_retries=self.max_retries,
            timeouts=self.timeouts,
            timeout=self.timeout,
            resume=self.resume,
            fallback=self.fallback,
            fallback_models=self.fallback_models,
            providers=self.providers,
            on_event=self.on_event,
            http_client=self.http_client,
            http_async_client=self.http_async_client,
            default_headers=self.default_headers,
            allow_http=self.allow_http,
            stream_usage=self.stream_usage,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Build the engine's client anew when a setting changes."""
        super().__setattr__(name, value)
        if name in type(self).model_fields:
            self._built = None

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> HolySheep:
        """Copy the model; with changed settings it gets an engine's client of its own."""
        copied = super().model_copy(update=update, deep=deep)
        if update:
            copied._built = None
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the key, which the other process has from its environment, and connections."""
        built, self._built = self._built, None  # core warns of what it cannot pickle
        try:
            state = dict(super().__getstate__())
        finally:
            self._built = built
        gone = {"api_key", "default_headers", "http_client", "http_async_client"}
        state["__dict__"] = {k: v for k, v in state["__dict__"].items() if k not in gone}
        return state

    # -- what LlamaIndex asks a model about itself ------------------------------------------

    @classmethod
    def class_name(cls) -> str:
        """Return the name this class is serialised under."""
        return "HolySheep"

    @property
    def metadata(self) -> LLMMetadata:
        """What prompt helpers and agents may count on, whichever fallback answers."""
        fallback = self._handler.settings.fallback.models
        others = default_fallbacks(self.model) if fallback is None else tuple(fallback)
        windows = [card(name).context_window for name in (self.model, *others)]
        window = self.context_window or min((w for w in windows if w), default=_UNKNOWN_WINDOW)
        return LLMMetadata(
            context_window=window,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=True,
            model_name=self.model,
            system_role=MessageRole.SYSTEM,
        )

    # -- answers ----------------------------------------------------------------------------

    def _request(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatRequest:
        params = {name: getattr(self, name) for name in _SENT}
        params |= self.additional_kwargs | kwargs
        model = params.pop("model", None) or self.model
        given = {name: value for name, value in params.items() if value is not None}
        return ChatRequest(model, to_wire(messages), given)

    def _complete_now(
        self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]
    ) -> ChatResponse:
        request = self._request(messages, kwargs)
        return whole(self._handler.collect(request, on_token=self.on_token))

    async def _acomplete_now(
        self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]
    ) -> ChatResponse:
        request = self._request(messages, kwargs)
        return whole(await self._handler.acollect(request, on_token=self.on_token))

    def _grow(self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]) -> ChatResponseGen:
        deltas = self._handler.stream(self._request(messages, kwargs), on_token=self.on_token)
        note(deltas)

        def grow() -> ChatResponseGen:
            answer = GrowingAnswer()
            for delta in deltas:
                if isinstance(delta, Completion):
                    yield answer.finish(delta)
                else:
                    yield answer.add(delta)

        return grow()

    def _agrow(
        self, messages: Sequence[ChatMessage], kwargs: dict[str, Any]
    ) -> ChatResponseAsyncGen:
        deltas = self._handler.astream(self._request(messages, kwargs), on_token=self.on_token)
        note(deltas)

        async def grow() -> ChatResponseAsyncGen:
            answer = GrowingAnswer()
            async for delta in deltas:
                if isinstance(delta, Completion):
                    yield answer.finish(delta)
                else:
                    yield answer.add(delta)

        return grow()

    # Streams are told to LlamaIndex's callbacks in private methods, because core's wrapper
    # around a generator never closes what it wraps: the public ones do, at once.

    @llm_chat_callback()
    def _told_stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        return self._grow(messages, kwargs)

    @llm_chat_callback()
    async def _told_astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        return self._agrow(messages, kwargs)

    @llm_completion_callback()
    def _told_stream_complete(
        self,
        prompt: str,
        formatted: bool = False,
        **kwargs: Any,
    ) -> CompletionResponseGen:
        responses = self._grow([_user(prompt)], kwargs)
        return (as_completion(response) for response in responses)

    @llm_completion_callback()
    async def _told_astream_complete(
        self,
        prompt: str,
        formatted: bool = False,
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        responses = self._agrow([_user(prompt)], kwargs)
        return (as_completion(response) async for response in responses)

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Return the whole answer to a conversation."""
        return self._complete_now(messages, kwargs)

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Like `chat`, for asyncio."""
        return await self._acomplete_now(messages, kwargs)

    @llm_completion_callback()
    def complete(
        self,
        prompt: str,
        formatted: bool = False,
        **kwargs: Any,
    ) -> CompletionResponse:
        """Return the whole answer to a prompt."""
        return as_completion(self._complete_now([_user(prompt)], kwargs))

    @llm_completion_callback()
    async def acomplete(
        self,
        prompt: str,
        formatted: bool = False,
        **kwargs: Any,
    ) -> CompletionResponse:
        """Like `complete`, for asyncio."""
        return as_completion(await self._acomplete_now([_user(prompt)], kwargs))

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Stream the answer to a conversation; closing the stream closes the connection."""
        with noting() as opened:
            return closing_all(self._told_stream_chat(messages, **kwargs), opened)

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Like `stream_chat`, for asyncio."""
        with noting() as opened:
            return aclosing_all(await self._told_astream_chat(messages, **kwargs), opened)

    def stream_complete(
        self,
        prompt: str,
        formatted: bool = False,
        **kwargs: Any,
    ) -> CompletionResponseGen:
        """Stream the answer to a prompt; closing the stream closes the connection."""
        with noting() as opened:
            return closing_all(self._told_stream_complete(prompt, formatted, **kwargs), opened)

    async def astream_complete(
        self,
        prompt: str,
        formatted: bool = False,
        **kwargs: Any,
    ) -> CompletionResponseAsyncGen:
        """Like `stream_complete`, for asyncio."""
        with noting() as opened:
            told = await self._told_astream_complete(prompt, formatted, **kwargs)
            return aclosing_all(told, opened)

    # -- tools ------------------------------------------------------------------------------

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: str | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(_user(user_msg) if isinstance(user_msg, str) else user_msg)
        params = tool_params(
            tools, parallel=allow_parallel_tool_calls, required=tool_required, choice=tool_choice
        )
        return {"messages": messages, **params, **kwargs}

    def _validate_chat_with_tools_response(
        self,
        response: ChatResponse,
        tools: Sequence[BaseTool],
        allow_parallel_tool_calls: bool = False,
        **kwargs: Any,
    ) -> ChatResponse:
        return response if allow_parallel_tool_calls else only_first_call(response)

    def get_tool_calls_from_response(
        self,
        response: ChatResponse,
        error_on_no_tool_call: bool = True,
        **kwargs: Any,
    ) -> list[ToolSelection]:
        """Return the calls of a response.

        Raises:
            ValueError: There is none, and `error_on_no_tool_call` is set.
        """
        selections = selections_of(response)
        if not selections and error_on_no_tool_call:
            raise ValueError("Expected at least one tool call, but the model answered with text.")
        return selections


def _user(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=text)
