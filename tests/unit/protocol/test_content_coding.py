"""Compressed bodies: the same bytes, in bounded pieces, however they are split."""

import gzip
import zlib

import pytest

from holysheep_core.protocol.content_coding import PIECE, Inflater

BODY = "data: 양\n\n".encode() * 20


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_body_split_at_every_byte_opens_to_the_same(pack):
    packed = pack(BODY)
    for at in range(len(packed) + 1):
        inflater = Inflater()
        assert b"".join([*inflater.feed(packed[:at]), *inflater.feed(packed[at:])]) == BODY


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 5_000_000])
def test_what_expands_comes_in_bounded_pieces_and_at_once(size):
    pieces = list(Inflater().feed(gzip.compress(b"\0" * size)))
    assert max(map(len, pieces)) <= PIECE
    assert b"".join(pieces) == b"\0" * size


def test_an_event_is_not_held_back_until_the_next_one():
    packer = zlib.compressobj(wbits=31)
    inflater = Inflater()
    for _ in range(3):
        sent = packer.compress(BODY) + packer.flush(zlib.Z_SYNC_FLUSH)
        assert b"".join(inflater.feed(sent)) == BODY


def test_all_members_of_a_gzip_body_are_read_wherever_it_is_split():
    packed = gzip.compress(BODY) + gzip.compress(b"") + gzip.compress(BODY[::-1])
    for at in range(len(packed) + 1):
        inflater = Inflater()
        read = [*inflater.feed(packed[:at]), *inflater.feed(packed[at:])]
        assert b"".join(read) == BODY + BODY[::-1]
    inflater = Inflater()
    by_bytes = [piece for byte in packed for piece in inflater.feed(bytes([byte]))]
    assert b"".join(by_bytes) == BODY + BODY[::-1]


def test_what_comes_after_the_end_is_dropped():
    inflater = Inflater()
    assert b"".join(inflater.feed(gzip.compress(BODY) + b"more")) == BODY
    assert list(inflater.feed(b"more" * 1000)) == []


def test_damage_is_an_error():
    with pytest.raises(zlib.error):
        list(Inflater().feed(b"data: {}"))
