"""A call of the model as the engine's request; where calls get their names from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from holysheep_core import ChatRequest, ConfigurationError
from holysheep_core.integrations import fallbacks_of_call
from holysheep_core.integrations.tool_choice import tool_choice_of
from langchain_holysheep.call_names import named
from langchain_holysheep.failures import KEEPS_INVALID_JSON
from langchain_holysheep.messages import to_wire
from langchain_holysheep.serialization import Serialization

_NOT_SENT = (
    *("call_id", "if_exists", "extra_body", "fallback_models", "stream", "stream_usage"),
    *("ls_structured_output_format", "structured_output_format"),  # for traces
    KEEPS_INVALID_JSON,
)
"""Keywords of a call that are no fields of its request."""
_INNER = ("seq:step:", "map:key:", "condition:", "branch:")


class Requests(Serialization):
    """Adds the engine's request of a call to a model."""

    def _request(
        self,
        messages: list[BaseMessage],
        stop: list[str] | str | None,
        tags: Sequence[str],
        kwargs: dict[str, Any],
    ) -> ChatRequest:
        given = {name: value for name, value in kwargs.items() if name not in _NOT_SENT}
        # One level is unpacked: a provider's own field may be called extra_body.
        params = {**self._default_params, **given, **(kwargs.get("extra_body") or {})}
        if params.get("max_completion_tokens") is not None:
            params.pop("max_tokens", None)  # the same limit under its other name
        model = params.pop("model", None) or self.model
        if stop is not None:
            if not isinstance(stop, (str, list, tuple)):
                raise ConfigurationError(f"stop={stop!r}: needs a list of strings.")
            params["stop"] = [stop] if isinstance(stop, str) else stop
        if "tool_choice" in params:
            params["tool_choice"] = tool_choice_of(params["tool_choice"])
        if kwargs.get("stream_usage") and not self.stream_usage:
            params.setdefault("stream_options", {"include_usage": True})
        # Chains tag their steps ("seq:step:2"); such tags have no place in costs by tag.
        mine = (tag for tag in (*(self.tags or ()), *tags) if not tag.startswith(_INNER))
        return ChatRequest(
            model,
            to_wire(messages),
            {name: value for name, value in params.items() if value is not None},
            tuple(dict.fromkeys(mine)),
            kwargs.get("call_id") or "",
            fallbacks_of_call(kwargs.get("fallback_models")),
            "error" if kwargs.get("if_exists") is None else kwargs["if_exists"],
        )

    # LangChain hands a config to the run, and to `_stream` no run: the name is read before.

    def invoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Return the whole answer."""
        return super().invoke(input, config, stop=stop, **named(config, kwargs))

    async def ainvoke(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AIMessage:
        """Like `invoke`, for asyncio."""
        return await super().ainvoke(input, config, stop=stop, **named(config, kwargs))

    def stream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        """Stream the answer; closing the stream closes the connection."""
        return super().stream(input, config, stop=stop, **named(config, kwargs))

    def astream(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        config: RunnableConfig | None = None,
        *,
        stop: list[str] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        """Like `stream`, for asyncio."""
        return super().astream(input, config, stop=stop, **named(config, kwargs))

    if not TYPE_CHECKING:  # LangChain's types stay, which depend on `version`

        def stream_events(
            self,
            input: Any,  # noqa: A002 - LangChain's name
            config: RunnableConfig | None = None,
            **kwargs: Any,
        ) -> Any:
            """Stream events of the answer; see LangChain's documentation."""
            return super().stream_events(input, config, **named(config, kwargs))

        def astream_events(
            self,
            input: Any,  # noqa: A002 - LangChain's name
            config: RunnableConfig | None = None,
            **kwargs: Any,
        ) -> Any:
            """Like `stream_events`, for asyncio."""
            return super().astream_events(input, config, **named(config, kwargs))


def tags_of(
    run_manager: AsyncCallbackManagerForLLMRun | CallbackManagerForLLMRun | None,
) -> Sequence[str]:
    """Return the tags of a run; where LangChain passes none, those of the run around it."""
    if run_manager is not None:
        return run_manager.tags
    return ensure_config().get("tags") or ()
