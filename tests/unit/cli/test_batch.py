"""The files of `holysheep batch`."""

import json

import pytest

from holysheep_core.cli.batch import Item, check_same, kept, read_items, rewrite
from holysheep_core.errors import ConfigurationError

ASK = [{"role": "user", "content": "go"}]
BODY = {"model": "gpt-4.1", "messages": ASK}


def written(path, *lines):
    path.write_text(
        "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    )
    return path


def test_lines_of_openai_and_bodies_alone_are_read(tmp_path):
    openai = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": BODY}
    path = written(tmp_path / "in.jsonl", openai, "", {"custom_id": "b", **BODY}, BODY)
    assert read_items(path, None) == [Item("a", BODY), Item("b", BODY), Item("line-4", BODY)]


def test_a_line_is_not_broken_at_a_unicode_line_separator(tmp_path):
    body = {"model": "m", "messages": [{"role": "user", "content": "a\u2028b\x85c"}]}
    path = tmp_path / "in.jsonl"
    path.write_text(
        json.dumps({"custom_id": "a", "body": body}, ensure_ascii=False) + "\n", "utf-8"
    )
    assert read_items(path, None) == [Item("a", body)]


def test_a_model_for_lines_that_name_none(tmp_path):
    path = written(tmp_path / "in.jsonl", {"messages": ASK}, BODY)
    assert [item.body["model"] for item in read_items(path, "m")] == ["m", "gpt-4.1"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1: no JSON"),
        ("[]", "line 1: needs a JSON object"),
        ({"prompt": "go"}, "line 1: needs"),
        ({"messages": ASK}, "line 1: names no model"),
        ({"custom_id": "a", "body": 3}, "line 1: needs"),
        ({**BODY, "temprature": 1}, "line 1: temprature is not a field"),
        ({**BODY, "temperature": 9}, "line 1: temperature"),
        ({**BODY, "messages": []}, "line 1: messages is empty"),
    ],
)
def test_a_line_that_is_no_request_is_named(tmp_path, line, said):
    with pytest.raises(ConfigurationError, match=said):
        read_items(written(tmp_path / "in.jsonl", line), None)


def test_a_name_may_not_be_there_twice(tmp_path):
    path = written(tmp_path / "in.jsonl", *[{"custom_id": "a", **BODY}] * 2)
    with pytest.raises(ConfigurationError, match="line 2: custom_id 'a' is there twice"):
        read_items(path, None)


def test_answers_are_kept_errors_and_half_a_line_are_not(tmp_path):
    good = json.dumps({"custom_id": "a", "response": {"body": {}, "status_code": 200}})
    bad = {"custom_id": "b", "response": None, "error": {"code": "ServerError"}}
    path = written(tmp_path / "out.jsonl", good, bad, good[:20])
    assert kept(path) == {"a": good}
    rewrite(path, kept(path).values())
    assert path.read_text() == good + "\n"


def test_an_answer_is_that_of_its_request_or_its_line_is_refused():
    item = Item("a", BODY)
    for line in ({"request": item.fingerprint()}, {}):
        check_same([item], {"a": json.dumps(line)})
    check_same([Item("b", BODY)], {"a": json.dumps({"request": "other"})})
    other = Item("a", {**BODY, "temperature": 1.0})
    with pytest.raises(ConfigurationError, match="a was answered for another request"):
        check_same([other], {"a": json.dumps({"request": item.fingerprint()})})
