"""The journal in Redis, for many machines. All times are Redis' own clock, not that of a client."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

import msgspec

from holysheep_core.errors import ConfigurationError, JournalError
from holysheep_core.journal.backend import StoredAnswer, StoredPiece
from holysheep_core.store.redis_client import NO_URL, is_redis_url

_TIMEOUT = 2.0
_STOPPED = b"stopped"
_NOW = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local head, body = KEYS[1], KEYS[2]
"""
_BEGIN = (
    _NOW
    + """
local state = redis.call('HGET', head, 'state')
if state and not (state == 'failed' and redis.call('EXISTS', body) == 0) then return 0 end
redis.call('HSET', head, 'owner', ARGV[1], 'lease', now + ARGV[2], 'state', 'open',
  'request', ARGV[3], 'ending', '', 'written', now)
redis.call('EXPIRE', head, ARGV[4])
redis.call('SADD', KEYS[3], ARGV[5])
return 1
"""
)
_CLAIM = (
    _NOW
    + """
local state = redis.call('HGET', head, 'state')
if not state then return 0 end
if state == 'done' then return 1 end
if state == 'stopped' and ARGV[4] ~= '1' then return 0 end
local free = tonumber(redis.call('HGET', head, 'lease') or '0') <= now
if not free and redis.call('HGET', head, 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', head, 'owner', ARGV[1], 'lease', now + ARGV[2], 'state', 'open', 'ending', '',
  'written', now)
redis.call('EXPIRE', head, ARGV[3])
redis.call('SADD', KEYS[3], ARGV[5])
return 1
"""
)
_APPEND = (
    _NOW
    + """
if redis.call('HGET', head, 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', head, 'lease', now + ARGV[2], 'written', now)
if ARGV[3] ~= '' and redis.call('LLEN', body) == tonumber(ARGV[5]) then
  redis.call('RPUSH', body, ARGV[3])
end
redis.call('EXPIRE', head, ARGV[4])
redis.call('EXPIRE', body, ARGV[4])
return 1
"""
)
_END = (
    _NOW
    + """
if redis.call('HGET', head, 'owner') ~= ARGV[1] then return 0 end
local lease = 0
if ARGV[2] == 'open' then lease = now end
redis.call('HSET', head, 'owner', '', 'lease', lease, 'state', ARGV[2], 'ending', ARGV[3],
  'written', now)
if ARGV[2] == 'done' then redis.call('SREM', KEYS[3], ARGV[4]) end
return 1
"""
)
_STOP = (
    _NOW
    + """
local state = redis.call('HGET', head, 'state')
if not state or state == 'done' then return 0 end
redis.call('HSET', head, 'owner', '', 'lease', 0, 'state', 'stopped', 'ending', ARGV[1],
  'written', now)
redis.call('SREM', KEYS[3], ARGV[2])
return 1
"""
)
_BLANK = (
    _NOW
    + """
if tonumber(redis.call('HGET', head, 'lease') or '1e18') > now then return 0 end
redis.call('HSET', head, 'request', ARGV[1], 'ending', '')
redis.call('DEL', body)
return 1
"""
)
_READ = (
    _NOW
    + """
if redis.call('EXISTS', head) == 0 then return false end
local lease = tonumber(redis.call('HGET', head, 'lease')) - now
return {redis.call('HGET', head, 'state'), redis.call('HGET', head, 'request'), tostring(lease),
  redis.call('HGET', head, 'ending'), redis.call('LRANGE', body, ARGV[1], -1),
  redis.call('HGET', head, 'owner'), redis.call('HGET', head, 'written') or '0'}
"""
)
_Result = TypeVar("_Result")


class RedisStore:
    """One Redis.

    Args:
        url: "redis://…", "rediss://…" or "unix://…".
        keep: Seconds an answer is kept after it was last written.
        namespace: Prefix of its keys.
    """

    def __init__(self, url: str, keep: float, namespace: str = "holysheep") -> None:
        try:
            import redis  # noqa: PLC0415 - an extra
        except ImportError:
            raise ConfigurationError(
                "journal: Redis needs its library: pip install 'holysheep[redis]'."
            ) from None
        if not is_redis_url(url):
            raise ConfigurationError(f"journal: {NO_URL}")
        self._failure = redis.RedisError
        try:
            self._redis: Any = redis.Redis.from_url(
                url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT
            )
        except ValueError:
            raise ConfigurationError(f"journal: {NO_URL}") from None
        self._keep = max(1, int(keep))
        self._prefix = f"{{{namespace}:journal}}"  # one slot of a Redis Cluster
        scripts = (_BEGIN, _CLAIM, _APPEND, _END, _READ, _STOP, _BLANK)
        found: list[Any] = [self._redis.register_script(script) for script in scripts]
        self._begin, self._claim, self._append, self._end, self._read, *found = found
        self._stop, self._blank = found

    def begin(self, call_id: str, owner: str, request: bytes, lease: float) -> bool:
        """Start an answer; False if the name is taken by one that has text, or is open."""
        args = [owner, lease, request, self._keep, call_id]
        return bool(self._do(lambda: self._begin(self._keys(call_id), args)))

    def claim(self, call_id: str, owner: str, lease: float, *, stopped: bool = True) -> bool:
        """Take the lease; False if another process has it, or it is stopped and `stopped` unset."""
        args = [owner, lease, self._keep, int(stopped), call_id]
        return bool(self._do(lambda: self._claim(self._keys(call_id), args)))

    def append(self, call_id: str, owner: str, piece: StoredPiece | None, lease: float) -> bool:
        """Store a piece, unless it is stored already, and renew the lease.

        Returns:
            False if another process has the lease.
        """
        number, said = -1, b""
        if piece is not None:
            number, said = piece.number, msgspec.json.encode((piece.text, piece.reasoning))
        args = [owner, lease, said, self._keep, number]
        return bool(self._do(lambda: self._append(self._keys(call_id), args)))

    def end(self, call_id: str, owner: str, state: str, ending: bytes) -> bool:
        """Store how the answer ended and release the lease; False if another process has it."""
        args = [owner, state, ending, call_id]
        return bool(self._do(lambda: self._end(self._keys(call_id), args)))

    def blank(self, call_id: str, request: bytes) -> None:
        """Delete the texts of an answer that nobody writes, and replace its request."""
        self._do(lambda: self._blank(self._keys(call_id), [request]))

    def size(self, call_id: str) -> int:
        """Return about how many bytes an answer takes; 0 if there is none."""
        head, body, _ = self._keys(call_id)
        taken = (self._do(partial(self._redis.memory_usage, key)) for key in (head, body))
        return sum(each or 0 for each in taken)

    def read(self, call_id: str, skip: int) -> StoredAnswer | None:
        """Return an answer, its pieces after the first `skip`; None if there is none."""
        found = self._do(lambda: self._read(self._keys(call_id), [skip]))
        if found is None:
            return None
        state, request, lease, ending, pieces, owner, written = found
        texts = [msgspec.json.decode(piece, type=tuple[str, str]) for piece in pieces]
        facts = (owner.decode(), float(written))
        return StoredAnswer(state.decode(), request, texts, float(lease), ending, *facts)

    def stop(self, call_id: str, ending: bytes) -> bool:
        """Take an answer from whoever writes it, for good; False if it is done or not there."""
        return bool(self._do(lambda: self._stop(self._keys(call_id), [ending, call_id])))

    def stopped(self, call_ids: Collection[str]) -> set[str]:
        """Return those of these answers that are stopped."""
        names = list(call_ids)

        def ask() -> list[bytes | None]:
            with self._redis.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.hget(self._keys(name)[0], "state")
                states: list[bytes | None] = pipeline.execute()
                return states

        return {name for name, state in zip(names, self._do(ask), strict=True) if state == _STOPPED}

    def names(self) -> list[str]:
        """Return the names of all answers, the one written last at the end."""
        before = len(self._prefix) + 1
        keys = self._do(lambda: list(self._redis.scan_iter(f"{self._prefix}:*", _type="hash")))
        heads = [key.decode()[before:] for key in keys]
        written = {name: self._do(partial(self._written, name)) for name in heads}
        return sorted(heads, key=lambda name: written[name])

    def _written(self, call_id: str) -> float:
        return float(self._redis.hget(self._keys(call_id)[0], "written") or 0)

    def delete(self, call_id: str) -> None:
        """Delete an answer."""
        head, body, open_ = self._keys(call_id)
        self._do(lambda: self._redis.delete(head, body))
        self._do(lambda: self._redis.srem(open_, call_id))

    def unfinished(self) -> list[str]:
        """Return the names of incomplete answers that no process is writing."""
        names = self._do(lambda: self._redis.smembers(f"{self._prefix}:open"))
        open_ = sorted(name.decode() for name in names)
        read = {name: self.read(name, 0) for name in open_}
        expired = [name for name, kept in read.items() if kept is None]
        if expired:
            self._do(lambda: self._redis.srem(f"{self._prefix}:open", *expired))
        return [
            name
            for name, kept in read.items()
            if kept is not None and kept.lease <= 0 and kept.state in ("open", "failed")
        ]

    def forget(self, age: float) -> None:
        """Do nothing: the keys expire."""

    def held(self) -> AbstractContextManager[None]:
        """Do nothing: the client keeps its connections."""
        return nullcontext()

    def is_stale(self) -> bool:
        """Return False: the client reconnects by itself."""
        return False

    def _keys(self, call_id: str) -> list[str]:
        return [
            f"{self._prefix}:{call_id}",
            f"{self._prefix}:{call_id}:pieces",
            f"{self._prefix}:open",
        ]

    def _do(self, action: Callable[[], _Result]) -> _Result:
        try:
            return action()
        except self._failure as error:
            raise JournalError(f"The journal in Redis does not answer: {error}.") from error
