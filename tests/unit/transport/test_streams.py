"""Network streams: reads keep to a moving deadline, uploads to a limit for each piece."""

import httpcore
import pytest

from holysheep_core.clock import clock
from holysheep_core.transport.deadline import Deadline, UploadLimit
from holysheep_core.transport.streams import AsyncStream, Stream


class Call:
    """What a deadline asks of a session."""

    heartbeat, end = 0.5, None

    def __init__(self, seconds):
        self.deadline = clock() + seconds
        self.silences = self.uploads = 0

    def receive_silence(self, now):
        self.silences += 1

    def receive_upload(self, now):
        self.uploads += 1


class Wire:
    """The stream below: what it was given, and what it says; silence is a time-out."""

    def __init__(self, *says):
        self.says, self.timeouts, self.wrote = list(says), [], []

    def get_extra_info(self, name):
        return None

    def _next(self, timeout):
        self.timeouts.append(timeout)
        said = self.says.pop(0)
        if said is None:
            raise httpcore.ReadTimeout
        return said

    def read(self, most, timeout):
        return self._next(timeout)

    def write(self, data, timeout):
        self.wrote.append((len(data), timeout))

    def close(self):
        raise AssertionError("nobody closes it")


class AsyncWire(Wire):
    async def read(self, most, timeout):
        return self._next(timeout)

    async def write(self, data, timeout):
        self.wrote.append((len(data), timeout))

    async def aclose(self):
        raise AssertionError("nobody closes it")


class Both:
    """A sync or an async stream, used in the same way."""

    def __init__(self, use_async, *says):
        self.wire = (AsyncWire if use_async else Wire)(*says)
        self.stream = (AsyncStream if use_async else Stream)(self.wire)
        self._async = use_async

    async def __call__(self, name, *args):
        done = getattr(self.stream, name)(*args)
        return await done if self._async else done


both = pytest.mark.parametrize("use_async", [False, True])


@both
async def test_a_silent_read_is_sliced_by_the_heartbeat_and_each_slice_is_reported(use_async):
    call, made = Call(30), Both(use_async, None, None, b"HTTP/1.1 200 OK\r\n")
    assert await made("read", 100, Deadline(call)) == b"HTTP/1.1 200 OK\r\n"
    assert call.silences == 2
    assert made.wire.timeouts == [0.5, 0.5, 0.5]


@both
async def test_a_read_ends_when_the_deadline_has_passed(use_async):
    call, made = Call(-1), Both(use_async, None)
    with pytest.raises(httpcore.ReadTimeout):
        await made("read", 100, Deadline(call))
    assert call.silences == 0


@both
async def test_an_upload_has_a_limit_for_each_piece_and_the_answers_time_begins_after_it(use_async):
    call, made = Call(30), Both(use_async, b"HTTP/1.1 200 OK\r\n")
    await made("write", b"x" * 150_000, UploadLimit(7.0, call))
    assert [size for size, _ in made.wire.wrote] == [65_536, 65_536, 18_928]
    assert {limit for _, limit in made.wire.wrote} == {7.0}
    assert call.uploads == 0
    await made("read", 100, Deadline(call))
    assert call.uploads == 1


@both
async def test_the_total_time_of_a_call_bounds_its_upload_too(use_async):
    call, made = Call(30), Both(use_async)
    call.end = clock() + 2
    await made("write", b"x", UploadLimit(600.0, call))
    assert 0 < made.wire.wrote[0][1] <= 2
