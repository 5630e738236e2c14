"""`ChatHolySheep`: LangChain's chat model over the engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Any

from langchain_core.caches import BaseCache
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.globals import get_llm_cache
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import ConfigDict, model_validator

from holysheep_core import HolySheepError, __version__
from holysheep_core.integrations import Owned
from holysheep_core.integrations.tool_choice import tool_choice_of
from langchain_holysheep.bound import BoundModel
from langchain_holysheep.caching import OnlyAskedModel
from langchain_holysheep.callbacks import Channels
from langchain_holysheep.chunks import result
from langchain_holysheep.failures import KEEPS_INVALID_JSON, result_of_failure
from langchain_holysheep.requests import tags_of
from langchain_holysheep.schemas import tool_of
from langchain_holysheep.serialization import register
from langchain_holysheep.stored_answers import StoredAnswers
from langchain_holysheep.streams import achunks_of, chunks_of
from langchain_holysheep.structured import (
    Method,
    bindings,
    checked,
    strictly,
    with_raw,
)


class ChatHolySheep(StoredAnswers):
    """Chat model for the HolySheep AI gateway (or any OpenAI-compatible API).

    A stream that is cut, stalls, is truncated or rate limited reaches the caller whole, once
    and in order, or raises a `HolySheepError` with the text so far in `partial`.
    `invoke` and `batch` use a stream internally, so they resume too.

    **Setup**: install `holysheep[langchain]`, and set `HOLYSHEEP_API_KEY` or give `api_key`.

    **Instantiate**

    >>> from langchain_holysheep import ChatHolySheep
    >>> llm = ChatHolySheep(model="gpt-4.1", temperature=0, max_tokens=1024)

    **Invoke**

    >>> messages = [("system", "Answer in one sentence."), ("user", "How do sheep live?")]
    >>> answer = llm.invoke(messages)
    >>> answer.text
    'Sheep live in flocks.'

    **Stream**

    >>> for chunk in llm.stream(messages):
    ...     print(chunk.text, end="", flush=True)
    Sheep live in flocks.

    **Async**: `ainvoke`, `astream` and `abatch`.

    >>> import asyncio
    >>> async def tell():
    ...     async for chunk in llm.astream(messages):
    ...         print(chunk.text, end="", flush=True)
    >>> asyncio.run(tell())
    Sheep live in flocks.

    **Tools**: `tool_calls` has calls whose arguments are complete; a cut never leaves half of one.

    >>> from pydantic import BaseModel, Field
    >>> class CountSheep(BaseModel):
    ...     '''Count the sheep on a meadow.'''
    ...     meadow: str = Field(description="Name of the meadow")
    >>> answer = llm.bind_tools([CountSheep]).invoke("How many sheep are on 'Long Acre'?")
    >>> answer.tool_calls[0]["name"], answer.tool_calls[0]["args"]
    ('CountSheep', {'meadow': 'Long Acre'})

    **Structured output**: incomplete JSON is never completed by guessing.

    >>> class Sheep(BaseModel):
    ...     name: str
    ...     age: int
    >>> llm.with_structured_output(Sheep).invoke("'Dolly' is 6 years old.")
    Sheep(name='Dolly', age=6)

    **Image input**: as a URL or as base64, with a model that reads images.

    >>> picture = {"type": "image", "url": "https://example.com/sheep.png"}
    >>> question = {"type": "text", "text": "What is in this picture?"}
    >>> llm.invoke([{"role": "user", "content": [question, picture]}]).text
    'Sheep live in flocks.'

    **Token usage**: over all requests of the call; tokens of cut requests are estimates.

    >>> answer.usage_metadata["total_tokens"] > 0
    True

    **Response metadata**: the model that answered, and what happened on the way.

    >>> answer.response_metadata["model_name"], answer.response_metadata["finish_reason"]
    ('gpt-4.1', 'tool_calls')
    >>> resilience = answer.response_metadata["resilience"]
    >>> resilience["resumes"], resilience["cost_usd"] > 0
    (0, True)

    **Errors**: typed, with the text so far; each is one of LangChain's errors too.

    >>> from holysheep_core import HolySheepError
    >>> try:
    ...     answer = llm.invoke(messages)
    ... except HolySheepError as error:
    ...     print(error, error.partial)

    **A cut stream**, on the local simulator:

    >>> from holysheep_core.simulator import Scenario, Simulator, cut
    >>> with Simulator() as simulator:
    ...     script = simulator.add(Scenario(text="양 한 마리, 양 두 마리.", faults=[cut(at=7)]))
    ...     llm = ChatHolySheep(model="gpt-4.1", api_key="any", base_url=script.base_url)
    ...     "".join(chunk.text for chunk in llm.stream("세어 줘"))
    '양 한 마리, 양 두 마리.'

    Attributes:
        model: Model id, e.g. "gpt-4.1" or "claude-sonnet-4.5".
        api_key: The key; `HOLYSHEEP_API_KEY` if not given.
        base_url: The API's base URL, e.g. "https://api.openai.com/v1"; `HOLYSHEEP_BASE_URL`,
            else HolySheep's own.
        temperature: 0 to 2.
        max_tokens: Longest answer, in tokens, over all continuations.
        top_p: Nucleus sampling, 0 to 1.
        stop: Sequences at which the model stops.
        seed: Makes answers repeatable, if the provider supports it.
        frequency_penalty: -2 to 2.
        presence_penalty: -2 to 2.
        reasoning_effort: "low", "medium" or "high", for reasoning models.
        extra_body: Any further fields of the request.
        default_headers: Headers added to every request.
        timeout: Shorthand for `timeouts`: seconds, or (connect, read).
        timeouts: Time limits in seconds: connect, first token, stall, whole call.
        max_retries: Shorthand for `retry`: retries per call, 5 by default.
        retry: When and how often a failed request is sent again.
        resume: How a cut answer is resumed; False raises `StreamInterruptedError` instead.
        fallback_models: Models that answer when `model` is rate limited or fails, in order; []
            for none, None for the default table.
        fallback: The same, with a cooldown.
        providers: Further OpenAI-compatible APIs, tried after this one.
        gateway: An `APIGateway`: providers with health checks, canaries and a switch, in place of
            API key, base URL and `providers`.
        rate_limits: Your own limits: a `RateLimits`, or "free", "starter" or "pro".
        circuit: When the circuit of a failing route opens.
        store: A `redis://` URL; shares limits, circuits and the retry budget with all processes
            that use the same URL.
        connections: Pool, proxy and DNS settings.
        streaming: Send tokens to callbacks during `invoke` too (LangChain's meaning).
        stream_usage: Request token usage at the end of a stream.
        coalesce: Merge the deltas of one network read into one chunk: cheaper for slow readers.
        catalog: Prices, context windows and abilities: a `Catalog`, or a TOML or JSON file.
        spend_limit: Most that one call may spend, in US$ or tokens.
        event_log: An SQLite file for `holysheep report` and `holysheep watch`.
        observers: Further observers of every call, e.g. an `OpenTelemetry`.
        journal: Stores answers while they arrive, so that `resume_stream` can resume them after a
            crash, `start` generates them without a reader, and others `follow_stream` them: a
            `Journal`, or its "sqlite:///…" or "redis://…" URL.
        on_token: Called with each piece of text.
        on_event: Called with each engine event; may be a coroutine function in async calls.
        events_in_stream: Whether engine events are in a graph's `stream_mode="custom"`, each as
            {"holysheep": {"event": "StreamCut", "message": …, its fields}}; other channels always
            have them.
        http_client: Your own `httpx.Client` or `httpx2.Client`, for sync calls.
        http_async_client: Your own `httpx.AsyncClient` or `httpx2.AsyncClient`, for async calls.
        allow_http: Permit plain http to another machine.

    Raises:
        ConfigurationError: A setting is invalid; the message names the setting and the reason.
    """

    model_config = ConfigDict(defer_build=False)

    @model_validator(mode="after")
    def _set_holysheep_version(self) -> ChatHolySheep:
        self._add_version("langchain-holysheep", __version__)
        return self

    def _caching_honestly(self) -> ChatHolySheep:
        cache = self.cache if isinstance(self.cache, BaseCache) else get_llm_cache()
        if cache is None or self.cache is False:
            return self
        # The copy shares the engine's client: a cache does not change requests.
        return super().model_copy(update={"cache": OnlyAskedModel(cache)})

    def _generate_with_cache(self, *args: Any, **kwargs: Any) -> ChatResult:
        model = self._caching_honestly()
        return super(ChatHolySheep, model)._generate_with_cache(*args, **kwargs)

    async def _agenerate_with_cache(self, *args: Any, **kwargs: Any) -> ChatResult:
        model = self._caching_honestly()
        return await super(ChatHolySheep, model)._agenerate_with_cache(*args, **kwargs)

    # -- answers ----------------------------------------------------------------------------

    def _channels(
        self, run_manager: AsyncCallbackManagerForLLMRun | CallbackManagerForLLMRun | None
    ) -> Channels:
        return Channels(run_manager, in_stream=self.events_in_stream)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with_usage = kwargs.get("stream_usage", self.stream_usage)
        request = self._request(messages, stop, tags_of(run_manager), kwargs)
        deltas = self._handler.stream(
            request, on_token=self.on_token, on_event=self._channels(run_manager).tell
        )
        yield from chunks_of(deltas, kwargs, with_usage=with_usage)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with_usage = kwargs.get("stream_usage", self.stream_usage)
        request = self._request(messages, stop, tags_of(run_manager), kwargs)
        deltas = self._handler.astream(
            request, on_token=self.on_token, on_event=self._channels(run_manager).atell
        )
        async with aclosing(Owned(achunks_of(deltas, kwargs, with_usage=with_usage))) as chunks:
            async for chunk in chunks:
                yield chunk

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, tags_of(run_manager), kwargs)
        try:
            completion = self._handler.collect(
                request, on_token=self.on_token, on_event=self._channels(run_manager).tell
            )
        except HolySheepError as error:
            return result_of_failure(error, kwargs)
        return result(completion)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request = self._request(messages, stop, tags_of(run_manager), kwargs)
        try:
            completion = await self._handler.acollect(
                request, on_token=self.on_token, on_event=self._channels(run_manager).atell
            )
        except HolySheepError as error:
            return result_of_failure(error, kwargs)
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
    ) -> BoundModel:
        """Bind tools to the model.

        Args:
            tools: Functions, pydantic classes, `BaseTool`s or OpenAI-format tools.
            tool_choice: "auto", "none", "any", "required", True (any), a tool's name, or a dict.
            strict: Whether the server enforces the arguments' schema exactly.
            parallel_tool_calls: Whether the model may call several tools at once.
            **kwargs: Further fields of the request, such as `response_format`.
        """
        bound: dict[str, Any] = {
            "tools": [tool_of(tool, strict=strict) for tool in tools] or None,
            "tool_choice": tool_choice_of(tool_choice),
            "parallel_tool_calls": parallel_tool_calls,
        }
        given = {name: value for name, value in bound.items() if value is not None}
        return self.bind(**given, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "function_calling",
        include_raw: bool = False,
        strict: bool | None = None,
        tool_choice: str | bool | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, dict[str, Any] | Any]:
        """Return a chain that answers with an instance of a schema.

        Args:
            schema: A pydantic class, a TypedDict, a JSON schema, an OpenAI tool, or a dict of
                "name", "schema" and "strict".
            method: "function_calling" (works with every model that has tools), "json_schema" or
                "json_mode".
            include_raw: Return a dict of "raw", "parsed" and "parsing_error" instead of raising.
            strict: Whether the server enforces the schema exactly.
            tool_choice: For "function_calling": "auto" for a model that cannot be made to call a
                tool, such as Claude or DeepSeek while they think.
            **kwargs: Further fields of the request.

        Raises:
            ValueError: The method cannot be used with this schema, `strict` or `tool_choice`.
            ModelRefusalError: While answering, if the model refuses or a filter ends its answer.
        """
        params, parser = bindings(schema, method, strict=strict, tool_choice=tool_choice)
        traced = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
        model: Any = self.bind(**params, ls_structured_output_format=traced, **kwargs)
        if include_raw and method != "function_calling":
            model, parser = model.bind(**{KEEPS_INVALID_JSON: True}), strictly(parser)
        parser = checked(parser, calls=method == "function_calling")
        if include_raw:
            return with_raw(model, parser)
        chain: Runnable[LanguageModelInput, Any] = model | parser
        return chain


register(ChatHolySheep)
