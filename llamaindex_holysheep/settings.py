"""The settings of `HolySheep`: the shared ones, and LlamaIndex's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from llama_index.core.base.llms.types import LLMMetadata, MessageRole
from llama_index.core.constants import DEFAULT_CONTEXT_WINDOW
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import AliasChoices, Field

from holysheep_core import DEFAULT_BASE_URL, default_fallbacks
from holysheep_core.integrations.pickles import without_unpicklable
from holysheep_core.integrations.settings import CALLBACKS, NOT_PICKLED, EngineSettings
from holysheep_core.integrations.turns import warn_once
from llamaindex_holysheep.keyword_hints import HINTS, OTHERWISE

_UNKNOWN = (
    "The context window of %s is not known: %s tokens are assumed, which LlamaIndex splits "
    "documents and histories by. Set context_window=…, or the model's card in catalog=…."
)


class ModelSettings(EngineSettings, FunctionCallingLLM):
    """Fields of `HolySheep`; its docstring describes them."""

    model_config = EngineSettings.model_config
    _hints: ClassVar[Mapping[str, str]] = HINTS
    _otherwise: ClassVar[str] = OTHERWISE
    _base_url_field: ClassVar[str] = "api_base"

    api_base: str = Field(
        default_factory=lambda: os.environ.get("HOLYSHEEP_BASE_URL") or DEFAULT_BASE_URL,
        validation_alias=AliasChoices("api_base", "base_url"),
    )
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    strict: bool = False
    context_window: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the API key, headers and connections; the unpickling process has its own.

        Callbacks and LlamaIndex's own settings are left out if they cannot be pickled; a log line
        names them.

        Raises:
            TypeError: The model has `providers`; their keys cannot be pickled.
        """
        # Not LlamaIndex's method: it deletes unpicklable fields from this model itself.
        theirs = FunctionCallingLLM.model_fields.keys() | set(CALLBACKS)
        fields = {
            name: value
            for name, value in self.__dict__.items()
            if name in type(self).model_fields and name not in NOT_PICKLED
        }
        return {"__dict__": without_unpicklable(type(self).__name__, fields, theirs)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read `HOLYSHEEP_API_KEY`; calls raise `ConfigurationError` if it is not set."""
        # Not LlamaIndex's method: if creating the model fails, it keeps a partial model.
        given = {**state["__dict__"], "api_key": "none"}
        self.__init__(**given)  # type: ignore[misc]  # sets the fields that were left out
        self.__dict__["api_key"], self._built = None, None  # calls read and check it

    @property
    def metadata(self) -> LLMMetadata:
        """Limits that hold for the model and each of its fallback models."""
        fallback = self._handler.settings.fallback.models
        others = default_fallbacks(self.model) if fallback is None else tuple(fallback)
        known = self._handler.settings.catalog.card
        window = self.context_window or min(
            known(name).context_window or self._assumed_window(name)
            for name in (self.model, *others)
        )
        return LLMMetadata(
            context_window=window,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=known(self.model).tools,
            model_name=self.model,
            system_role=MessageRole.SYSTEM,
        )

    def _assumed_window(self, model: str) -> int:
        """Return the window of a model that is in no table, in tokens; a log line says so once.

        It is the window that LlamaIndex assumes for OpenAILike: a larger one would not hold for
        many local servers, which refuse a longer prompt or cut it without a word. A model that is
        asked for long answers has more; without it LlamaIndex would find no room for the prompt.
        """
        window = max(DEFAULT_CONTEXT_WINDOW, 2 * (self.max_tokens or 0))
        warn_once(_UNKNOWN % (repr(model), f"{window:,}"))
        return window
