"""State of a process: forks, instances shared by key, registered users."""

import gc
import os
import threading

import pytest

from holysheep_core.process import Lock, Shared, Users, WeakGroup, at_end_of, no_fork, weakly
from holysheep_core.process import renew_after_fork as renew


class Thing:
    pass


def test_a_key_has_one_instance_for_as_long_as_somebody_uses_it():
    shared, made = Shared(), []

    def make():
        made.append(1)
        return Thing()

    one = shared.get("a", make)
    assert shared.get("a", make) is one
    assert shared.get("b", make) is not one
    del one
    gc.collect()
    shared.get("a", make)
    assert len(made) == 3


def test_a_kept_instance_stays_though_nobody_uses_it():
    shared, made = Shared(keep=True), []
    for _ in range(2):
        shared.get("a", lambda: made.append(1) or Thing())
        gc.collect()
    assert len(made) == 1


def test_many_threads_get_the_same_instance():
    shared, got, start = Shared(), [], threading.Barrier(8)

    def ask():
        start.wait()
        got.append(shared.get("a", Thing))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, got))) == 1


def test_a_group_holds_its_members_weakly_and_may_change_while_it_is_gone_through():
    group, one, two = WeakGroup(), Thing(), Thing()
    group.add(one)
    group.add(two)
    for member in group:
        group.leave(member)
    assert not group
    group.add(one)
    del one, member
    gc.collect()
    assert not group
    assert list(group) == []


@pytest.mark.parametrize("how", ["leave", "garbage", "clear"])
def test_when_the_last_user_is_gone_it_is_said(how):
    said, held = [], [Thing(), Thing()]
    users = Users(lambda: said.append(1))
    users.add(held[0])
    users.add(held[1])
    if how == "clear":
        users.clear()
    else:
        for left in (1, 0):
            user = held.pop()
            if how == "leave":
                users.leave(user)
            del user
            gc.collect()
            assert bool(said) is (left == 0)
    assert said


def test_a_weak_callback_does_nothing_once_its_object_is_garbage():
    class Counter:
        count = 0

        def up(self, by):
            self.count += by
            return self.count

    counter = Counter()
    call = weakly(counter.up)
    assert call(2) == 2
    del counter
    gc.collect()
    assert call(2) is None


def test_at_end_of_calls_its_function_unless_cancelled():
    said, one, two = [], Thing(), Thing()
    at_end_of(one, said.append, "one")
    at_end_of(two, said.append, "two")()
    del one, two
    gc.collect()
    assert said == ["one"]


# Where Python warns that a process with threads forks.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_renews_what_asked_for_it_and_has_locks_of_its_own():
    class Renewed:
        pid = None

        def after_fork(self):
            self.pid = os.getpid()

    each, shared = Renewed(), Shared()
    renew(each)
    with shared._lock:  # as another thread may hold it at that moment
        child = os.fork()
        if child == 0:
            with no_fork:
                good = each.pid == os.getpid() and shared.get("a", Thing) is not None
            os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert each.pid is None


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_lock_is_free_in_a_forked_process_whoever_held_it():
    lock = Lock()
    with lock.held(), lock.held():
        child = os.fork()
        if child == 0:
            taken = threading.Thread(target=lambda: lock._lock.acquire(timeout=5))
            taken.start()
            taken.join()
            os._exit(0 if not lock._lock.acquire(blocking=False) else 1)
    assert os.waitpid(child, 0)[1] == 0
