"""The order of roles that strict templates demand."""

import itertools

import pytest

from holysheep_core.families.roles import (
    alternating,
    beginning_with_user,
    merged,
    with_all_results,
    with_plain_text,
    without_empty,
)

KINDS = {
    "u": {"role": "user", "content": "u"},
    "a": {"role": "assistant", "content": "a"},
    "c": {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
    "t": {"role": "tool", "tool_call_id": "1", "content": "t"},
}


def histories():
    for length in range(1, 6):
        for kinds in itertools.product("uac", repeat=length):
            yield "".join(kinds).replace("c", "ct")


def text_of(message):
    content = message["content"]
    if isinstance(content, list):
        return "".join(part["text"] for part in content)
    return content or ""


def test_every_history_alternates_afterwards_and_loses_no_word():
    for kinds in histories():
        given = [{"role": "system", "content": "s"}, *(KINDS[kind] for kind in kinds)]
        found = beginning_with_user(alternating(given))
        roles = [each["role"] for each in found][1:]
        assert roles[0] == "user", kinds
        for one, two in itertools.pairwise(roles):
            assert (one, two) not in {("user", "user"), ("tool", "user")}, kinds
        plain = [each for each in found if not each.get("tool_calls")]
        for one, two in itertools.pairwise(plain):
            assert (one["role"], two["role"]) != ("assistant", "assistant"), kinds
        said = "".join(map(text_of, found))
        for letter in "uat":
            assert said.count(letter) >= kinds.count(letter), kinds


@pytest.mark.parametrize(
    ("kinds", "roles"),
    [
        ("ucu", "user assistant tool user"),
        ("uctu", "user assistant tool user"),
        ("uca", "user assistant tool assistant"),
        ("uccu", "user assistant tool assistant tool user"),
        ("uc", "user assistant"),
    ],
)
def test_a_call_without_a_result_gets_one_that_says_so(kinds, roles):
    found = with_all_results([KINDS[kind] for kind in kinds])
    assert " ".join(each["role"] for each in found) == roles


def test_of_parallel_calls_the_missing_results_are_added_after_those_that_came():
    calls = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}, {"id": "2"}]}
    found = with_all_results([KINDS["u"], calls, KINDS["t"], KINDS["u"]])
    assert [each.get("tool_call_id") for each in found] == [None, None, "1", "2", None]


def test_parts_of_text_become_a_text_and_others_stay():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    image = {"type": "image_url", "image_url": {"url": "u"}}
    given = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": parts},
        {"role": "user", "content": [*parts, image]},
        {"role": "user", "content": "c"},
    ]
    contents = [each["content"] for each in with_plain_text(given)]
    assert contents == ["a\nb", "ab", [*parts, image], "c"]


def test_a_system_message_in_the_middle_is_sent_as_a_users():
    system = {"role": "system", "content": "s"}
    found = alternating([system, KINDS["u"], KINDS["a"], system, KINDS["u"]])
    assert [each["role"] for each in found] == ["system", "user", "assistant", "user"]
    assert found[-1]["content"] == "s\n\nu"


def test_a_call_and_its_result_stay_together():
    found = alternating([KINDS[kind] for kind in "ucctt"])
    assert [each["role"] for each in found] == ["user", "assistant", "assistant", "tool", "tool"]


@pytest.mark.parametrize(
    ("one", "two", "content"),
    [
        ("a", "b", "a\n\nb"),
        ("a", "", "a"),
        (None, "b", [{"type": "text", "text": "b"}]),
        ("a", [{"type": "image_url"}], [{"type": "text", "text": "a"}, {"type": "image_url"}]),
    ],
)
def test_contents_are_joined_without_loss(one, two, content):
    given = merged({"role": "user", "content": one}, {"role": "user", "content": two})
    assert given == {"role": "user", "content": content}


def test_a_system_prompt_alone_gets_a_users_message():
    found = beginning_with_user([{"role": "system", "content": "s"}])
    assert [each["role"] for each in found] == ["system", "user"]


def test_empty_messages_and_parts_are_left_out_but_results_and_the_last_message_stay():
    text = {"type": "text", "text": ""}
    given = [
        {"role": "user", "content": [text, {"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": ""},
        KINDS["c"],
        {"role": "tool", "tool_call_id": "1", "content": ""},
        {"role": "user", "content": " "},
    ]
    found = without_empty(given)
    assert found[0]["content"] == [{"type": "text", "text": "Hi"}]
    assert [each["role"] for each in found] == ["user", "assistant", "tool", "user"]
