"""The settings of `ChatHolySheep`: the engine's, and those only LangChain has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.utils import from_env, secret_from_env
from pydantic import AliasChoices, Field, SecretStr, field_validator

from holysheep_core import DEFAULT_BASE_URL, ConfigurationError, RetryConfig
from holysheep_core.integrations.settings import NOT_PICKLED, EngineSettings
from langchain_holysheep.keyword_hints import HINTS, OTHERWISE


class ModelSettings(EngineSettings, BaseChatModel):
    """Fields of `ChatHolySheep`, which describes them."""

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

    @field_validator("store", mode="before")
    @classmethod
    def _refuse_flag(cls, value: Any) -> Any:
        if isinstance(value, bool):  # as OpenAI's client has it
            raise ConfigurationError(
                "store is the redis:// URL that processes share here. The API's field of that "
                "name is sent as it is from extra_body={…}."
            )
        return value

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out the key, headers and connections: the other process has its own."""
        state = super().__getstate__()
        unset: dict[str, Any] = {**dict.fromkeys(NOT_PICKLED), "default_headers": {}}
        return {
            **state,
            "__dict__": {**state["__dict__"], **unset},
            "__pydantic_private__": {"_built": None, "_totals": self._totals},
        }

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Take the key from the environment."""
        super().__setstate__(state)
        key = os.environ.get("HOLYSHEEP_API_KEY")
        self.api_key = SecretStr(key) if key else None
