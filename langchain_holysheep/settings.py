"""The settings of `ChatHolySheep`, and the engine's client that is built from them.

Apart from the fields: what happens to the client when a setting changes, and to key and
connections when the model is copied or pickled.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.utils import from_env, secret_from_env
from pydantic import (
    AliasChoices,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)
from typing_extensions import Self

from holysheep_core import (
    DEFAULT_BASE_URL,
    APIGateway,
    Catalog,
    CircuitConfig,
    ConfigurationError,
    Connections,
    Event,
    FallbackConfig,
    Journal,
    Observer,
    Provider,
    RateLimits,
    ResumeConfig,
    RetryConfig,
    SpendLimit,
    StreamingRetryHandler,
    Timeouts,
    Totals,
    refuse_unknown,
)
from langchain_holysheep.keyword_hints import HINTS, OTHERWISE

_SHARED = (
    "gateway",
    "http_client",
    "http_async_client",
    "on_token",
    "on_event",
    "observers",
    "journal",
)


class ModelSettings(BaseChatModel):
    """Fields of `ChatHolySheep`, which describes them."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        defer_build=True,  # nobody makes one of these; building its validator takes a while
        extra="forbid",
        hide_input_in_errors=True,  # a rejected value may be the key
        populate_by_name=True,
        protected_namespaces=(),
    )

    model: str = Field(validation_alias=AliasChoices("model", "model_name"))
    api_key: SecretStr | str | None = Field(
        default_factory=secret_from_env("HOLYSHEEP_API_KEY", default=None), repr=False
    )
    base_url: str = Field(default_factory=from_env("HOLYSHEEP_BASE_URL", default=DEFAULT_BASE_URL))
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: list[str] | str | None = Field(
        default=None, validation_alias=AliasChoices("stop", "stop_sequences")
    )
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    extra_body: dict[str, Any] = Field(default_factory=dict)
    default_headers: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)
    timeout: float | tuple[float, float] | None = None
    timeouts: Timeouts | None = None
    max_retries: int | None = None
    retry: RetryConfig | None = None
    resume: ResumeConfig | bool = True
    fallback_models: list[str] | None = None
    fallback: FallbackConfig | None = None
    providers: Sequence[Provider] = Field(default=(), exclude=True, repr=False)
    gateway: APIGateway | None = Field(default=None, exclude=True, repr=False)
    rate_limits: RateLimits | str | None = None
    circuit: CircuitConfig | None = Field(default=None, exclude=True)
    store: str | None = Field(default=None, exclude=True, repr=False)
    streaming: bool = False
    stream_usage: bool = True
    coalesce: bool = False
    catalog: Catalog | str | Path | None = Field(default=None, exclude=True)
    spend_limit: SpendLimit | None = None
    event_log: str | Path | None = Field(default=None, exclude=True)
    journal: Journal | str | None = Field(default=None, exclude=True, repr=False)
    observers: Sequence[Observer] = Field(default=(), exclude=True, repr=False)
    on_token: Callable[[str], Any] | None = Field(default=None, exclude=True, repr=False)
    on_event: Callable[[Event], Any] | None = Field(default=None, exclude=True, repr=False)
    connections: Connections | None = Field(default=None, exclude=True, repr=False)
    # An httpx.Client and an httpx.AsyncClient; the engine checks them, and imports httpx for it.
    http_client: Any = Field(default=None, exclude=True, repr=False)
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    allow_http: bool = False

    _built: StreamingRetryHandler | None = PrivateAttr(default=None)
    _totals: Totals = PrivateAttr(default_factory=Totals)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, values: Any) -> Any:
        given = values if isinstance(values, dict) else ()
        refuse_unknown(cls.__name__, given, known_keywords(cls), HINTS, OTHERWISE)
        return values

    @field_validator("store", mode="before")
    @classmethod
    def _refuse_flag(cls, value: Any) -> Any:
        if isinstance(value, bool):  # as OpenAI's client has it
            raise ConfigurationError(
                "store is the redis:// URL that processes share here. The API's field of that "
                "name is sent as it is from extra_body={…}."
            )
        return value

    @field_validator("api_key")
    @classmethod
    def _hide_key(cls, value: SecretStr | str | None) -> SecretStr | None:
        return SecretStr(value) if isinstance(value, str) else value

    def model_post_init(self, context: Any, /) -> None:
        """Build the engine's client, which checks the settings."""
        super().model_post_init(context)
        self._built = self._build()

    @property
    def totals(self) -> Totals:
        """What all calls came to, those of copies of this model included."""
        return self._totals

    @property
    def _handler(self) -> StreamingRetryHandler:
        if self._built is None:
            self._built = self._build()
        return self._built

    def _build(self) -> StreamingRetryHandler:
        return StreamingRetryHandler(
            self.api_key.get_secret_value() if isinstance(self.api_key, SecretStr) else None,
            base_url=self.base_url,
            config=self.retry,
            max_retries=self.max_retries,
            timeouts=self.timeouts,
            timeout=self.timeout,
            resume=self.resume,
            fallback=self.fallback,
            fallback_models=self.fallback_models,
            providers=self.providers,
            gateway=self.gateway,
            rate_limits=self.rate_limits,
            circuit=self.circuit,
            store=self.store,
            on_event=self.on_event,
            http_client=self.http_client,
            connections=self.connections,
            http_async_client=self.http_async_client,
            default_headers=self.default_headers,
            allow_http=self.allow_http,
            stream_usage=self.stream_usage,
            coalesce=self.coalesce,
            catalog=self.catalog,
            spend_limit=self.spend_limit,
            event_log=self.event_log,
            journal=self.journal,
            observers=(self._totals, *self.observers),
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Build the engine's client anew when a setting changes."""
        super().__setattr__(name, value)
        if name in type(self).model_fields:
            self._built = None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the model; with changed settings it gets an engine's client of its own."""
        copied = super().model_copy(update=update, deep=deep)
        if update:
            copied._built = None
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Copy all but connections and callbacks, which have no copies."""
        memo = {} if memo is None else memo
        for name in _SHARED:
            shared = getattr(self, name)
            memo[id(shared)] = shared
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[Any, Any]:
        """Leave out key and headers, which the other process has to have, and connections."""
        state = super().__getstate__()
        unset = dict.fromkeys(
            ("api_key", "store", "journal", "gateway", "http_client", "http_async_client")
        )
        return {
            **state,
            "__dict__": {**state["__dict__"], **unset, "default_headers": {}},
            "__pydantic_private__": {"_built": None, "_totals": self._totals},
        }

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Take the key from the environment."""
        super().__setstate__(state)
        key = os.environ.get("HOLYSHEEP_API_KEY")
        self.api_key = SecretStr(key) if key else None


@cache
def known_keywords(cls: type[ModelSettings]) -> frozenset[str]:
    """Return the constructor's keywords, other spellings included."""
    fields = cls.model_fields
    choices = [field.validation_alias for field in fields.values()]
    also = [c.choices for c in choices if isinstance(c, AliasChoices)]
    aliases = {field.alias for field in fields.values() if field.alias}
    return frozenset({*fields, *aliases, *(str(name) for names in also for name in names)})
