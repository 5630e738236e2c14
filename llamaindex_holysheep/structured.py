"""Structured prediction: a refusal is an error in the model's words, JSON that was cut never one.

LlamaIndex's programs say of a refused answer that it has no tool call, and complete the JSON of a
streamed one. They get a copy of the model that raises an error at the end of such an answer.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llama_index.core.types import PydanticProgramMode
from pydantic import PrivateAttr

from holysheep_core import APIError, Completion
from holysheep_core.integrations import Owned
from holysheep_core.integrations.turns import is_filtered, warn_once
from llamaindex_holysheep.closing import aclosing_all, closing_all
from llamaindex_holysheep.partials import GrowingObject, text_of, whole_object
from llamaindex_holysheep.settings import ModelSettings
from llamaindex_holysheep.tools import check_tools, with_whole_schema

if TYPE_CHECKING:
    from llama_index.core.tools.types import BaseTool
    from typing_extensions import Self

_OF_SCHEMAS = re.compile(r"response_?\s?format|json[_ ]schema|structured[_ ]output", re.IGNORECASE)
"""What a refusal names if it refuses to hold a text to a schema."""
_FILTERED = "The server withheld the answer, or the rest of it (finish_reason {!r})."


class StructuredPrediction(ModelSettings):
    """The methods of LlamaIndex that answer with an instance of a class, or call a tool."""

    model_config = ModelSettings.model_config

    _for_structure: bool = PrivateAttr(default=False)
    _tool_choice: str | bool | dict[str, Any] | None = PrivateAttr(default=None)
    _opened: list[Any] = PrivateAttr(default_factory=list)
    """Streams of a structured prediction, to be closed with it."""
    _refuse_schemas: set[tuple[str, str]] = PrivateAttr(default_factory=set)
    """Base URLs and models that refused a JSON schema; copies share the set."""

    def structured_predict(
        self,
        output_cls: type[Any],
        prompt: Any,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """Return an instance of a class.

        Args:
            output_cls: A pydantic class.
            prompt: The prompt's template.
            llm_kwargs: Fields of the request; `tool_choice="auto"` for a model that cannot be made
                to call a tool, such as Claude or DeepSeek while they think.
            **prompt_args: Values of the template's variables.

        Raises:
            ValueError: The model refused, answered without the structure, or a filter ended its
                answer.
            HolySheepError: The answer cannot be completed.
        """
        model, rest = self._asking(llm_kwargs)
        return super(StructuredPrediction, model).structured_predict(
            output_cls, prompt, rest, **prompt_args
        )

    async def astructured_predict(
        self,
        output_cls: type[Any],
        prompt: Any,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """Like `structured_predict`, for asyncio."""
        model, rest = self._asking(llm_kwargs)
        return await super(StructuredPrediction, model).astructured_predict(
            output_cls, prompt, rest, **prompt_args
        )

    def stream_structured_predict(
        self,
        output_cls: type[Any],
        prompt: Any,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """Like `structured_predict`, as a stream of objects that are more and more complete.

        The objects are parsed from text, held to the class by a JSON schema (`response_format`).
        For a model that cannot be held to one, and with a `tool_choice`, it is a tool call: that
        is handed over whole, as one object. A server that refuses `response_format` is asked
        again for a tool call, and from then on at once.
        """
        opened: list[Any] = []
        model, rest = self._asking(llm_kwargs, opened)
        objects = super(StructuredPrediction, model).stream_structured_predict(
            output_cls, prompt, rest, **prompt_args
        )
        return closing_all(objects, opened)

    async def astream_structured_predict(
        self,
        output_cls: type[Any],
        prompt: Any,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        """Like `stream_structured_predict`, for asyncio."""
        opened: list[Any] = []
        model, rest = self._asking(llm_kwargs, opened)
        objects = await super(StructuredPrediction, model).astream_structured_predict(
            output_cls, prompt, rest, **prompt_args
        )
        return aclosing_all(objects, opened)

    def _holds_text_to_schema(self, fields: Mapping[str, Any]) -> bool:
        wanted = self.pydantic_program_mode is PydanticProgramMode.DEFAULT
        model = fields.get("model", self.model)
        able = self._handler.settings.catalog.card(model).json_schema
        refused = (self.api_base, model) in self._refuse_schemas
        return wanted and able and not refused and self._tool_choice is None

    def _structured_stream_call(
        self,
        output_cls: type[Any],
        prompt: Any,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        if self._holds_text_to_schema(llm_kwargs or {}):
            return self._objects(output_cls, prompt, llm_kwargs or {}, prompt_args)
        return super()._structured_stream_call(output_cls, prompt, llm_kwargs, **prompt_args)

    async def _structured_astream_call(
        self,
        output_cls: type[Any],
        prompt: Any,
        llm_kwargs: dict[str, Any] | None = None,
        **prompt_args: Any,
    ) -> Any:
        if self._holds_text_to_schema(llm_kwargs or {}):
            return self._aobjects(output_cls, prompt, llm_kwargs or {}, prompt_args)
        return await super()._structured_astream_call(output_cls, prompt, llm_kwargs, **prompt_args)

    def _objects(
        self, output_cls: type[Any], prompt: Any, fields: dict[str, Any], values: dict[str, Any]
    ) -> Iterator[Any]:
        messages = self._extend_messages(prompt.format_messages(llm=self, **values))
        growing, last = GrowingObject(output_cls), None
        stream = self.stream_chat(messages, **{"response_format": output_cls, **fields})
        self._opened.append(stream)
        try:
            for response in stream:
                last = response
                partial = growing.grown(text_of(response)) if response.delta else None
                if partial is not None:
                    yield partial
        except APIError as error:
            if not self._needs_tools(error, fields):
                raise
        else:
            yield whole_object(growing, last)
            return
        yield from super()._structured_stream_call(output_cls, prompt, fields, **values)

    async def _aobjects(
        self, output_cls: type[Any], prompt: Any, fields: dict[str, Any], values: dict[str, Any]
    ) -> AsyncIterator[Any]:
        messages = self._extend_messages(prompt.format_messages(llm=self, **values))
        growing, last = GrowingObject(output_cls), None
        asked = {"response_format": output_cls, **fields}
        stream = Owned(await self.astream_chat(messages, **asked))
        self._opened.append(stream)
        try:
            async for response in stream:
                last = response
                partial = growing.grown(text_of(response)) if response.delta else None
                if partial is not None:
                    yield partial
        except APIError as error:
            if not self._needs_tools(error, fields):
                raise
        else:
            yield whole_object(growing, last)
            return
        objects = Owned(
            await super()._structured_astream_call(output_cls, prompt, fields, **values)
        )
        self._opened.append(objects)
        async for each in objects:
            yield each

    def _needs_tools(self, error: APIError, fields: Mapping[str, Any]) -> bool:
        """Tell whether a refused request is to be made with tools; note it for the next one."""
        said = f"{error} {error.param} {error.body}"
        if error.partial or "response_format" in fields or not _OF_SCHEMAS.search(said):
            return False
        model = fields.get("model", self.model)
        self._refuse_schemas.add((self.api_base, model))
        warn_once(
            f"{model} at {self.api_base} refuses response_format with a JSON schema: objects are "
            "asked for by a tool call, which is handed over whole."
        )
        return True

    def predict_and_call(self, tools: Sequence[BaseTool], *args: Any, **kwargs: Any) -> Any:
        """Ask for a call of a tool, and call it."""
        check_tools(tools)
        whole = [with_whole_schema(tool) for tool in tools]
        return super().predict_and_call(whole, *args, **kwargs)

    async def apredict_and_call(self, tools: Sequence[BaseTool], *args: Any, **kwargs: Any) -> Any:
        """Like `predict_and_call`, for asyncio."""
        check_tools(tools)
        whole = [with_whole_schema(tool) for tool in tools]
        return await super().apredict_and_call(whole, *args, **kwargs)

    def _asking(
        self, llm_kwargs: Mapping[str, Any] | None, opened: list[Any] | None = None
    ) -> tuple[Self, dict[str, Any]]:
        """Return a model that raises errors for refusals, and the fields of the request.

        LlamaIndex's programs drop a choice of tools, so the model has it.
        """
        rest = dict(llm_kwargs or {})
        choice = rest.pop("tool_choice", None)
        if choice is None and rest.pop("tool_required", None) is False:
            choice = "auto"
        _ = self._handler  # the copy shares the engine's client: it must be there
        model = self.model_copy()
        model._for_structure, model._tool_choice = True, choice  # noqa: SLF001 - its own class
        model._opened = [] if opened is None else opened  # noqa: SLF001 - likewise
        return model, rest


def refuse_refusal(completion: Completion) -> None:
    """Raise an error if a model refused to answer, or a filter ended its answer.

    Raises:
        ValueError: As LlamaIndex's programs do for an answer without the structure.
    """
    if completion.refusal:
        raise ValueError(f"The model refused to answer: {completion.refusal}")
    if is_filtered(completion.finish_reason):
        raise ValueError(_FILTERED.format(completion.finish_reason))
