"""The settings of `ChatHolySheep`: the shared ones, and LangChain's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.utils import from_env, secret_from_env
from pydantic import AliasChoices, Field, SecretStr, field_validator

from holysheep_core import DEFAULT_BASE_URL, ConfigurationError, RetryConfig
from holysheep_core.integrations.pickles import without_unpicklable
from holysheep_core.integrations.settings import CALLBACKS, NOT_PICKLED, EngineSettings
from langchain_holysheep.keyword_hints import HINTS, OTHERWISE


class ModelSettings(EngineSettings, BaseChatModel):
    """Fields of `ChatHolySheep`; its docstring describes them."""

    model_config = EngineSettings.model_config
    _hints: ClassVar[Mapping[str, str]] = HINTS
    _otherwise: ClassVar[str] = OTHERWISE

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    api_key: SecretStr | str | None = Field(
        default_factory=secret_from_env("HOLYSHEEP_API_KEY", default=None), repr=False
    )
    base_url: str = Field(default_factory=from_env("HOLYSHEEP_BASE_URL", default=DEFAULT_BASE_URL))
    stop: list[str] | str | None = Field(
        default=None, validation_alias=AliasChoices("stop", "stop_sequences")
    )
    extra_body: dict[str, Any] = Field(default_factory=dict)
    retry: RetryConfig | None = None
    streaming: bool = False
    events_in_stream: bool = True

    @field_validator("store", mode="before")
    @classmethod
    def _refuse_flag(cls, value: Any) -> Any:
        if isinstance(value, bool):  # the API's field `store`, as in OpenAI's client
            raise ConfigurationError(
                "store is the redis:// URL that processes share here. Put the API's field of "
                "that name into extra_body={…}."
            )
        return value

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out the API key, headers and connections; the unpickling process has its own.

        Callbacks and LangChain's own settings are left out if they cannot be pickled; a log line
        names them.

        Raises:
            TypeError: The model has `providers`; their keys cannot be pickled.
        """
        state = super().__getstate__()
        unset: dict[str, Any] = {**dict.fromkeys(NOT_PICKLED), "default_headers": {}}
        given = {**state["__dict__"], **unset}
        theirs = BaseChatModel.model_fields.keys() | set(CALLBACKS)
        kept = without_unpicklable(type(self).__name__, given, theirs)
        fields = type(self).model_fields
        lost = {
            name: fields[name].get_default(call_default_factory=True)
            for name in given
            if name not in kept
        }
        return {
            **state,
            "__dict__": {**kept, **lost},
            "__pydantic_private__": self._private_of_pickle(),
        }

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Read the API key from `HOLYSHEEP_API_KEY`."""
        super().__setstate__(state)
        key = os.environ.get("HOLYSHEEP_API_KEY")
        self.__dict__["api_key"] = SecretStr(key) if key else None  # calls check it
