"""What every store of a journal has to do; run for SQLite and for Redis."""

import time

from holysheep_core.journal.backend import StoredPiece

ONE, TWO = StoredPiece(0, "one ", ""), StoredPiece(1, "two", "thought")


class StoreContract:
    """The tests; a subclass has the fixture `store`, an empty one."""

    def test_what_is_written_is_read_in_order_from_any_place(self, store):
        assert store.begin("a", "me", b"request", 5)
        assert all(store.append("a", "me", piece, 5) for piece in (ONE, TWO))
        kept = store.read("a", 0)
        assert (kept.state, kept.request, kept.ending) == ("open", b"request", b"")
        assert [tuple(piece) for piece in kept.pieces] == [("one ", ""), ("two", "thought")]
        assert [tuple(piece) for piece in store.read("a", 1).pieces] == [("two", "thought")]
        assert 4 < kept.lease <= 5
        assert store.read("b", 0) is None

    def test_a_piece_that_is_written_twice_is_there_once_as_it_was_first(self, store):
        store.begin("a", "me", b"", 5)
        assert store.append("a", "me", ONE, 5)
        assert store.append("a", "me", ONE, 5)
        assert store.append("a", "me", StoredPiece(0, "other", ""), 5)
        assert [tuple(piece) for piece in store.read("a", 0).pieces] == [("one ", "")]

    def test_a_name_is_given_once_but_again_after_a_failure_with_nothing_written(self, store):
        assert store.begin("a", "me", b"", 5)
        assert not store.begin("a", "you", b"", 5)
        store.end("a", "me", "failed", b"why")
        assert store.begin("a", "you", b"", 5)
        store.append("a", "you", ONE, 5)
        store.end("a", "you", "failed", b"why")
        assert not store.begin("a", "me", b"", 5)

    def test_only_the_owner_writes_and_another_may_claim_when_the_lease_is_over(self, store):
        store.begin("a", "me", b"", 0.2)
        assert not store.claim("a", "you", 5)
        assert not store.append("a", "you", ONE, 5)
        assert not store.end("a", "you", "done", b"")
        time.sleep(0.25)
        assert store.unfinished() == ["a"]
        assert store.claim("a", "you", 5)
        assert not store.append("a", "me", ONE, 5)
        assert store.append("a", "you", None, 5)
        assert store.unfinished() == []

    def test_an_answer_that_is_done_stays_as_it_is(self, store):
        store.begin("a", "me", b"", 5)
        store.append("a", "me", ONE, 5)
        assert store.end("a", "me", "done", b"whole")
        assert store.claim("a", "you", 5)
        kept = store.read("a", 0)
        assert (kept.state, kept.ending, len(kept.pieces)) == ("done", b"whole", 1)
        assert kept.lease <= 0
        assert store.unfinished() == []

    def test_a_failed_answer_is_open_again_for_who_claims_it(self, store):
        store.begin("a", "me", b"", 5)
        store.end("a", "me", "failed", b"why")
        assert store.unfinished() == ["a"]
        assert store.claim("a", "you", 5)
        assert (store.read("a", 0).state, store.read("a", 0).ending) == ("open", b"")

    def test_a_connection_that_is_held_serves_as_well(self, store):
        with store.held():
            assert store.begin("a", "me", b"", 5)
            assert store.append("a", "me", ONE, 5)
        assert len(store.read("a", 0).pieces) == 1
