"""`HolySheep`: LlamaIndex's LLM over the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
)
from llama_index.core.llms.llm import ToolSelection
from pydantic import ConfigDict

from llamaindex_holysheep.calls import Call, user
from llamaindex_holysheep.closing import aclosing_all, closing_all, noting
from llamaindex_holysheep.messages import checked
from llamaindex_holysheep.stored_answers import StoredAnswers
from llamaindex_holysheep.tools import only_first_call, selections_of, tool_params, why_no_call

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool


class HolySheep(StoredAnswers):
    """LLM for the HolySheep AI gateway (or any OpenAI-compatible API).

    A stream that is cut, stalls, is truncated or rate limited reaches the caller whole, once
    and in order, or raises a `HolySheepError` with the text so far in `partial`.
    `chat` and `complete` use a stream internally, so they resume too.

    **Setup**: install `holysheep[llamaindex]`, and set `HOLYSHEEP_API_KEY` or give `api_key`.

    **Instantiate**

    >>> from llamaindex_holysheep import HolySheep
    >>> llm = HolySheep(model="gpt-4.1", temperature=0, max_tokens=1024)

    **Chat and complete**

    >>> from llama_index.core.llms import ChatMessage
    >>> messages = [
    ...     ChatMessage(role="system", content="Answer in one sentence."),
    ...     ChatMessage(role="user", content="How do sheep live?"),
    ... ]
    >>> response = llm.chat(messages)
    >>> response.message.content
    'Sheep live in flocks.'
    >>> llm.complete("How do sheep live?").text
    'Sheep live in flocks.'

    **Stream**

    >>> for response in llm.stream_chat(messages):
    ...     print(response.delta, end="", flush=True)
    Sheep live in flocks.

    **Async**: `achat`, `acomplete`, `astream_chat` and `astream_complete`.

    >>> import asyncio
    >>> async def tell():
    ...     async for response in await llm.astream_chat(messages):
    ...         print(response.delta, end="", flush=True)
    >>> asyncio.run(tell())
    Sheep live in flocks.

    **Tools**: calls have complete arguments; a cut never leaves half of one.

    >>> from llama_index.core.tools import FunctionTool
    >>> def count_sheep(meadow: str) -> int:
    ...     '''Count the sheep on a meadow.'''
    ...     return 12
    >>> tool = FunctionTool.from_defaults(count_sheep)
    >>> response = llm.chat_with_tools([tool], "How many sheep are on 'Long Acre'?")
    >>> [call] = llm.get_tool_calls_from_response(response)
    >>> call.tool_name, call.tool_kwargs
    ('count_sheep', {'meadow': 'Long Acre'})
    >>> llm.predict_and_call([tool], "How many sheep are on 'Long Acre'?").response
    '12'

    **Structured output**: incomplete JSON is never completed by guessing.

    >>> from pydantic import BaseModel
    >>> class Sheep(BaseModel):
    ...     name: str
    ...     age: int
    >>> llm.as_structured_llm(Sheep).complete("'Dolly' is 6 years old.").raw
    Sheep(name='Dolly', age=6)

    **Image input**: as a URL, a path or bytes, with a model that reads images.

    >>> from llama_index.core.llms import ImageBlock, TextBlock
    >>> picture = ImageBlock(url="https://example.com/sheep.png", image_mimetype="image/png")
    >>> blocks = [TextBlock(text="What is in this picture?"), picture]
    >>> llm.chat([ChatMessage(role="user", blocks=blocks)]).message.content
    'Sheep live in flocks.'

    **Token usage**: over all requests of the call; tokens of cut requests are estimates.

    >>> response = llm.chat(messages)
    >>> response.raw["usage"]["total_tokens"] > 0
    True

    **Response metadata**: the model that answered, and what happened on the way.

    >>> response.raw["model"], response.raw["resilience"]["resumes"]
    ('gpt-4.1', 0)

    **Errors**: typed, with the text so far.

    >>> from holysheep_core import HolySheepError
    >>> try:
    ...     response = llm.chat(messages)
    ... except HolySheepError as error:
    ...     print(error, error.partial)

    **A cut stream**, on the local simulator:

    >>> from holysheep_core.simulator import Scenario, Simulator, cut
    >>> with Simulator() as simulator:
    ...     script = simulator.add(Scenario(text="양 한 마리, 양 두 마리.", faults=[cut(at=7)]))
    ...     llm = HolySheep(model="gpt-4.1", api_key="any", api_base=script.base_url)
    ...     "".join(response.delta for response in llm.stream_complete("세어 줘"))
    '양 한 마리, 양 두 마리.'

    Attributes:
        model: Model id, e.g. "gpt-4.1" or "claude-sonnet-4.5".
        api_key: The key; `HOLYSHEEP_API_KEY` if not given.
        api_base: The API's base URL (`base_url` works too); `HOLYSHEEP_BASE_URL`, else
            HolySheep's own.
        temperature: 0 to 2.
        max_tokens: Longest answer, in tokens, over all continuations.
        top_p: Nucleus sampling, 0 to 1.
        stop: Sequences at which the model stops.
        seed: Makes answers repeatable, if the provider supports it.
        frequency_penalty: -2 to 2.
        presence_penalty: -2 to 2.
        reasoning_effort: "low", "medium" or "high", for reasoning models.
        additional_kwargs: Any further fields of the request.
        default_headers: Headers added to every request.
        strict: Have the server enforce the schemas of tools and of `response_format` exactly.
        context_window: Tokens of prompt and answer; by default the smallest window among the
            model and its fallback models. A model that is not in the catalog counts as one of
            3,900 tokens, or twice `max_tokens`, and a log line names it.
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
        stream_usage: Request token usage at the end of a stream.
        coalesce: Merge the deltas of one network read into one chunk: cheaper for slow readers.
        catalog: Prices, context windows and abilities: a `Catalog`, or a TOML or JSON file.
        spend_limit: Most that one call may spend, in US$ or tokens.
        event_log: An SQLite file for `holysheep report` and `holysheep watch`.
        observers: Further observers of every call, e.g. an `OpenTelemetry`.
        journal: Stores answers while they arrive, so that `resume_stream_chat` can resume them
            after a crash, `start_chat` generates them without a reader, and others
            `follow_stream_chat` them: a `Journal`, or its "sqlite:///…" or "redis://…" URL.
        on_token: Called with each piece of text.
        on_event: Called with each engine event; may be a coroutine function in async calls.
        http_client: Your own `httpx.Client` or `httpx2.Client`, for sync calls.
        http_async_client: Your own `httpx.AsyncClient` or `httpx2.AsyncClient`, for async calls.
        allow_http: Permit plain http to another machine.

    Raises:
        ConfigurationError: A setting is invalid; the message names the setting and the reason.
    """

    model_config = ConfigDict(defer_build=False)

    @classmethod
    def class_name(cls) -> str:
        """Return the name that serialised models carry."""
        return "HolySheep"

    # -- answers ----------------------------------------------------------------------------

    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Return the whole answer to a conversation."""
        response: ChatResponse = Call(self).chat(checked(messages), **kwargs)
        return response

    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """Like `chat`, for asyncio."""
        response: ChatResponse = await Call(self).achat(checked(messages), **kwargs)
        return response

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """Return the whole answer to a prompt."""
        response: CompletionResponse = Call(self).complete(prompt, formatted, **kwargs)
        return response

    async def acomplete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponse:
        """Like `complete`, for asyncio."""
        response: CompletionResponse = await Call(self).acomplete(prompt, formatted, **kwargs)
        return response

    # LlamaIndex's wrapper never closes the generator inside: see `closing`.

    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """Stream the answer to a conversation; closing the stream closes the connection."""
        with noting() as opened:
            return closing_all(Call(self).stream_chat(checked(messages), **kwargs), opened)

    async def astream_chat(
        self, messages: Sequence[ChatMessage], **kwargs: Any
    ) -> ChatResponseAsyncGen:
        """Like `stream_chat`, for asyncio."""
        with noting() as opened:
            return aclosing_all(await Call(self).astream_chat(checked(messages), **kwargs), opened)

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseGen:
        """Stream the answer to a prompt; closing the stream closes the connection."""
        with noting() as opened:
            return closing_all(Call(self).stream_complete(prompt, formatted, **kwargs), opened)

    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """Like `stream_complete`, for asyncio."""
        with noting() as opened:
            wrapper = await Call(self).astream_complete(prompt, formatted, **kwargs)
            return aclosing_all(wrapper, opened)

    # -- tools ------------------------------------------------------------------------------

    def _prepare_chat_with_tools(
        self,
        tools: Sequence[BaseTool],
        user_msg: str | ChatMessage | None = None,
        chat_history: list[ChatMessage] | None = None,
        verbose: bool = False,
        allow_parallel_tool_calls: bool = False,
        tool_required: bool = False,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        messages = list(chat_history or [])
        if user_msg is not None:
            messages.append(user(user_msg) if isinstance(user_msg, str) else user_msg)
        params = tool_params(
            tools,
            parallel=allow_parallel_tool_calls,
            required=tool_required,
            choice=self._tool_choice if tool_choice is None else tool_choice,
            strict=self.strict if strict is None else strict,
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
        """Return the tool calls of a response.

        Raises:
            ValueError: The response has none, and `error_on_no_tool_call` is set.
        """
        selections = selections_of(response)
        if not selections and error_on_no_tool_call:
            raise ValueError(why_no_call(response))
        return selections
