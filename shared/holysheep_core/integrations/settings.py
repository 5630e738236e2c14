"""The settings all plugins share, and the engine's client built from them.

A plugin's settings class inherits from `EngineSettings` and from the framework's base class::

    class ModelSettings(EngineSettings, FrameworkModel):
        model_config = EngineSettings.model_config  # overrides the framework's

This module needs pydantic, a dependency of the frameworks. `import holysheep_core` does not import
this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from holysheep_core.catalog import Catalog, coerce
from holysheep_core.client.handler import StreamingRetryHandler
from holysheep_core.config.checks import check_number, check_only_one, refuse_numbers
from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.config.keywords import refuse_unknown
from holysheep_core.config.limits import RateLimits, SpendLimit
from holysheep_core.config.resume import ResumeConfig
from holysheep_core.config.retry import RetryConfig, Timeouts
from holysheep_core.errors import ConfigurationError
from holysheep_core.events import Event
from holysheep_core.gateway.gateway import APIGateway
from holysheep_core.integrations.changes import CHANGES, by_field, known_keywords
from holysheep_core.integrations.wrong_values import RANGES, as_configuration_error
from holysheep_core.journal.journal import Journal
from holysheep_core.observers.observer import Observer
from holysheep_core.observers.totals import Totals
from holysheep_core.routing.circuit import CircuitConfig
from holysheep_core.routing.providers import Provider
from holysheep_core.transport.connections import Connections

if TYPE_CHECKING:
    from typing_extensions import Self

CALLBACKS = ("on_token", "on_event", "observers")
NOT_PICKLED = (
    *("api_key", "default_headers", "store", "journal"),
    *("gateway", "http_client", "http_async_client"),
)
"""Fields with secrets and connections; pickles leave them out."""

_SHARED_BY_COPIES = (
    *("gateway", "http_client", "http_async_client", "journal", *CALLBACKS),
    "rate_limiter",  # the framework's, if it has one: a copy of it would double the limit
)
_SENT = (
    *("temperature", "max_tokens", "top_p", "stop", "seed"),
    *("frequency_penalty", "presence_penalty", "reasoning_effort"),
)
_PASSED = (
    *("max_retries", "timeouts", "timeout", "resume", "fallback", "fallback_models", "providers"),
    *("gateway", "rate_limits", "circuit", "store", "on_event", "http_client", "connections"),
    *("http_async_client", "default_headers", "allow_http", "stream_usage", "adapt", "coalesce"),
    *("catalog", "spend_limit", "event_log", "journal"),
)
"""Settings that have the same name in the engine's client."""
_OF_ENGINE = frozenset({*_PASSED, "api_key", "retry", "observers"})
"""Settings that the engine's client is built from; a plugin's base URL is one more."""
_Settings = TypeVar("_Settings", bound="EngineSettings")


class EngineSettings(BaseModel):
    """The fields of all plugins.

    A plugin sets `_hints` and `_otherwise`, the advice for unknown keywords, and `_base_url_field`,
    the name of its field for the base URL.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        defer_build=True,  # this class has no instances, and building a validator is slow
        extra="forbid",
        hide_input_in_errors=True,  # a rejected value may be the key
        populate_by_name=True,
        protected_namespaces=(),
    )

    _hints: ClassVar[Mapping[str, str]] = {}
    _otherwise: ClassVar[str] = ""
    _base_url_field: ClassVar[str] = "base_url"

    model: str
    api_key: SecretStr | str | None = Field(default=None, exclude=True, repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    stop: list[str] | str | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    default_headers: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)
    timeout: float | tuple[float | None, float | None] | None = None
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
    adapt: bool = True
    coalesce: bool = False
    catalog: Catalog | str | Path | None = Field(default=None, exclude=True)
    spend_limit: SpendLimit | None = None
    event_log: str | Path | None = Field(default=None, exclude=True)
    journal: Journal | str | None = Field(default=None, exclude=True, repr=False)
    observers: Sequence[Observer] = Field(default=(), exclude=True, repr=False)
    on_token: Callable[[str], Any] | None = Field(default=None, exclude=True, repr=False)
    on_event: Callable[[Event], Any] | None = Field(default=None, exclude=True, repr=False)
    connections: Connections | None = Field(default=None, exclude=True, repr=False)
    # A Client and an AsyncClient of httpx or httpx2; the engine checks them, and imports httpx.
    http_client: Any = Field(default=None, exclude=True, repr=False)
    http_async_client: Any = Field(default=None, exclude=True, repr=False)
    allow_http: bool = False

    _built: StreamingRetryHandler | None = PrivateAttr(default=None)
    _totals: Totals = PrivateAttr(default_factory=Totals)
    _complete: bool = PrivateAttr(default=False)
    """Whether the model is made: fields that are set are checked."""

    def __init__(self, *args: Any, **given: Any) -> None:
        """Take settings by keyword.

        Raises:
            ConfigurationError: A keyword or a value is wrong; the message names each.
        """
        if args:
            name = type(self).__name__
            raise ConfigurationError(f"{name} takes keywords alone: {name}(model=…, api_key=…).")
        super().__init__(**given)

    @model_validator(mode="wrap")
    @classmethod
    def _say_what_is_wrong(cls, values: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(values)
        except ValidationError as error:
            raise as_configuration_error(cls.__name__, error) from None

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, values: Any) -> Any:
        given = values if isinstance(values, dict) else ()
        refuse_unknown(cls.__name__, given, known_keywords(cls), cls._hints, cls._otherwise)
        return values

    @field_validator(*RANGES)
    @classmethod
    def _check_range(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None:
            name = info.field_name or ""
            least, most = RANGES[name]
            check_number(name, value, minimum=least, maximum=most)
        return value

    @field_validator("model")
    @classmethod
    def _check_model(cls, value: str) -> str:
        if not value.strip():
            raise ConfigurationError(f"model={value!r}: needs a model's name.")
        return value

    @field_validator("timeouts", "spend_limit", "retry", "fallback", mode="before")
    @classmethod
    def _refuse_number(cls, value: Any, info: ValidationInfo) -> Any:
        refuse_numbers(**{info.field_name or "": value})
        return value

    @field_validator("timeout", mode="before")
    @classmethod
    def _read_timeout(cls, value: Any) -> Any:
        if isinstance(value, Timeouts):
            raise ConfigurationError("timeout of type Timeouts: pass it as timeouts=….")
        if hasattr(value, "connect") and hasattr(value, "read"):  # an httpx.Timeout
            return (value.connect, value.read)
        return value

    @field_validator("api_key")
    @classmethod
    def _hide_key(cls, value: SecretStr | str | None) -> SecretStr | None:
        return SecretStr(value) if isinstance(value, str) else value

    def model_post_init(self, context: Any, /) -> None:
        """Build the engine's client, which checks the settings.

        Raises:
            ConfigurationError: A setting is invalid.
        """
        super().model_post_init(context)
        self._built = self._build()
        self._complete = True

    @property
    def totals(self) -> Totals:
        """Tokens and costs of all calls of this model and its copies."""
        built = self._built
        catalog = coerce(self.catalog) if built is None else built.settings.catalog
        return self._totals.priced_by(catalog)

    @property
    def _handler(self) -> StreamingRetryHandler:
        built = self._built  # read once: another thread may change it
        if built is None:
            with CHANGES.held():
                built = self._built = self._built or self._build()
        return built

    def _private_of_pickle(self) -> dict[str, Any]:
        return {"_built": None, "_totals": self._totals, "_complete": True}

    @property
    def _request_fields(self) -> dict[str, Any]:
        """The request fields that are set on the model; every request has them."""
        values = {name: getattr(self, name) for name in _SENT}
        return {name: value for name, value in values.items() if value is not None}

    def _build(self, replaces: StreamingRetryHandler | None = None) -> StreamingRetryHandler:
        check_only_one("max_retries", self.max_retries, "retry", self.retry)
        key, base_url = self.api_key, getattr(self, self._base_url_field)
        if self.gateway is not None:
            # The gateway has its own; what the fields have from the environment does not count.
            for name, value in (("api_key", key), (self._base_url_field, base_url)):
                if name in self.model_fields_set:
                    check_only_one("gateway", self.gateway, name, value)
            key = base_url = None
        passed = {name: getattr(self, name) for name in _PASSED}
        return StreamingRetryHandler(
            key.get_secret_value() if isinstance(key, SecretStr) else None,
            base_url=base_url,
            config=self.retry,
            observers=(self._totals, *self.observers),
            replaces=replaces,
            **passed,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a field, checked like a keyword of the constructor; aliases are understood.

        A setting of the engine's client takes effect with the next call. Connections, and what is
        known of routes, are kept where they still fit.

        Raises:
            ConfigurationError: There is no such field, or the value is invalid.
        """
        own = name.startswith("_") or not self._complete
        if own or isinstance(getattr(type(self), name, None), property):
            super().__setattr__(name, value)
            return
        if name not in _OF_ENGINE and self.__dict__.get(name, self) is value:
            return  # LlamaIndex sets the same callback manager with every use of a model
        with CHANGES.held():
            changed = self._changed({name: value})
            fields_set, built = changed.__pydantic_fields_set__, changed._built
            object.__setattr__(self, "__dict__", changed.__dict__)
            object.__setattr__(self, "__pydantic_fields_set__", fields_set)
            self._built = built

    def model_copy(
        self: _Settings, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> _Settings:
        """Copy the model.

        Args:
            update: Settings of the copy that differ, checked like keywords of the constructor. A
                copy shares connections, and what is known of routes, where they still fit.
            deep: Whether values are copied too.

        Raises:
            ConfigurationError: There is no such field, or a value is invalid.
        """
        copied = super().model_copy(deep=deep)
        return copied._changed(update) if update else copied

    def _changed(self: _Settings, update: Mapping[str, Any]) -> _Settings:
        """Return a shallow copy with other values of some fields, all of them checked."""
        cls = type(self)
        refuse_unknown(cls.__name__, update, known_keywords(cls), cls._hints, cls._otherwise)
        values = by_field(cls, update)
        changed = super().model_copy()
        for cached in changed.__dict__.keys() - cls.model_fields.keys():
            del changed.__dict__[cached]  # a `cached_property` of the other settings
        changed._complete = False  # validators of frameworks set fields of the model
        for name, value in values.items():
            cls.__pydantic_validator__.validate_assignment(changed, name, value)
        changed._complete = True
        engine = values.keys() & {*_OF_ENGINE, cls._base_url_field}
        if engine:
            # A model that was unpickled where there is no key gets one by assignment.
            waits = self._built is None and changed.api_key is None
            changed._built = None if waits else changed._build(self._built)
        return changed

    def __deepcopy__(self: _Settings, memo: dict[int, Any] | None = None) -> _Settings:
        """Copy the model; the copy shares connections, callbacks and limiters."""
        memo = {} if memo is None else memo
        for name in _SHARED_BY_COPIES:
            shared = getattr(self, name, None)
            memo[id(shared)] = shared
        return super().__deepcopy__(memo)
