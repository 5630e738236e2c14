"""The fuzzers' corpus, replayed: no atheris needed, and over in seconds."""

import random
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from targets import TARGETS  # noqa: E402 - a folder of scripts, found by its path

FILES = [(name, path) for name in TARGETS for path in sorted((HERE / "corpus" / name).iterdir())]


@pytest.mark.parametrize(("name", "path"), FILES, ids=[f"{n}-{p.name[:8]}" for n, p in FILES])
def test_what_led_somewhere_new_still_keeps_the_promise(name, path):
    TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_small_corpus(name):
    sizes = [path.stat().st_size for folder, path in FILES if folder == name]
    assert sizes
    assert sum(sizes) <= 16_000


@pytest.mark.parametrize("name", TARGETS)
def test_a_corpus_damaged_at_random_keeps_the_promise_too(name):
    chance = random.Random(name)
    for _, path in (each for each in FILES if each[0] == name):
        data = bytearray(path.read_bytes())
        for _ in range(1 + len(data) // 16):
            data[chance.randrange(len(data)) if data else 0 :][:1] = bytes([chance.randrange(256)])
            data.insert(chance.randrange(len(data) + 1), chance.randrange(256))
        TARGETS[name](bytes(data))
