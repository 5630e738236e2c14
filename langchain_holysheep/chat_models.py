"""`ChatHolySheep`: LangChain's chat model over the engine."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.utils import count_tokens_approximately
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils import from_env, secret_from_env
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import AliasChoices, ConfigDict, Field, PrivateAttr, SecretStr, field_validator

from holysheep_core import (
    DEFAULT_BASE_URL,
    ChatRequest,
    Completion,
    Event,
    FallbackConfig,
    HolySheepError,
    Provider,
    ResumeConfig,
    RetryConfig,
    StreamingRetryHandler,
    Timeouts,
    estimate_tokens,
)
from langchain_holysheep.chunks import delta_chunk, last_chunk, result
from langchain_holysheep.errors import for_langchain
from langchain_holysheep.messages import to_wire
from langchain_holysheep.structured import Method, bindings, tool_choice_of, with_raw

_SENT = (
    "temperature",
    "max_tokens",
    "top_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
)


class ChatHolySheep(BaseChatModel):
    """Chat model for the HolySheep AI gateway (or any OpenAI-compatible API).

    A stream that is cut, stalls, is truncated or rate limited reaches the caller whole, once
    and in order, or raises an error that carries what did arrive. `invoke` and `batch` run on
    a stream inside, so the same holds there.

    >>> from holysheep_core.simulator import Scenario, Simulator, cut
    >>> with Simulator() as simulator:
    ...     script = simulator.add(Scenario(text="양 한 마리, 양 두 마리.", faults=[cut(at=7)]))
    ...     llm = ChatHolySheep(model="gpt-4.1", api_key="any", base_url=script.base_url)
    ...     "".join(chunk.text for chunk in llm.stream("세어 줘"))
    '양 한 마리, 양 두 마리.'

    Attributes:
        model: Model id, e.g. "gpt-4.1" or "claude-sonnet-4.5".
        api_key: The key; `HOLYSHEEP_API_KEY` if not given.
        base_url: The API's address; `HOLYSHEEP_BASE_URL`, else HolySheep's own.
        temperature: 0 to 2.
        max_tokens: Longest answer, in tokens, over all continuations.
        top_p: Nucleus sampling, 0 to 1.
        stop: Sequences at which the model stops.
        seed: For answers that can be repeated, as far as the provider can.
        frequency_penalty: -2 to 2.
        presence_penalty: -2 to 2.
        reasoning_effort: "low", "medium" or "high", for models that reason.
        extra_body: Any further fields of the request.
        default_headers: Headers added to every request.
        timeout: Shorthand for `timeouts`: seconds, or (connect, read).
        timeouts: The clocks.
        max_retries: Shorthand for `retry`.
        retry: When a failed request is tried again.
        resume: How a cut answer goes on; False raises instead.
        fallback_models: Models that stand in for a limited one; [] for none, None for the
            default table.
        fallback: The same, with its other settings.
        providers: Further OpenAI-compatible APIs, tried after this one.
        streaming: Stream inside `invoke` towards callbacks too, as LangChain means it.
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

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    api_key: SecretStr | str | None = Field(
        default_factory=secret_from_env("HOLYSHEEP_API_KEY", default=None), repr=False
    )
    base_url: str = Field(default_factory=from_env("HOLYSHEEP_BASE_URL", default=DEFAULT_BASE_URL))
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: list[str] | str | None = Field(
        default=None, validation_alias=AliasChoices("stop", "stop_sequences")
    )
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict)
    default_headers: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)
    timeout: float | tuple[float, float] | None = None
    timeouts: Timeouts | None = None
    max_retries: int | None = None
    retry: RetryConfig | None = None
    resume: ResumeConfig | bool = True
    fallback_models: list[str] | None = None
    fallback: FallbackConfig | None = None
    providers: Sequence[Provider] = Field(default=(), exclude=True, repr=False)
    streaming: bool = False
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
            base_url=self.base_url,
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
    ) -> ChatHolySheep:
        """Copy the model; with changed settings it gets an engine's client of its own."""
        copied = super().model_copy(update=update, deep=deep)
        if update:
            copied._built = None
        return copied

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out key and headers, which the other process has to have, and connections."""
        state = super().__getstate__()
        unset = dict.fromkeys(("api_key", "http_client", "http_async_client"))
        return {
            **state,
            "__dict__": {**state["__dict__"], **unset, "default_headers": {}},
            "__pydantic_private__": {"_built": None},
        }

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Take the key from the environment."""
        super().__setstate__(state)
        key = os.environ.get("HOLYSHEEP_API_KEY")
        self.api_key = SecretStr(key) if key else None

    # -- what LangChain asks a model about itself -------------------------------------------

    @property
    def _llm_type(self) -> str:
        return "holysheep-chat"

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Fields that are secrets, and the environment variables they come from."""
        return {"api_key": "HOLYSHEEP_API_KEY"}

    @property
    def _default_params(self) -> dict[str, Any]:
        """The request's fields, apart from messages."""
        params = {name: getattr(self, name) for name in _SENT}
        given = {name: value for name, value in params.items() if value is not None}
        stops = [self.stop] if isinstance(self.stop, str) else self.stop
        return {**given, **({"stop": stops} if stops else {}), **self.extra_body}

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        # The cache's key: all that changes an answer, and no secret.
        return {
            "model": self.model,
            "base_url": self.base_url,
            "fallback_models": self._handler.settings.fallback.models,
            **self._default_params,
        }

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        sent = {**self._default_params, **kwargs}
        params["ls_provider"] = "holysheep"
        params["ls_model_name"] = kwargs.get("model", self.model)
        params["ls_model_type"] = "chat"
        if sent.get("temperature") is not None:
            params["ls_temperature"] = sent["temperature"]
        if sent.get("max_tokens") is not None:
            params["ls_max_tokens"] = sent["max_tokens"]
        stops = stop or sent.get("stop")
        if stops:
            params["ls_stop"] = [stops] if isinstance(stops, str) else list(stops)
        return params

    def get_num_tokens(self, text: str) -> int:
        """Estimate the tokens of a text without downloading a tokenizer."""
        return estimate_tokens(text)

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[Any] | None = None,
    ) -> int:
        """Estimate the tokens of a prompt without downloading a tokenizer."""
        return count_tokens_approximately(messages)

    # -- answers ----------------------------------------------------------------------------

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> ChatRequest:
        params = {**self._default_params, **kwargs}
        for name in ("stream", "stream_usage"):  # for `_stream`, not for the server
            params.pop(name, None)
        model = params.pop("model", None) or self.model
        if stop is not None:
            params["stop"] = stop
        params = {name: value for name, value in params.items() if value is not None}
        return ChatRequest(model, to_wire(messages), params)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with_usage = kwargs.pop("stream_usage", self.stream_usage)
        request = self._request(messages, stop, kwargs)
        deltas = self._handler.stream(request, on_token=self.on_token)
        try:
            with closing(deltas):
                for delta in deltas:
                    if isinstance(delta, Completion):
                        yield last_chunk(delta, with_usage=with_usage)
                    else:
                        yield delta_chunk(delta)
        except HolySheepError as error:
            twin = for_langchain(error)
            raise twin from twin.__cause__

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with_usage = kwargs.pop("stream_usage", self.stream_usage)
        request = self._request(messages, stop, kwargs)
        deltas = self._handler.astream(request, on_token=self.on_token)
        try:
            async with aclosing(deltas):
                async for delta in deltas:
                    if isinstance(delta, Completion):
                        yield last_chunk(delta, with_usage=with_usage)
                    else:
                        yield delta_chunk(delta)
        except HolySheepError as error:
            twin = for_langchain(error)
            raise twin from twin.__cause__

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs)
        try:
            completion = self._handler.collect(request, on_token=self.on_token)
        except HolySheepError as error:
            twin = for_langchain(error)
            raise twin from twin.__cause__
        return result(completion)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, kwargs)
        try:
            completion = await self._handler.acollect(request, on_token=self.on_token)
        except HolySheepError as error:
            twin = for_langchain(error)
            raise twin from twin.__cause__
        return result(completion)

    # -- tools and structure ----------------------------------------------------------------

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind tools to the model.

        Args:
            tools: Functions, pydantic classes, `BaseTool`s or OpenAI-format tools.
            tool_choice: "auto", "none", "any", "required", True (any), a tool's name, or a dict.
            strict: Whether the server enforces the arguments' schema exactly.
            parallel_tool_calls: Whether the model may call several tools at once.
            **kwargs: Further fields of the request, `response_format` among them.
        """
        bound: dict[str, Any] = {
            "tools": [convert_to_openai_tool(tool, strict=strict) for tool in tools] or None,
            "tool_choice": tool_choice_of(tool_choice),
            "parallel_tool_calls": parallel_tool_calls,
        }
        given = {name: value for name, value in bound.items() if value is not None}
        return super().bind(**given, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "function_calling",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | Any]:
        """Return a chain whose answers fit a schema.

        Args:
            schema: A pydantic class, a TypedDict, a JSON schema or an OpenAI tool.
            method: "function_calling" (works with every model that has tools), "json_schema" or
                "json_mode".
            include_raw: Give a dict of "raw", "parsed" and "parsing_error" instead of raising.
            strict: Whether the server enforces the schema exactly.
            **kwargs: Further fields of the request.

        Raises:
            ValueError: Method and schema do not go together.
        """
        params, parser = bindings(schema, method, strict=strict)
        traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
        model: Any = self.bind(**params, ls_structured_output_format=traced, **kwargs)
        return with_raw(model, parser) if include_raw else model | parser
