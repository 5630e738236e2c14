"""The settings of `HolySheep`, and the engine's client that is built from them.

Apart from the fields: what happens to the client when a setting changes, to key and
connections when the model is copied, pickled or made a dict of, and what prompt helpers may
count on.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import LLMMetadata, MessageRole
from llama_index.core.bridge.pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)
from llama_index.core.llms.function_calling import FunctionCallingLLM
from pydantic import AliasChoices
from typing_extensions import Self

from holysheep_core import (
    DEFAULT_BASE_URL,
    APIGateway,
    Catalog,
    CircuitConfig,
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
    default_fallbacks,
    refuse_unknown,
)
from llamaindex_holysheep.keyword_hints import HINTS, OTHERWISE

_UNKNOWN_WINDOW = 128_000
_CALLBACKS = ("on_token", "on_event", "observers")
_STAYS = (  # in its process: secrets and connections
    *("api_key", "default_headers", "store"),
    *("journal", "gateway", "http_client", "http_async_client"),
)
_SHARED = (
    *("gateway", "http_client", "http_async_client", "journal", *_CALLBACKS),
    "rate_limiter",  # core's, which new versions have; a copy with a bucket of its own asks twice
)


class ModelSettings(FunctionCallingLLM):
    """Fields of `HolySheep`, which describes them."""

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        defer_build=True,  # nobody makes one of these; building its validator takes a while
        extra="forbid",
        hide_input_in_errors=True,  # a rejected value may be the key
        populate_by_name=True,
        protected_namespaces=(),
    )

    model: str
    api_key: SecretStr | str | None = Field(default=None, exclude=True, repr=False)
    api_base: str = Field(
        default_factory=lambda: os.environ.get("HOLYSHEEP_BASE_URL") or DEFAULT_BASE_URL,
        validation_alias=AliasChoices("api_base", "base_url"),
    )
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: list[str] | str | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    additional_kwargs: dict[str, Any] = Field(default_factory=dict)
    default_headers: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)
    context_window: int | None = None
    timeout: float | tuple[float, float] | None = None
    timeouts: Timeouts | None = None
    max_retries: int | None = None
    retry: RetryConfig | None = Field(default=None, exclude=True)
    resume: ResumeConfig | bool = True
    fallback_models: list[str] | None = None
    fallback: FallbackConfig | None = None
    providers: Sequence[Provider] = Field(default=(), exclude=True, repr=False)
    gateway: APIGateway | None = Field(default=None, exclude=True, repr=False)
    rate_limits: RateLimits | str | None = None
    circuit: CircuitConfig | None = Field(default=None, exclude=True)
    store: str | None = Field(default=None, exclude=True, repr=False)
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
        # `to_dict` adds the class's name.
        given = set(values) - {"class_name"} if isinstance(values, dict) else ()
        refuse_unknown(cls.__name__, given, known_keywords(cls), HINTS, OTHERWISE)
        return values

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
            base_url=self.api_base,
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
            shared = getattr(self, name, None)
            memo[id(shared)] = shared
        return super().__deepcopy__(memo)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out key and headers, which the other process has to have, and connections.

        Callbacks and core's own settings are left out where they have no pickle.

        Raises:
            TypeError: There are `providers`, whose keys are not pickled.
        """
        # Not core's: it deletes what has no pickle from this very model.
        ours = ModelSettings.__annotations__.keys() - set(_CALLBACKS)
        fields = {
            name: value
            for name, value in self.__dict__.items()
            if name in type(self).model_fields
            and name not in _STAYS
            and (name in ours or _has_pickle(value))
        }
        return {"__dict__": fields}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the key from the environment; a call says so if there is none."""
        # Not core's: if making the model fails, it goes on with half of one.
        given = {**state["__dict__"], "api_key": "none"}
        self.__init__(**given)  # type: ignore[misc]  # what was left out is made anew
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


@cache
def known_keywords(cls: type[ModelSettings]) -> frozenset[str]:
    """Return the constructor's keywords, other spellings included."""
    fields = cls.model_fields
    choices = [field.validation_alias for field in fields.values()]
    also = [c.choices for c in choices if isinstance(c, AliasChoices)]
    return frozenset({*fields, *(str(name) for names in also for name in names)})
