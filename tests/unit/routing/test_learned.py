"""What routes have refused, for the life of the process."""

from holysheep_core.families.refusals import Lesson
from holysheep_core.routing.learned import Learned
from holysheep_core.routing.providers import Provider, Route
from holysheep_core.routing.route_state import RouteStates

SEED = Lesson("seed")


def test_a_lesson_is_learned_once_for_each_route():
    learned = Learned()
    assert learned.learn("a", SEED)
    assert not learned.learn("a", Lesson("seed", "other"))
    assert learned.learn("b", SEED)
    assert learned.lessons("a") == (SEED,)
    learned.forget()
    assert learned.lessons("a") == ()


def test_a_rejected_prefill_is_remembered():
    learned = Learned()
    learned.learn_no_prefill("a")
    assert learned.rejects_prefill("a")
    assert not learned.rejects_prefill("b")


def test_all_clients_of_a_process_know_what_one_has_learned():
    route = Route(Provider("key-1234", "https://one.test/v1"), "m")
    elsewhere = Route(Provider("key-5678", "https://one.test/v1"), "m")
    assert RouteStates().learn(route, SEED)
    RouteStates().learn_no_prefill(route)
    assert RouteStates().lessons(route) == (SEED,)
    assert RouteStates().rejects_prefill(route)
    assert RouteStates().lessons(elsewhere) == ()


def test_it_holds_only_so_many_routes():
    learned = Learned()
    for number in range(10_001):
        learned.learn(str(number), SEED)
        learned.learn_no_prefill(str(number))
    assert learned.lessons("0") == ()
    assert learned.lessons("10000") == (SEED,)
    assert learned.rejects_prefill("10000")
    assert not learned.rejects_prefill("0")
