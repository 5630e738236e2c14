"""Public streams close the engine's stream, however they end."""

import asyncio

import pytest

from llamaindex_holysheep.closing import aclosing_all, closing_all, note, noting


def engine(log):
    try:
        yield 1
        yield 2
    finally:
        log.append("closed")


async def aengine(log):
    try:
        yield 1
        yield 2
    finally:
        log.append("closed")


def test_streams_are_noted_in_the_innermost_block():
    with noting() as outer:
        note("a")
        with noting() as inner:
            note("b")
        note("c")
    assert (outer, inner) == (["a", "c"], ["b"])
    with pytest.raises(LookupError):
        note("d")


@pytest.mark.parametrize("reads", [1, 2, 3])
def test_a_stream_that_ends_or_is_closed_closes_the_engines(reads):
    log = []
    below = engine(log)
    stream = closing_all((item for item in [1, 2]), [below])
    next(below)
    assert [next(stream, None) for _ in range(reads)] == [1, 2, None][:reads]
    stream.close()
    assert log == ["closed"]


def test_so_does_one_that_fails():
    def told():
        yield 1
        raise KeyError("mine")

    log = []
    below = engine(log)
    next(below)
    with pytest.raises(KeyError, match="mine"):
        list(closing_all(told(), [below]))
    assert log == ["closed"]


def test_an_async_stream_closes_the_wrapper_and_the_engines_stream():
    async def told(log):
        try:
            yield 1
            yield 2
        finally:
            log.append("told")

    async def run():
        log = []
        below = aengine(log)
        await anext(below)
        stream = aclosing_all(told(log), [below])
        await anext(stream)
        await stream.aclose()
        return log

    assert asyncio.run(run()) == ["told", "closed"]
