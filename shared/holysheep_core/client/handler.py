"""The framework-free client: streams that retry, resume and downgrade automatically."""

from __future__ import annotations

import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from holysheep_core.catalog import Catalog, coerce
from holysheep_core.client.calls import OnEvent, OnToken
from holysheep_core.client.detached import Detached
from holysheep_core.client.request_check import merged
from holysheep_core.closing import Owned
from holysheep_core.config.checks import check_only_one, refuse_numbers
from holysheep_core.config.fallback import FallbackConfig, of_call
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.config.limits import RateLimits, SpendLimit
from holysheep_core.config.resume import ResumeConfig
from holysheep_core.config.retry import RetryConfig, Timeouts
from holysheep_core.engine.settings import Settings
from holysheep_core.errors import ConfigurationError
from holysheep_core.gateway.gateway import APIGateway
from holysheep_core.journal.journal import Journal
from holysheep_core.observers.event_log import EventLog
from holysheep_core.observers.logs import Log
from holysheep_core.observers.observer import Observer
from holysheep_core.observers.totals import Totals
from holysheep_core.retry_budget import PROCESS_BUDGET, RetryBudget
from holysheep_core.routing.circuit import CircuitConfig
from holysheep_core.routing.providers import DEFAULT_BASE_URL, Provider
from holysheep_core.transport.clients import Clients
from holysheep_core.transport.connections import Connections
from holysheep_core.types import ChatRequest, Completion, Delta, IfExists

if TYPE_CHECKING:
    import httpx
    import httpx2


_HINTS = {
    "retry": "It is config here.",
    "api_base": "It is base_url here.",
    "model": "Give it to the call: stream_with_retry(model, messages).",
    **dict.fromkeys(
        ("temperature", "max_tokens", "top_p", "stop", "seed"),
        "Give it to the call: stream_with_retry(model, messages, …).",
    ),
}
"""Keywords of the chat models, and what to write instead."""


@refuses_unknown(_HINTS)
class StreamingRetryHandler(Detached):
    """Streams chat completions whole, once and in order.

    >>> from holysheep_core.simulator import Scenario, Simulator, cut
    >>> with Simulator() as simulator:
    ...     url = simulator.add(Scenario(text="Hello, world!", faults=[cut(at=5)])).base_url
    ...     handler = StreamingRetryHandler("any-key", base_url=url)
    ...     "".join(handler.stream_with_retry("gpt-4.1", [{"role": "user", "content": "Hi"}]))
    'Hello, world!'

    One instance may be used by many threads and event loops at once.

    Args:
        api_key: The HolySheep key; `HOLYSHEEP_API_KEY` if None.
        base_url: The API's base URL; `HOLYSHEEP_BASE_URL`, else HolySheep's own, if None.
        config: When and how often a failed request is sent again.
        max_retries: Shorthand for `config`: retries per call, 5 by default.
        timeouts: Time limits in seconds: connect, first token, stall, whole call.
        timeout: Shorthand for `timeouts`: seconds, or (connect, read).
        resume: How a cut answer is resumed; False raises `StreamInterruptedError` instead.
        fallback: Models that answer when the requested one is rate limited or fails.
        fallback_models: Shorthand for `fallback`: model names in order; [] for none.
        providers: Further OpenAI-compatible APIs, tried in order after the first.
        gateway: Providers with health checks, canaries and a switch, in place of `api_key`,
            `base_url`, `default_headers` and `providers`; may be shared by many clients.
        rate_limits: Your own limits for the first provider's account: a `RateLimits`, or
            "free", "starter" or "pro".
        circuit: When the circuit of a failing route opens.
        store: A `redis://` URL; shares limits, circuits and the retry budget with all processes
            that use the same URL.
        budget: The retry budget; by default one for the whole process.
        on_event: Called with every event of every call; in async calls it may be a coroutine
            function.
        http_client: Your own `httpx.Client` or `httpx2.Client`, for sync calls.
        http_async_client: Your own `httpx.AsyncClient` or `httpx2.AsyncClient`, for async calls.
        connections: Pool, proxy and DNS settings of the built-in clients.
        default_headers: Headers added to every request to the first provider.
        allow_http: Permit plain http to another machine.
        stream_usage: Request a usage chunk at the end of a stream.
        adapt: Change what the family of the asked model is certain to refuse, such as `max_tokens`
            for gpt-5; False sends requests as they are.
        coalesce: Merge the deltas of one network read into one. Cheaper for slow readers; no
            difference for fast ones.
        catalog: Prices, context windows and abilities that override the built-in table: a
            `Catalog`, or a TOML or JSON file; `HOLYSHEEP_CATALOG` if None.
        spend_limit: Most that one call may spend, in US$ or tokens.
        event_log: An SQLite file that records every call, for `holysheep report`.
        observers: Further observers of every call, e.g. an `OpenTelemetry`.
        journal: Stores answers while they arrive, so that another process can resume them: a
            `Journal`, or its "sqlite:///…" or "redis://…" URL.
        replaces: A client whose place this one takes: its connections, the provider that was
            switched to, and the cooldowns of its routes are used on where the settings are equal.

    Raises:
        ConfigurationError: A setting is invalid; the message names the setting and the reason.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        config: RetryConfig | None = None,
        max_retries: int | None = None,
        timeouts: Timeouts | None = None,
        timeout: float | tuple[float, float] | None = None,
        resume: ResumeConfig | bool | None = None,
        fallback: FallbackConfig | None = None,
        fallback_models: Sequence[str] | None = None,
        providers: Sequence[Provider] = (),
        gateway: APIGateway | None = None,
        rate_limits: RateLimits | str | None = None,
        circuit: CircuitConfig | None = None,
        store: str | None = None,
        budget: RetryBudget | None = None,
        on_event: OnEvent | None = None,
        http_client: httpx.Client | httpx2.Client | None = None,
        http_async_client: httpx.AsyncClient | httpx2.AsyncClient | None = None,
        connections: Connections | None = None,
        default_headers: Mapping[str, str] | None = None,
        allow_http: bool = False,
        stream_usage: bool = True,
        adapt: bool = True,
        coalesce: bool = False,
        catalog: Catalog | str | os.PathLike[str] | None = None,
        spend_limit: SpendLimit | None = None,
        event_log: str | os.PathLike[str] | None = None,
        observers: Sequence[Observer] = (),
        journal: Journal | str | None = None,
        replaces: StreamingRetryHandler | None = None,
    ) -> None:
        refuse_numbers(config=config, timeouts=timeouts, fallback=fallback, spend_limit=spend_limit)
        if not isinstance(observers, Sequence):
            raise ConfigurationError("observers: needs a list, such as [OpenTelemetry()].")
        check_only_one("config", config, "max_retries", max_retries)
        check_only_one("timeouts", timeouts, "timeout", timeout)
        check_only_one("fallback", fallback, "fallback_models", fallback_models)
        if gateway is None:
            first = Provider(
                api_key=os.environ.get("HOLYSHEEP_API_KEY", "") if api_key is None else api_key,
                base_url=base_url or os.environ.get("HOLYSHEEP_BASE_URL") or DEFAULT_BASE_URL,
                headers=dict(default_headers or {}),
                rate_limits=rate_limits,
                allow_http=allow_http,
            )
            own = APIGateway((first, *providers), health_check=None, circuit=circuit, store=store)
            if replaces is not None:
                own = replaces.gateway_for(own)
        else:
            for name, value in (
                *(("api_key", api_key), ("base_url", base_url)),
                ("default_headers", default_headers or None),
                ("providers", providers or None),
                ("rate_limits", rate_limits),
                ("circuit", circuit),
                ("store", store),
            ):
                check_only_one("gateway", gateway, name, value)
        prices = coerce(catalog)
        observers = [e.priced_by(prices) if isinstance(e, Totals) else e for e in observers]
        given = [each for each in observers if isinstance(each, Totals)]
        self.totals = given[0] if given else Totals().priced_by(prices)
        others = [each for each in observers if each is not self.totals]
        clients = Clients(http_client, http_async_client, connections)
        logs = () if event_log is None else (EventLog.at(event_log),)
        super().__init__(
            own if gateway is None else gateway,
            Settings(
                retry=config or RetryConfig.coerce(max_retries),
                timeouts=timeouts or Timeouts.coerce(timeout),
                resume=ResumeConfig.coerce(resume),
                fallback=fallback or FallbackConfig(models=fallback_models),
                budget=budget or PROCESS_BUDGET,
                stream_usage=stream_usage,
                adapt=adapt,
                coalesce=coalesce,
                catalog=prices,
                spend_limit=spend_limit,
            ),
            clients if replaces is None else replaces.connections_for(clients),
            owns_gateway=gateway is None,
            observers=(Log(), self.totals, *logs, *others),
            on_event=on_event,
            journal=Journal.at(journal),
        )

    # -- for programs -----------------------------------------------------------------------

    def stream_with_retry(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
        tags: Sequence[str] = (),
        call_id: str = "",
        fallback_models: Sequence[str] | None = None,
        if_exists: IfExists = "error",
        **params: Any,
    ) -> Iterator[str]:
        """Stream the answer's text.

        Args:
            model: Model id, e.g. "gpt-4.1".
            messages: OpenAI-format messages.
            on_token: Called with each piece of text before it is yielded.
            on_event: Called with each event of this call.
            tags: Labels for costs by tag; not sent to the server.
            call_id: A unique name for the answer, for `resume` and `follow`; generated if empty.
            fallback_models: Fallback models of this call, in place of the client's; [] for none.
            if_exists: What to do if the journal has an answer named `call_id`: "error", or
                "resume": the same call made again gives the same answer, and asks for what is
                missing of it.
            **params: Any other field of the request: `temperature`, `max_tokens`, … The fields of
                `extra_body` are sent beside them, as by openai's client.

        Returns:
            An iterator over pieces of text. Closing it closes the connection.

        Raises:
            ConfigurationError: At once, if the request is invalid.
            HolySheepError: While iterating, if the answer cannot be completed; `partial` has the
                text so far.
        """
        fallbacks = of_call(fallback_models)
        request = ChatRequest(
            model, messages, merged(params), tuple(tags), call_id, fallbacks, if_exists
        )
        return _texts(self.stream(request, on_token=on_token, on_event=on_event))

    def astream_with_retry(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
        tags: Sequence[str] = (),
        call_id: str = "",
        fallback_models: Sequence[str] | None = None,
        if_exists: IfExists = "error",
        **params: Any,
    ) -> AsyncIterator[str]:
        """Like `stream_with_retry`, as an async iterator; the callbacks may be coroutines."""
        fallbacks = of_call(fallback_models)
        request = ChatRequest(
            model, messages, merged(params), tuple(tags), call_id, fallbacks, if_exists
        )
        return _atexts(self.astream(request, on_token=on_token, on_event=on_event))

    def complete(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
        tags: Sequence[str] = (),
        call_id: str = "",
        fallback_models: Sequence[str] | None = None,
        if_exists: IfExists = "error",
        **params: Any,
    ) -> Completion:
        """Return the whole answer. A cut costs only the rest: the call uses a stream internally.

        Args are those of `stream_with_retry`.

        Raises:
            HolySheepError: The answer cannot be completed; `partial` has the text so far.
        """
        fallbacks = of_call(fallback_models)
        request = ChatRequest(
            model, messages, merged(params), tuple(tags), call_id, fallbacks, if_exists
        )
        return self.collect(request, on_token=on_token, on_event=on_event)

    async def acomplete(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        on_token: OnToken | None = None,
        on_event: OnEvent | None = None,
        tags: Sequence[str] = (),
        call_id: str = "",
        fallback_models: Sequence[str] | None = None,
        if_exists: IfExists = "error",
        **params: Any,
    ) -> Completion:
        """Like `complete`, for asyncio."""
        fallbacks = of_call(fallback_models)
        request = ChatRequest(
            model, messages, merged(params), tuple(tags), call_id, fallbacks, if_exists
        )
        return await self.acollect(request, on_token=on_token, on_event=on_event)

    def start(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        call_id: str = "",
        tags: Sequence[str] = (),
        fallback_models: Sequence[str] | None = None,
        if_exists: IfExists = "error",
        **params: Any,
    ) -> str:
        """Generate an answer in the background, into the journal; return its `call_id` at once.

        Readers come and go with `follow`; `stop` ends it from any process. At most 16 are generated
        at a time by a handler, the others wait. What this process leaves when it ends, a worker
        (`holysheep worker`) or `resume` takes up.

        Args are those of `stream_with_retry`.

        Raises:
            AnswerExistsError: The journal has an answer of this name.
            ConfigurationError: The request is invalid, or the handler has no journal.
            JournalError: The journal does not answer.
        """
        fallbacks = of_call(fallback_models)
        request = ChatRequest(
            model,
            messages,
            merged(params),
            tuple(tags),
            call_id,
            fallbacks,
            if_exists,
            detached=True,
        )
        return self.start_request(request)

    async def astart(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        call_id: str = "",
        tags: Sequence[str] = (),
        fallback_models: Sequence[str] | None = None,
        if_exists: IfExists = "error",
        **params: Any,
    ) -> str:
        """Like `start`, in a task of the running loop."""
        fallbacks = of_call(fallback_models)
        request = ChatRequest(
            model,
            messages,
            merged(params),
            tuple(tags),
            call_id,
            fallbacks,
            if_exists,
            detached=True,
        )
        return await self.astart_request(request)

    def stream_rest(self, request: ChatRequest, seen: str) -> Iterator[str]:
        """Yield the rest of an answer of which the reader has `seen`.

        Raises:
            ConfigurationError: At once, if the request is invalid.
            HolySheepError: While iterating, if the answer cannot be completed.
        """
        return _texts(self.stream_after(request, seen))

    def resume(self, call_id: str, *, offset: int = 0, seen: str | None = None) -> Iterator[str]:
        """Resume an answer of the journal: yield its stored text, then the rest, whole and once.

        If another process has the answer's lease, this waits until the lease expires or is renewed.
        A complete answer is read from the journal without a request.

        Args:
            call_id: The `call_id` of the first call.
            offset: Characters of text the reader has already; they are not yielded again.
            seen: The text the reader has already, instead of `offset`; may be longer than the
                journal's.

        Raises:
            AnswerInUseError: Another process renewed its lease on the answer; `follow` it.
            ConfigurationError: The handler has no journal.
            JournalError: The journal has no such answer, or another text than `seen`.
            HolySheepError: While iterating, as in `stream_with_retry`.
        """
        return _texts(self.stream_again(call_id, offset=offset, seen=seen))

    def aresume(
        self, call_id: str, *, offset: int = 0, seen: str | None = None
    ) -> AsyncIterator[str]:
        """Like `resume`, as an async iterator."""
        return _atexts(self.astream_again(call_id, offset=offset, seen=seen))

    def follow(self, call_id: str, *, offset: int = 0) -> Iterator[str]:
        """Stream an answer from the journal while another process writes it, or afterwards.

        Args:
            call_id: The `call_id` of the call.
            offset: Characters of text the reader has already; they are not yielded again.

        Raises:
            ConfigurationError: The handler has no journal.
            AnswerStoppedError: It was stopped; what had come was yielded.
            JournalError: The journal has no such answer, or it is incomplete and no process is
                writing it: `resume` it.
        """
        return _texts(self.follow_deltas(call_id, offset=offset))

    def afollow(self, call_id: str, *, offset: int = 0) -> AsyncIterator[str]:
        """Like `follow`, for asyncio."""
        return _atexts(self.afollow_deltas(call_id, offset=offset))


def _texts(deltas: Generator[Delta | Completion, None, None]) -> Generator[str, None, None]:
    with closing(deltas):
        for delta in deltas:
            if isinstance(delta, Delta) and delta.text:
                yield delta.text


async def _atexts(
    deltas: AsyncGenerator[Delta | Completion, None],
) -> AsyncGenerator[str, None]:
    async with aclosing(Owned(deltas)) as owned:
        async for delta in owned:
            if isinstance(delta, Delta) and delta.text:
                yield delta.text
