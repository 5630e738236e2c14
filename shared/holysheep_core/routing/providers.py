"""Providers: a base URL, its key, and the particulars of the API.

A route is one model at one provider.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from holysheep_core.catalog import MODELS
from holysheep_core.config.checks import FinishSignal, check_count, check_finish_signal
from holysheep_core.config.keywords import refuses_unknown
from holysheep_core.config.limits import RateLimits
from holysheep_core.errors import ConfigurationError
from holysheep_core.protocol.sse import DEFAULT_MAX_EVENT_BYTES
from holysheep_core.secrets import MIN_SECRET_LENGTH, Secret

DEFAULT_BASE_URL = "https://api.holysheep.ai/v1"


@refuses_unknown({"key": "It is api_key here.", "api_base": "It is base_url here."})
@dataclass(frozen=True)
class Provider:
    """An OpenAI-compatible API and the key for it.

    Attributes:
        api_key: The key, sent as `Authorization: Bearer …`; never shown in a repr.
        base_url: Where "/chat/completions" is appended, e.g. "https://api.holysheep.ai/v1".
        name: Its name in events and metadata.
        headers: Headers to add to every request.
        models: The provider's own names for models, where they differ.
        prefix_flag: It takes a prefill whose message is marked with `"prefix": true`, as DeepSeek
            (base URL "…/beta") and Mistral do.
        continue_final_message: It takes a prefill with the field `continue_final_message`, as
            vLLM, SGLang and llama.cpp do.
        finish_signal: What proves an answer of this API whole ("either", "finish_reason",
            "done"); None for what `ResumeConfig` says.
        rate_limits: Limits of your own for this account: a `RateLimits`, or a tier's name
            ("free", "starter", "pro").
        max_event_bytes: Most bytes of one event of a stream, and of a body that is no stream;
            more is an `InvalidResponseError`. An image in the text takes some megabytes.
        account: What tells one account from another: a digest of name, base URL and key.
        address: Scheme, host and port of the base URL.
        secrets: What to mask in errors: the key, and the values of your own headers.
        allow_http: Permit plain http to a host that is not this machine; the key and the
            conversation then travel readable by everyone on the way.
    """

    api_key: str | Secret = field(repr=False)
    base_url: str = DEFAULT_BASE_URL
    name: str = "holysheep"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    models: Mapping[str, str] = field(default_factory=dict)
    prefix_flag: bool = False
    continue_final_message: bool = False
    finish_signal: FinishSignal | None = None
    rate_limits: RateLimits | str | None = None
    allow_http: bool = False
    max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES
    account: str = field(default="", init=False, repr=False, compare=False)
    address: str = field(default="", init=False, repr=False, compare=False)
    secrets: tuple[Secret, ...] = field(default=(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key = self.api_key.reveal() if isinstance(self.api_key, Secret) else self.api_key
        _check_key(key)
        object.__setattr__(self, "api_key", Secret(key))
        object.__setattr__(self, "base_url", _check_url(self.base_url, self.allow_http))
        object.__setattr__(self, "rate_limits", RateLimits.coerce(self.rate_limits))
        check_count("max_event_bytes", self.max_event_bytes, minimum=1)
        if self.finish_signal is not None:
            check_finish_signal(self.finish_signal)
        object.__setattr__(self, "account", _digest(self.name, self.base_url, key))
        parts = urlsplit(self.base_url)
        object.__setattr__(self, "address", f"{parts.scheme}://{parts.netloc}".lower())
        for name, value in self.headers.items():
            if not (isinstance(value, str) and f"{name}{value}".isascii()):
                raise ConfigurationError(f"Header {name!r}: needs a text of ASCII characters.")
        given = [value for value in self.headers.values() if len(value) >= MIN_SECRET_LENGTH]
        object.__setattr__(self, "secrets", tuple(map(Secret, (key, *given))))

    @property
    def limits(self) -> RateLimits | None:
        """The account's limits."""
        return self.rate_limits if isinstance(self.rate_limits, RateLimits) else None

    @property
    def secret(self) -> Secret:
        """The key, wrapped."""
        return self.api_key if isinstance(self.api_key, Secret) else Secret(self.api_key)

    @property
    def url(self) -> str:
        """The chat/completions address."""
        return f"{self.base_url}/chat/completions"

    @property
    def key(self) -> str:
        """The key in clear text; only `request_headers` may use it."""
        return self.secret.reveal()

    def request_headers(self) -> dict[str, str]:
        """Return the headers of a request to this provider."""
        return {
            "accept": "text/event-stream",
            "accept-encoding": "identity",
            "authorization": f"Bearer {self.key}",
            "content-type": "application/json",
            **self.headers,
        }


@dataclass(frozen=True)
class Route:
    """One model at one provider."""

    provider: Provider
    model: str

    @property
    def key(self) -> str:
        """The route's identity: account and model. Holds no secret."""
        return f"{self.provider.account}/{self.model}"


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def _check_key(key: object) -> None:
    if key is not None and not isinstance(key, str):
        kind = type(key).__name__
        raise ConfigurationError(
            f"api_key of type {kind}: needs the key's text; a Provider belongs in providers=[…]."
        )
    if not key:
        raise ConfigurationError(
            "No API key. Set the HOLYSHEEP_API_KEY environment variable or pass api_key=…; "
            "https://www.holysheep.ai gives one."
        )
    if "://" in key:  # not repeated: it may hold a password
        raise ConfigurationError(
            "The API key is a URL. The key comes first, and the URL is base_url=…."
        )
    if key in MODELS:
        raise ConfigurationError(
            f"{key!r} is a model's name, not a key; give it to the call: "
            f"stream_with_retry({key!r}, messages)."
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            "The API key has a space, a newline or another character that no key has; "
            "it was probably copied with something around it. Pass it stripped."
        )


def _check_url(url: object, allow_http: bool) -> str:  # noqa: FBT001 - private
    if not isinstance(url, str):
        raise ConfigurationError(f"base_url={url!r}: needs a URL such as {DEFAULT_BASE_URL!r}.")
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = parts.hostname
        (host or "").encode("idna")
        known = parts.port is None or parts.port > 0
    except ValueError:
        known = False
    if known and (parts.username or parts.password):
        raise ConfigurationError("base_url holds a user name or password; use api_key= instead.")
    strange = not url.isprintable() or " " in url
    if not known or strange or not host or parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"base_url={url!r}: needs scheme and host, such as {DEFAULT_BASE_URL!r}."
        )
    if parts.query or parts.fragment:
        raise ConfigurationError(f"base_url={url!r}: a base URL has no '?' and no '#'.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ConfigurationError(
            f"base_url={url!r} is plain http: everyone on the way could read the API key. "
            "Use https, or pass allow_http=True if that network is yours."
        )
    return url.rstrip("/").removesuffix("/chat/completions")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
