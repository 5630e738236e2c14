"""The connection to Redis, and how it behaves while Redis does not answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from holysheep_core.errors import ConfigurationError

if TYPE_CHECKING:
    from limits.storage import RedisStorage

_log = logging.getLogger("holysheep.store")

TIMEOUT = 0.25
"""Seconds a request may be held up by a store that does not answer, once in `REST_SECONDS`."""

REST_SECONDS = 5.0
"""How long a store that failed is not asked by calls."""

NO_URL = (
    "needs a Redis URL such as 'redis://localhost:6379/0'. In a password, "
    "/ is written %2F, # %23, @ %40 and ? %3F."
)
"""What is said of any other; nothing of it, since any part may be one of its password."""


class RedisClient:
    """A connection to Redis that tolerates failures.

    Args:
        url: "redis://…", "rediss://…" or "unix://…".
        namespace: What the names of its keys begin with.

    Attributes:
        redis: The client.
        name: Its address, without a password.
        namespace: What the names of its keys begin with.
    """

    def __init__(self, url: str, namespace: str) -> None:
        self.redis, self.storage = _connect(url, namespace)
        self.namespace = namespace
        parts = urlsplit(url)
        self.name = f"{parts.scheme}://{parts.hostname or ''}:{parts.port or ''}{parts.path}"
        self._rests_until = 0.0
        self._warned = False

    def limits(self) -> RedisStorage | None:
        """Return where rate limits are counted, or None while Redis does not answer."""
        return self.storage if time.monotonic() >= self._rests_until else None

    def answered(self) -> None:
        """Redis answered: use it again."""
        self._rests_until = 0.0

    @contextmanager
    def tolerating_redis_errors(self) -> Iterator[None]:
        """Ignore errors of Redis, after one warning."""
        import redis  # noqa: PLC0415 - an extra

        try:
            yield
        except (redis.RedisError, OSError) as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            if not self._warned:
                self._warned = True
                _log.warning(
                    "%s does not answer (%s: %s). Calls continue with what this process knows.",
                    self.name,
                    type(error).__name__,
                    error,
                )
        else:
            if self._warned:
                self._warned = False
                _log.info("%s answers again.", self.name)


def is_redis_url(url: object) -> bool:
    """Tell whether this is the URL of a Redis whose password, if any, is escaped.

    The parser ends an unescaped password at its first "/", "#" or "?" and takes the rest for a
    path, which errors show. Newer Pythons refuse brackets there, so all do here.
    """
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises
    except ValueError:
        return False
    behind = f"{parts.path}{parts.query.partition('=')[0]}{parts.fragment}"
    user = parts.netloc.rpartition("@")[0]
    torn = bool(parts.netloc) and ("@" in behind or "[" in user or "]" in user)
    return parts.scheme in ("redis", "rediss", "unix") and not torn


def _connect(url: str, namespace: str) -> tuple[Any, RedisStorage]:
    try:
        import redis  # noqa: PLC0415 - an extra
        from limits.storage import RedisStorage  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "store= needs the redis library: pip install 'holysheep[redis]'."
        ) from error
    if not is_redis_url(url):
        raise ConfigurationError(f"store: {NO_URL}")
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError:
        raise ConfigurationError(f"store: {NO_URL}") from None
    # A prefix of its own for the strategy: another one at the same keys is an error in Redis.
    storage = RedisStorage(
        "redis://", connection_pool=client.connection_pool, key_prefix=f"{namespace}:limits"
    )
    return client, storage
