"""No half tool call: the pieces find their call, and only whole calls come out as whole."""

import itertools

import pytest

from holysheep_core.protocol.tool_calls import ToolCallAssembler
from holysheep_core.protocol.wire import FunctionPart, Message, ToolCallPart
from holysheep_core.types import ToolCall

ARGUMENTS = '{"amount": 1000, "to": "서울"}'


def part(index=None, id=None, name=None, arguments=None) -> ToolCallPart:  # noqa: A002 - the wire's name
    return ToolCallPart(index=index, id=id, function=FunctionPart(name=name, arguments=arguments))


def assemble(*deltas: list[ToolCallPart]):
    tools = ToolCallAssembler()
    for parts in deltas:
        tools.add(Message(tool_calls=parts))
    return tools.finish()


def test_nothing_collected_is_nothing():
    tools = ToolCallAssembler()
    tools.add(Message(content="text"))
    assert tools.finish() == ((), ())


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
    (call,), cut = tools.finish()
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
    "wrong", ["1", "null", "[]", '"{}"', "{}{}", '{"n":1}x', "{'n': 1}", '{"n":NaN}']
)
def test_arguments_that_are_not_strictly_one_object_are_never_whole(wrong):
    whole, cut = assemble([part(0, "a", "pay", wrong)])
    assert (whole, cut) == ((), (ToolCall("a", "pay", wrong, 0),))


def test_a_cut_call_does_not_take_a_finished_one_with_it():
    whole, cut = assemble([part(0, "a", "f", "{}")], [part(1, "b", "g", '{"n":')])
    assert ([call.id for call in whole], [call.id for call in cut]) == (["a"], ["b"])
    assert [call.index for call in (*whole, *cut)] == [0, 1]
