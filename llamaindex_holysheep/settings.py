"""The settings of `HolySheep`: the engine's, and those only LlamaIndex has."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

from llama_index.core.base.llms.types import LLMMetadata, MessageRole
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import AliasChoices, Field

from holysheep_core import DEFAULT_BASE_URL, default_fallbacks
from holysheep_core.integrations.settings import CALLBACKS, NOT_PICKLED, EngineSettings
from llamaindex_holysheep.keyword_hints import HINTS, OTHERWISE

_UNKNOWN_WINDOW = 128_000


class ModelSettings(EngineSettings, FunctionCallingLLM):
    """Fields of `HolySheep`, which describes them."""

    model_config = EngineSettings.model_config
    _hints: ClassVar[Mapping[str, str]] = HINTS
    _otherwise: ClassVar[str] = OTHERWISE
    _base_url_field: ClassVar[str] = "api_base"

    api_base: str = Field(
        default_factory=lambda: os.environ.get("HOLYSHEEP_BASE_URL") or DEFAULT_BASE_URL,
        validation_alias=AliasChoices("api_base", "base_url"),
    )
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    context_window: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the key, headers and connections: the other process has its own.

        Callbacks and LlamaIndex's own settings are left out where they cannot be pickled.

        Raises:
            TypeError: There are `providers`, whose keys are not pickled.
        """
        # Not LlamaIndex's method: it deletes what cannot be pickled from this very model.
        theirs = FunctionCallingLLM.model_fields.keys() | set(CALLBACKS)
        always = ModelSettings.model_fields.keys() - theirs
        fields = {
            name: value
            for name, value in self.__dict__.items()
            if name in type(self).model_fields
            and name not in NOT_PICKLED
            and (name in always or _has_pickle(value))
        }
        return {"__dict__": fields}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the key from the environment; a call says so if there is none."""
        # Not LlamaIndex's method: if making the model fails, it goes on with half of one.
        given = {**state["__dict__"], "api_key": "none"}
        self.__init__(**given)  # type: ignore[misc]  # makes what was left out
        self.api_key = None

    @property
    def metadata(self) -> LLMMetadata:
        """What prompt helpers and agents may count on, whichever fallback answers."""
        fallback = self._handler.settings.fallback.models
        others = default_fallbacks(self.model) if fallback is None else tuple(fallback)
        known = self._handler.settings.catalog.card
        windows = [known(name).context_window for name in (self.model, *others)]
        window = self.context_window or min((w for w in windows if w), default=_UNKNOWN_WINDOW)
        return LLMMetadata(
            context_window=window,
            num_output=self.max_tokens or -1,
            is_chat_model=True,
            is_function_calling_model=True,
            model_name=self.model,
            system_role=MessageRole.SYSTEM,
        )


def _has_pickle(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - whatever a stranger's object raises
        return False
    return True
