"""No half tool call: the pieces find their call, and only whole calls come out as whole."""

import itertools
import re
import time

import pytest

from holysheep_core.protocol.offered_tools import OfferedTools
from holysheep_core.protocol.tool_calls import ToolCallAssembler
from holysheep_core.protocol.wire import FunctionPart, Message, ToolCallPart
from holysheep_core.types import ToolCall

ARGUMENTS = '{"amount": 1000, "to": "서울"}'


def part(index=None, id=None, name=None, arguments=None) -> ToolCallPart:  # noqa: A002 - the wire's name
    return ToolCallPart(index=index, id=id, function=FunctionPart(name=name, arguments=arguments))


OFFERED = OfferedTools(frozenset({"get_weather", "get_time", "pay"}), frozenset({"pay"}))


def assemble(*deltas: list[ToolCallPart], limited=False, ended=True, taken=(), offered=OFFERED):
    tools = ToolCallAssembler(offered, taken, "seed")
    for parts in deltas:
        tools.add(Message(tool_calls=parts))
    return tools.finish(limited=limited, ended=ended)


def test_nothing_collected_is_nothing():
    tools = ToolCallAssembler()
    tools.add(Message(content="text"))
    assert tools.finish(limited=False, ended=True) == ((), ())


def test_pieces_with_an_index_join_the_call_of_that_index():
    whole, cut = assemble(
        [part(0, "a", "pay", "")], [part(0, arguments='{"n":')], [part(0, arguments="1}")]
    )
    assert (whole, cut) == ((ToolCall("a", "pay", '{"n":1}', 0),), ())


@pytest.mark.parametrize("order", set(itertools.permutations([0, 0, 0, 1, 1, 1])))
def test_calls_interleaved_by_index_in_any_order_come_out_whole(order):
    pieces = {0: iter(['{"n":', "1", "}"]), 1: iter(['{"m":', "2", "}"])}
    opening = [[part(0, "a", "f")], [part(1, "b", "g")]]
    whole, cut = assemble(*opening, *([part(i, arguments=next(pieces[i]))] for i in order))
    assert [(call.id, call.arguments) for call in whole] == [("a", '{"n":1}'), ("b", '{"m":2}')]
    assert cut == ()


def test_several_calls_in_one_delta_come_out_in_order():
    whole, _ = assemble([part(0, "a", "f", "{}"), part(1, "b", "g", "{}"), part(2, "c", "h", "{}")])
    assert [(c.id, c.name, c.index) for c in whole] == [("a", "f", 0), ("b", "g", 1), ("c", "h", 2)]


def test_indices_need_not_begin_at_0_nor_be_in_order():
    whole, _ = assemble(
        [part(3, "a", "f", "{")], [part(1, "b", "g", "{}")], [part(3, arguments="}")]
    )
    assert [(call.id, call.index) for call in whole] == [("a", 0), ("b", 1)]


@pytest.mark.parametrize("index", [0, None])
def test_an_id_repeated_in_every_delta_is_the_same_call(index):
    whole, cut = assemble(*([part(index, "a", "f", piece)] for piece in ["{", '"n":1', "}"]))
    assert (whole, cut) == ((ToolCall("a", "f", '{"n":1}', 0),), ())


def test_a_reused_index_0_with_new_ids_is_a_call_each():
    whole, cut = assemble(
        [part(0, "a", "f", '{"n":')],
        [part(0, arguments="1}")],
        [part(0, "b", "g", '{"m":')],
        [part(0, arguments="2}")],
    )
    assert [(c.id, c.name, c.arguments) for c in whole] == [
        ("a", "f", '{"n":1}'),
        ("b", "g", '{"m":2}'),
    ]
    assert cut == ()


def test_an_id_that_comes_after_the_first_piece_is_kept():
    whole, _ = assemble([part(0, name="f", arguments="{")], [part(0, "late", arguments="}")])
    assert whole == (ToolCall("late", "f", "{}", 0),)


def test_calls_without_ids_are_given_one_each():
    whole, _ = assemble([part(0, name="f", arguments="{}"), part(1, name="f", arguments="{}")])
    assert len({call.id for call in whole}) == 2
    assert all(call.id for call in whole)


@pytest.mark.parametrize("opening", [{"id": "b", "name": "g"}, {"id": "b"}, {"name": "g"}])
def test_without_an_index_a_new_id_or_name_is_a_new_call(opening):
    first = [part(id="a" if "id" in opening else None, name="f", arguments='{"n":1}')]
    whole, cut = assemble(first, [part(**opening, arguments="{")], [part(arguments="}")])
    assert [call.arguments for call in (*whole, *cut)] == ['{"n":1}', "{}"]


@pytest.mark.parametrize("index", [0, None])
def test_an_id_seen_before_is_not_a_new_call(index):
    whole, cut = assemble(
        [part(index, "a", "f", '{"n":')],
        [part(index, "b", "g", '{"m":')],
        [part(index, "a", arguments="1}")],
        [part(index, "b", arguments="2}")],
    )
    assert [(call.id, call.arguments) for call in whole] == [("a", '{"n":1}'), ("b", '{"m":2}')]
    assert cut == ()


def test_without_index_id_and_name_a_piece_joins_the_last_call():
    whole, _ = assemble(
        [part(id="a", name="f", arguments="{}")],
        [part(id="b", name="g", arguments='{"n"')],
        [part(arguments=":1}")],
    )
    assert [call.arguments for call in whole] == ["{}", '{"n":1}']


def test_an_orphan_piece_alone_is_a_call_without_name_and_never_whole():
    whole, cut = assemble([part(arguments="{}")])
    assert (whole, len(cut)) == ((), 1)


def test_arguments_sent_as_an_object_are_the_call_whole():
    whole, _ = assemble([part(0, "a", "pay", {"amount": 1000, "to": "서울"})])
    assert whole[0].arguments == '{"amount":1000,"to":"서울"}'


def test_a_legacy_function_call_is_the_call_of_index_0():
    tools = ToolCallAssembler()
    tools.add(Message(function_call=FunctionPart(name="pay", arguments='{"n":')))
    tools.add(Message(function_call=FunctionPart(arguments="1}")))
    (call,), cut = tools.finish(limited=False, ended=True)
    assert (call.name, call.arguments, call.index, cut) == ("pay", '{"n":1}', 0, ())


@pytest.mark.parametrize("arguments", [None, "", " ", "\n", {}])
def test_a_call_without_arguments_has_an_empty_object(arguments):
    whole, cut = assemble([part(0, "a", "now", arguments)])
    assert (whole, cut) == ((ToolCall("a", "now", "{}", 0),), ())


def test_a_piece_without_a_function_is_no_harm():
    whole, _ = assemble([ToolCallPart(index=0, id="a")], [part(0, name="f", arguments="{}")])
    assert whole == (ToolCall("a", "f", "{}", 0),)


@pytest.mark.parametrize("size", [1, 3, 100])
def test_arguments_cut_at_every_character_are_never_whole(size):
    for at in range(1, len(ARGUMENTS)):
        sent = ARGUMENTS[:at]
        pieces = [sent[i : i + size] for i in range(0, at, size)]
        whole, cut = assemble([part(0, "a", "pay")], *([part(0, arguments=p)] for p in pieces))
        assert (whole, [call.arguments for call in cut]) == ((), [sent.strip()]), sent


def test_only_the_complete_arguments_are_whole():
    whole, cut = assemble([part(0, "a", "pay", ARGUMENTS)])
    assert (whole, cut) == ((ToolCall("a", "pay", ARGUMENTS, 0),), ())


@pytest.mark.parametrize(
    "wrong", ["1", "[]", '"{}', '"1"', "{}{}", '{"n":1}x', "{'n': 1}", '{"n":NaN}']
)
def test_arguments_that_are_not_strictly_one_object_are_never_whole(wrong):
    whole, cut = assemble([part(0, "a", "pay", wrong)])
    assert (whole, cut) == ((), (ToolCall("a", "pay", wrong, 0),))


def test_a_cut_call_does_not_take_a_finished_one_with_it():
    whole, cut = assemble([part(0, "a", "f", "{}")], [part(1, "b", "g", '{"n":')])
    assert ([call.id for call in whole], [call.id for call in cut]) == (["a"], ["b"])
    assert [call.index for call in (*whole, *cut)] == [0, 1]


# -- which pieces are one call ----------------------------------------------------------------

X, Y = '{"x":"Seoul"}', '{"x":"Busan {}"}'


def calls(found):
    whole, broken = found
    assert broken == ()
    assert len({call.id for call in whole}) == len(whole)
    assert all(call.id for call in whole)
    assert [call.index for call in whole] == list(range(len(whole)))
    return [(call.name, call.arguments) for call in whole]


def split_everywhere(arguments):
    """The arguments in two pieces, cut at each place, and in pieces of one character."""
    yield from ((arguments[:at], arguments[at:]) for at in range(len(arguments) + 1))
    yield tuple(arguments)


def call_of(index, ids, name, pieces, *, again=""):
    """One call's deltas: ids in turn; `again` is the name in all deltas but the first."""
    ids = itertools.cycle([ids] if ids is None or isinstance(ids, str) else ids)
    return [
        [part(index, next(ids), again if at else name, piece)] for at, piece in enumerate(pieces)
    ]


@pytest.mark.parametrize("second", ["get_weather", "get_time"])
@pytest.mark.parametrize("again", ["", None, "same"])
@pytest.mark.parametrize(
    ("indices", "ids"),
    [
        ((0, 0), ("", "")),  # Gemini through gateways
        ((0, 0), (None, None)),
        ((0, 0), ("a", "b")),  # Ollama
        ((0, 0), ("a", "a")),  # the id is the tool's name, or a constant
        ((0, 1), ("a", "b")),
        ((0, 1), ("a", "a")),  # DeepSeek, GLM, Kimi
        ((0, 1), ("", "")),
        ((1, 0), ("a", "b")),
        (("0", "1"), ("a", "b")),
        ((0.0, 1.0), ("", "")),
        (("0", "0"), (None, None)),
        ((None, None), ("a", "b")),
        ((None, None), ("", "")),
    ],
)
def test_two_calls_in_a_row_are_two_calls(indices, ids, second, again):
    for left, right in zip(split_everywhere(X), split_everywhere(Y), strict=False):
        deltas = [
            *call_of(indices[0], ids[0], "get_weather", left, again=again and "get_weather"),
            *call_of(indices[1], ids[1], second, right, again=again and second),
        ]
        assert calls(assemble(*deltas)) == [("get_weather", X), (second, Y)], (left, right)


@pytest.mark.parametrize(
    "ids", [("a", "b", "c"), ("a",), ("a", ""), ("a", "null"), ("None",), (None, "a"), (7, 8)]
)
@pytest.mark.parametrize("again", ["", None, "null", "get_weather"])
@pytest.mark.parametrize("index", [0, "0", 0.0, 5])
def test_one_call_in_pieces_is_one_call_whatever_its_ids(index, again, ids):
    for pieces in split_everywhere(Y):
        deltas = call_of(index, ids, "get_weather", ("", *pieces, ""), again=again)
        assert calls(assemble(*deltas)) == [("get_weather", Y)], pieces


def test_a_new_id_in_each_delta_without_an_index_is_one_call_if_that_is_whole():
    for pieces in split_everywhere(Y):
        deltas = call_of(None, [f"id{i}" for i in range(40)], "get_weather", pieces)
        assert calls(assemble(*deltas)) == [("get_weather", Y)], pieces


@pytest.mark.parametrize("index", [0, None, "0"])
@pytest.mark.parametrize("name", ["get_weather", "get_time"])
def test_a_name_in_pieces_at_any_place_is_the_offered_name(index, name):
    for at in range(1, len(name)):
        for pieces in ([name[:at], name[at:]], [name[:at], name], [name, name], [name, "", name]):
            for ids in ("a", ""):
                deltas = [[part(index, ids, piece, "")] for piece in pieces]
                arguments = [[part(index, ids, "", piece)] for piece in (X[:4], X[4:])]
                assert calls(assemble(*deltas, *arguments)) == [(name, X)], pieces


def test_a_name_in_pieces_is_the_name_even_if_each_delta_has_a_new_id():
    found = assemble([part(0, "1", "get_", "")], [part(0, "2", "weather", X)])
    assert calls(found) == [("get_weather", X)]


@pytest.mark.parametrize("offered", [OFFERED, OfferedTools()])
def test_a_name_that_is_not_offered_stays_as_it_was_sent(offered):
    once = assemble([part(0, "a", "fly", X)], offered=offered)
    again = assemble([part(0, "a", "fly", X[:3])], [part(0, "a", "fly", X[3:])], offered=offered)
    assert calls(once) == calls(again) == [("fly", X)]


@pytest.mark.parametrize("first", [X, "{}", "null", ""])
def test_a_name_that_comes_before_its_arguments_at_one_index_begins_a_call(first):
    deltas = [[part(0, None, name, "")] for name in ("get_time", "get_weather")]
    found = assemble(deltas[0], [part(0, None, None, first)], deltas[1], [part(0, None, None, X)])
    expected = "{}" if first in ("null", "") else first
    assert calls(found) == [("get_time", expected), ("get_weather", X)]


def test_the_same_name_before_its_arguments_at_one_index_begins_a_call():
    name, arguments = [part(0, None, "get_weather", "")], [part(0, None, None, X)]
    other = [[part(0, None, None, piece)] for piece in (Y[:5], Y[5:])]
    assert calls(assemble(name, arguments, name, *other)) == [
        ("get_weather", X),
        ("get_weather", Y),
    ]


@pytest.mark.parametrize("index", [0, None])
def test_whole_calls_that_come_again_in_a_later_delta_are_one_call(index):
    second = None if index is None else 1
    for pieces in split_everywhere(X):
        last = [part(index, "a", "get_weather", X), part(second, "b", "get_time", "{}")]
        deltas = call_of(index, "a", "get_weather", pieces)
        found = assemble(*deltas, [part(second, "b", "get_time", {})], last, last)
        assert calls(found) == [("get_weather", X), ("get_time", "{}")]


def test_the_same_call_twice_in_one_list_without_ids_is_two_calls():
    for index in (0, None):
        entry = part(index, None, "get_time", "")
        assert calls(assemble([entry, entry])) == [("get_time", "{}")] * 2
        entry = part(index, "", "get_weather", X)
        assert calls(assemble([entry, entry])) == [("get_weather", X)] * 2


def test_a_whole_answers_calls_have_no_index():
    message = [part(None, "a", "get_weather", X), part(None, "a", "get_weather", Y)]
    assert calls(assemble(message)) == [("get_weather", X), ("get_weather", Y)]


def test_entries_with_neither_name_nor_arguments_are_no_calls():
    ghosts = [part(0, "", "", ""), part(3, "g", None, None), part(None, None, None, " ")]
    found = assemble([part(1, "a", "get_weather", X)], *([ghost] for ghost in ghosts))
    assert calls(found) == [("get_weather", X)]
    assert assemble(ghosts) == ((), ())


def test_pieces_at_indices_of_their_own_without_a_name_belong_to_the_call_before():
    for pieces in split_everywhere(X):
        deltas = [[part(at, None, None, piece)] for at, piece in enumerate(pieces, 1)]
        found = assemble([part(0, "a", "get_weather", "")], *deltas)
        assert calls(found) == [("get_weather", X)]


def test_a_legacy_call_beside_the_same_call_in_its_new_form_is_one_call():
    tools = ToolCallAssembler(OFFERED)
    for name, arguments in (("get_weather", ""), (None, X[:4]), (None, X[4:])):
        function = FunctionPart(name=name, arguments=arguments)
        new = [ToolCallPart(index=0, id="a", function=function)]
        tools.add(Message(tool_calls=new, function_call=function))
    assert calls(tools.finish(limited=False, ended=True)) == [("get_weather", X)]


@pytest.mark.parametrize("nothing", ["{}", {}, "null", [], "[]"])
def test_a_last_piece_that_has_nothing_is_neither_more_arguments_nor_another_call(nothing):
    for call_id, name in ((None, None), ("a", "get_weather"), ("a", None)):
        found = assemble([part(0, "a", "get_weather", X)], [part(0, call_id, name, nothing)])
        assert calls(found) == [("get_weather", X)]


@pytest.mark.parametrize("nothing", [[], "[]"])
def test_an_empty_list_is_no_arguments(nothing):
    assert calls(assemble([part(0, "a", "get_time", nothing)])) == [("get_time", "{}")]
    _, (broken,) = assemble([part(0, "a", "pay", nothing)])
    assert broken.name == "pay"


@pytest.mark.parametrize("field", ["arguments", "parameters", "input"])
@pytest.mark.parametrize("value", [X, {"x": "Seoul"}])
def test_arguments_are_found_under_every_name(field, value):
    function = FunctionPart(**{"name": "get_weather", field: value})
    found = assemble([ToolCallPart(index=0, id="a", function=function)])
    assert calls(found) == [("get_weather", X)]


def test_a_call_without_a_function_around_it_is_one():
    entry = ToolCallPart(id="a", name="get_weather", arguments={"x": "Seoul"})
    assert calls(assemble([entry])) == [("get_weather", X)]


def test_white_space_is_no_part_of_a_name():
    assert calls(assemble([part(0, "a", " get_weather\n", X)])) == [("get_weather", X)]


# -- ids ----------------------------------------------------------------------------------------


def test_ids_are_unique_over_the_conversation():
    deltas = [part(at, call_id, "get_time", "{}") for at, call_id in enumerate("aabc")]
    whole, _ = assemble([*deltas, part(9, "", "get_time", "{}")], taken={"b"})
    ids = [call.id for call in whole]
    assert (ids[0], ids[3]) == ("a", "c")
    assert len(set(ids)) == 5
    assert "b" not in ids
    assert all(re.fullmatch("call_[0-9a-f]{24}", ids[at]) for at in (1, 2, 4))


def test_an_id_that_is_made_up_differs_from_those_of_other_answers_and_of_the_conversation():
    def made_up(seed, taken=()):
        tools = ToolCallAssembler(OFFERED, taken, seed)
        tools.add(Message(tool_calls=[part(0, "", "get_time", "{}")]))
        return tools.finish(limited=False, ended=True)[0][0].id

    assert made_up("one") == made_up("one")
    assert made_up("one") != made_up("two")
    assert made_up("one") != made_up("one", taken={made_up("one")})


# -- nothing as arguments -----------------------------------------------------------------------


@pytest.mark.parametrize("nothing", ["", " ", None, "null", '"null"', "None"])
@pytest.mark.parametrize(
    ("name", "limited", "ended", "whole"),
    [
        ("get_time", False, True, True),
        ("unknown", False, True, True),
        ("pay", False, True, False),  # it has a required parameter
        ("get_time", True, True, False),
        ("get_time", False, False, False),
        ("get_time", True, False, False),
    ],
)
def test_nothing_is_an_empty_object_only_at_a_normal_end_and_where_nothing_is_required(
    nothing, name, limited, ended, whole
):
    found, broken = assemble([part(0, "a", name, nothing)], limited=limited, ended=ended)
    assert [call.arguments for call in found] == ["{}"] * whole
    assert len(broken) == (not whole)


def test_an_empty_object_that_the_model_wrote_is_its_own_affair():
    assert calls(assemble([part(0, "a", "pay", "{}")], ended=False)) == [("pay", "{}")]


def test_a_name_in_every_delta_of_long_arguments_costs_no_look_at_all_of_them():
    pieces = ['{"x": [', *(['{"a": "b"}', ", "] * 20_000), "{}]}"]
    began = time.perf_counter()
    whole, broken = assemble(*call_of(0, "a", "get_weather", pieces, again="get_weather"))
    assert (len(whole), broken) == (1, ())
    assert time.perf_counter() - began < 5
