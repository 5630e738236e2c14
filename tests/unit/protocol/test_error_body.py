"""Bodies of errors: every shape is read, and nothing is too strange."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.protocol.error_body import ErrorBody, names_failure, read_error, word

SHAPES = {
    "OpenAI": {"error": {"message": "m", "type": "t", "code": "c", "param": "p"}},
    "in a list": [{"error": {"message": "m", "type": "t", "code": "c", "param": "p"}}],
    "Anthropic": {
        "type": "error",
        "error": {"message": "m", "type": "t", "code": "c", "param": "p"},
    },
    "flat": {"type": "t", "code": "c", "message": "m", "param": "p"},
    "vLLM": {"object": "error", "message": "m", "type": "t", "param": "p", "code": "c"},
    "relay": {"code": "c", "msg": "m", "success": False, "type": "t", "param": "p"},
    "Cloudflare": {"errors": [{"message": "m", "code": "c", "type": "t", "param": "p"}]},
    "twice": {"error": {"error": {"message": "m", "code": "c"}, "type": "t", "param": "p"}},
    "Baidu": {"error_msg": "m", "error_code": "c", "error_type": "t", "param": "p"},
    "Apigee": {
        "fault": {"faultstring": "m", "detail": {"errorcode": "c"}, "type": "t"},
        "param": "p",
    },
    "Tencent": {"Response": {"Error": {"Message": "m", "Code": "c", "type": "t", "param": "p"}}},
    "text beside a code": {"error": "m", "code": "c", "type": "t", "param": "p"},
    "Responses": {
        "type": "response.failed",
        "response": {"error": {"message": "m", "type": "t", "code": "c", "param": "p"}},
    },
}


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES)
def test_message_code_type_and_param_are_found(value):
    said = read_error(json.dumps(value))
    assert (said.message, said.code, said.type, said.param) == ("m", "c", "t", "p")


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("around", ["{}", "\ufeff{}", "data: {}\n\n", "event: error\ndata: {}"])
def test_an_event_around_it_changes_nothing(value, around):
    assert read_error(around.format(json.dumps(value))).message == "m"


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ({"status": 429}, 429),
        ({"status_code": "503"}, 503),
        ({"error": {"code": 402}}, 402),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, 429),
        ({"code": 200}, None),
        ({"code": 4290}, None),
        ({"code": True}, None),
        ({"message": "upstream said: status code 502"}, 502),
        ({"message": "it has 502 sheep"}, None),
    ],
)
def test_the_status_that_a_body_names_is_found(value, status):
    assert read_error(json.dumps(value)).status == status


REFUSALS = [
    {"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
    {"choices": None, "error_type": "BadRequestError", "error_message": "too long"},
    {"error_code": 17, "error_msg": "limit reached", "id": "x"},
    {"result": {}, "success": False, "errors": [{"code": 3040, "message": "no"}]},
    {"fault": {"faultstring": "no"}},
    {"errorMessage": "Task timed out after 30.00 seconds"},
    {"Message": "Internal failure"},
    {"status": "error", "data": None},
    {"success": False},
]
ANSWERS = [
    {"choices": [], "base_resp": {"status_code": 0, "status_msg": ""}},
    {"choices": None, "error_code": 0, "error_msg": "", "errors": []},
    {"success": True, "errors": [], "messages": []},
    {"status": "processing"},
    {"type": "ping"},
    {"id": "x", "object": "chat.completion.chunk"},
    {},
    [],
    "error",
]


@pytest.mark.parametrize("value", REFUSALS)
def test_a_failure_in_no_field_called_error_is_told(value):
    assert names_failure(json.dumps(value).encode())


@pytest.mark.parametrize("value", ANSWERS)
def test_what_says_that_all_is_well_or_nothing_is_no_failure(value):
    assert not names_failure(json.dumps(value).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_says_no_failure(data):
    assert not names_failure(data)


def test_a_page_gives_its_title_alone():
    said = read_error("<html><head><title>No\n sheep</title></head><body>prompt is too long</body>")
    assert (said.message, said.words, said.page) == ("No sheep", "No sheep", True)


def test_what_the_server_behind_a_gateway_said_is_among_the_words():
    error = {"message": "Provider returned error", "metadata": {"raw": "no sheep"}}
    said = read_error(json.dumps({"error": error}))
    assert (said.message, said.words) == (
        "Provider returned error",
        "Provider returned error no sheep",
    )


@pytest.mark.parametrize("text", ["", " ", "null", "{}", "[]", "0", '""'])
def test_what_says_nothing_has_no_message(text):
    assert read_error(text).message in ("", "0", "null")
    assert isinstance(read_error(text), ErrorBody)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text() | st.sampled_from(["error", "errors", "detail", "message"]), inner
        )
    ),
)


@given(JSON)
def test_any_json_is_read(value):
    said = read_error(json.dumps(value))
    assert isinstance(said.message, str)
    assert said.code is None or isinstance(said.code, str)


@given(st.text())
def test_any_text_is_read(text):
    assert isinstance(read_error(text).words, str)


@pytest.mark.parametrize("opening", ["[", '{"error":', '{"message":[', '{"detail":', '{"a":['])
def test_depth_does_not_matter(opening):
    closing = "".join({"[": "]", "{": "}"}[c] for c in opening[::-1] if c in "[{")
    for depth in (3, 6, 300, 900):
        assert isinstance(read_error(opening * depth + "0" + closing * depth), ErrorBody)


@pytest.mark.parametrize(("value", "text"), [(None, None), ("", None), (0, "0"), ("a", "a")])
def test_a_field_is_text_or_says_nothing(value, text):
    assert word(value) == text


def test_a_number_that_python_does_not_write_says_nothing():
    assert word(10**5000) is None
