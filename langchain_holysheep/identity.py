"""The properties LangChain reads from a model: names, parameters, profile, token counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import BaseMessage, convert_to_messages, get_buffer_string
from langchain_core.messages.utils import count_tokens_approximately

from holysheep_core import estimate_tokens
from langchain_holysheep.profiles import profile_of
from langchain_holysheep.schemas import tool_of
from langchain_holysheep.settings import ModelSettings


class SelfDescription(ModelSettings):
    """Adds names, parameters, profile and token counts to the settings."""

    @property
    def _llm_type(self) -> str:
        return "holysheep-chat"

    @property
    def model_name(self) -> str:
        """The same as `model`: the name that `ChatOpenAI` and others have for it."""
        return self.model

    @model_name.setter
    def model_name(self, value: str) -> None:
        self.model = value

    def _resolve_model_profile(self) -> Any:
        return profile_of(self._handler.settings.catalog.card(self.model))

    @property
    def lc_secrets(self) -> dict[str, str]:
        """Secret fields and their environment variables."""
        return {"api_key": "HOLYSHEEP_API_KEY"}

    @property
    def _default_params(self) -> dict[str, Any]:
        """The request's fields without the messages."""
        given = self._request_fields
        stops = given.pop("stop", None)
        if stops:
            given["stop"] = [stops] if isinstance(stops, str) else stops
        return {**given, **self.extra_body}

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        # The cache's key: every setting that changes an answer, and no secret.
        params = self._default_params
        if "stop" in params:  # LangChain adds the call's "stop" under the same key
            params["stop_sequences"] = params.pop("stop")
        return {
            "model": self.model,
            "base_url": self.base_url,
            "fallback_models": self._handler.settings.fallback.models,
            **params,
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
        if isinstance(stops, str):
            params["ls_stop"] = [stops]
        elif isinstance(stops, Sequence):  # anything else, the request's check refuses
            params["ls_stop"] = list(stops)
        return params

    def get_num_tokens(self, text: str) -> int:
        """Count the tokens of a text by `custom_get_token_ids`; without it, estimate them.

        Nothing is downloaded.
        """
        if self.custom_get_token_ids is not None:
            return len(self.custom_get_token_ids(text))
        return estimate_tokens(text)

    def get_num_tokens_from_messages(
        self,
        messages: list[BaseMessage],
        tools: Sequence[Any] | None = None,
    ) -> int:
        """Count the tokens of a prompt by `custom_get_token_ids`; without it, estimate them.

        The texts of messages and the JSON of tools are counted. Nothing is downloaded.
        """
        if self.custom_get_token_ids is not None:
            texts = [get_buffer_string([message]) for message in convert_to_messages(messages)]
            texts += [json.dumps(tool_of(tool), ensure_ascii=False) for tool in tools or ()]
            return sum(len(self.custom_get_token_ids(text)) for text in texts)
        return count_tokens_approximately(messages, tools=list(tools) if tools else None)
