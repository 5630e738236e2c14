"""Offered names tell a name's next piece from the name again and from another name."""

import pytest

from holysheep_core.protocol.offered_tools import OfferedTools, ids_of, offered_tools

OFFERED = OfferedTools(frozenset({"get_weather", "get_time", "tata", "pay", "pay_back"}))


@pytest.mark.parametrize("name", ["get_weather", "get_time", "tata", "pay_back"])
def test_a_name_in_two_pieces_or_in_every_delta_is_the_name(name):
    for at in range(1, len(name)):
        first, rest = name[:at], name[at:]
        assert OFFERED.joined(first, rest) == name
        assert OFFERED.joined(first, name) in (name, None if first == "pay" else name)
    assert OFFERED.joined(name, name) == name


@pytest.mark.parametrize(
    ("name", "piece", "joined"),
    [
        ("get_weather", "get_time", None),  # another call
        ("pay", "pay_back", None),  # both are offered
        ("pay", "_back", "pay_back"),
        ("get_", "get_wea", "get_wea"),  # the name so far and more
        ("get_weather", "unknown", None),
        ("unknown", "pay", None),
        ("un", "known", "unknown"),  # as sent: the framework reports it
        ("unknown", "unknown", "unknown"),
        ("unknown", "unknown_tool", "unknown_tool"),
    ],
)
def test_what_a_further_piece_makes_of_a_name(name, piece, joined):
    assert OFFERED.joined(name, piece) == joined


def test_a_request_says_which_tools_it_offers_and_which_need_arguments():
    def function(name, **parameters):
        return {"name": name, "parameters": {"type": "object", **parameters}}

    tools = [
        {"type": "function", "function": function("a", required=["x"])},
        {"type": "function", "function": function("b", required=[])},
        {"type": "function", "function": {"name": "c"}},
    ]
    offered = offered_tools({"tools": tools, "functions": [function("d", required=["y"])]})
    assert offered == OfferedTools(frozenset("abcd"), frozenset("ad"))


@pytest.mark.parametrize(
    "tools", [None, [], {}, "x", [None], [1], [{}], [{"function": None}], [{"function": {}}]]
)
def test_what_offers_nothing_is_no_harm(tools):
    assert offered_tools({"tools": tools}) == OfferedTools()


def test_ids_of_a_conversation_are_those_of_its_calls_and_results():
    messages = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [{"id": "a"}, {"id": "b"}, {}, None]},
        {"role": "tool", "tool_call_id": "a"},
        {"role": "tool", "tool_call_id": "c"},
        {"role": "assistant", "tool_calls": None},
    ]
    assert ids_of(messages) == {"a", "b", "c"}
