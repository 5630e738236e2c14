"""Bad input: one typed error that says what to do, at once, and no connection left open."""

import time

import pytest

import holysheep_core as core
from holysheep_core import ConfigurationError, RetryConfig, StreamingRetryHandler, Timeouts
from holysheep_core.simulator import reply
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK

FAST = RetryConfig(max_retries=1)


def handler(**settings):
    return StreamingRetryHandler(**{"api_key": "k", **settings})


def langchain(**settings):
    return ChatHolySheep(**{"model": "gpt-4.1", "api_key": "k", **settings})


def llamaindex(**settings):
    return HolySheep(**{"model": "gpt-4.1", "api_key": "k", **settings})


every_face = pytest.mark.parametrize("make", [handler, langchain, llamaindex])


@every_face
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"api_key": None}, "HOLYSHEEP_API_KEY"),
        ({"api_key": ""}, "HOLYSHEEP_API_KEY"),
        ({"api_key": "sk 1"}, "copied"),
        ({"api_key": "sk-1\n"}, "copied"),
        ({"base_url": "api.holysheep.ai/v1"}, "scheme"),
        ({"base_url": "http://api.holysheep.ai/v1"}, "plain http"),
        ({"base_url": "https://me:secret@api.holysheep.ai/v1"}, "user name"),
    ],
)
def test_a_bad_key_or_address_is_refused_when_it_is_given(make, settings, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        make(**settings)
    assert "secret" not in str(caught.value)
    assert "sk" not in str(caught.value).split()


@every_face
def test_plain_http_to_another_machine_is_possible_when_asked_for_aloud(make):
    assert make(base_url="http://10.0.0.7/v1", allow_http=True)


@pytest.mark.parametrize("make", [langchain, llamaindex])
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"max_retries": -1}, "max_retries"),
        ({"timeout": float("nan")}, "finite"),
        ({"timeout": -5}, "finite"),
        ({"fallback_models": [" "]}, "model names"),
    ],
)
def test_bad_numbers_are_refused_when_they_are_given(make, settings, says):
    with pytest.raises(ConfigurationError, match=says):
        make(**settings)


@pytest.mark.parametrize("make", [langchain, llamaindex])
def test_an_unknown_keyword_is_refused_by_name(make):
    with pytest.raises((ConfigurationError, ValueError), match="temprature"):
        make(temprature=0.5)


def test_llamaindex_takes_base_url_as_well_and_never_ignores_it():
    assert llamaindex(base_url="https://example.test/v1").api_base == "https://example.test/v1"


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"n": 2}, "one answer"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"model": " "}, "model"),
        ({"messages": []}, "empty"),
        ({"messages": ["hello"]}, "role"),
    ],
)
def test_a_request_that_cannot_work_is_refused_before_anything_is_sent(play, params, says):
    script = play()
    call = {"model": "gpt-4.1", "messages": ASK, **params}
    with pytest.raises(ConfigurationError, match=says):
        handler(base_url=script.base_url).stream_with_retry(**call)
    assert script.requests == []


HTML = {"content-type": "text/html"}
JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(reply(200, "<html>hi</html>", HTML), core.InvalidResponseError, id="page"),
        pytest.param(reply(200, "<html>hi</html>", {}), core.InvalidResponseError, id="untyped"),
        pytest.param(reply(502, "<html>hi</html>", HTML, times=None), core.ServerError, id="502"),
        pytest.param(
            reply(200, b"data: " + b"x" * 50_000_000, EVENTS), core.InvalidResponseError, id="50MB"
        ),
        pytest.param(reply(200, '{"a": 1}', JSON), core.InvalidResponseError, id="object"),
        pytest.param(reply(200, "[1, 2]", JSON), core.InvalidResponseError, id="list"),
        pytest.param(reply(200, '{"choices": 3}', JSON), core.InvalidResponseError, id="choices"),
        pytest.param(
            reply(200, 'data: {"a": 1}\n\n', EVENTS), core.InvalidResponseError, id="events"
        ),
        pytest.param(reply(200, "", EVENTS, times=None), core.StreamTruncatedError, id="nothing"),
        pytest.param(
            reply(307, "", {"location": "https://elsewhere.test"}), core.APIError, id="redirect"
        ),
    ],
)
@pytest.mark.parametrize("use_async", [False, True])
async def test_an_answer_that_is_none_is_one_typed_error(play, simulator, answer, error, use_async):
    script = play(faults=[answer])
    async with handler(
        base_url=script.base_url, config=FAST, timeouts=Timeouts(read=5), fallback_models=[]
    ) as client:
        started = time.monotonic()
        with pytest.raises(error) as caught:
            if use_async:
                await client.acomplete("gpt-4.1", ASK)
            else:
                client.complete("gpt-4.1", ASK)
    assert time.monotonic() - started < 5
    assert len(str(caught.value)) < 500
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_nobody_listening_is_one_typed_error():
    with handler(base_url="http://127.0.0.1:9/v1", config=FAST, fallback_models=[]) as client:
        with pytest.raises(core.APIConnectionError) as caught:
            client.complete("gpt-4.1", ASK)
    assert len(caught.value.attempts) == 2


@pytest.mark.parametrize("plugin", ["langchain", "llamaindex"])
@pytest.mark.parametrize("wrong", [{"timeout": 3}, {"api_key": "sk-x"}, {"temprature": 0}])
def test_a_call_takes_fields_of_the_request_and_refuses_settings(play, plugin, wrong):
    script = play()
    common = {"model": "gpt-4.1", "api_key": "k", "max_tokens": 5}
    if plugin == "langchain":
        ask = ChatHolySheep(base_url=script.base_url, **common).invoke
    else:
        ask = HolySheep(api_base=script.base_url, **common).complete
    with pytest.raises(ConfigurationError, match="is not a field of a request"):
        ask("go", **wrong)
    assert not script.requests
    ask("go", extra_body={"top_k": 3}, max_completion_tokens=9, response_format={"type": "text"})
    body = script.requests[0].body
    assert (body["top_k"], body["max_completion_tokens"]) == (3, 9)
    assert body["response_format"] == {"type": "text"}
    assert not {"extra_body", "max_tokens"} & body.keys()


OWN = {"top_k": 3, "call_id": "theirs", "extra_body": {"google": {"extra_body": {"x": 1}}}}


@pytest.mark.parametrize("where", ["the model", "the call"])
@pytest.mark.parametrize("plugin", ["langchain", "llamaindex"])
def test_extra_body_is_unpacked_once_and_nothing_in_it_is_lost(play, plugin, where):
    script = play()
    common = {"model": "gpt-4.1", "api_key": "k"}
    of_call = {"extra_body": OWN} if where == "the call" else {}
    of_model = {"extra_body": OWN} if where == "the model" else {}
    if plugin == "langchain":
        ask = ChatHolySheep(base_url=script.base_url, **common, **of_model).invoke
    else:
        # As with OpenAI's classes of LlamaIndex.
        kwargs = {"additional_kwargs": of_model}
        ask = HolySheep(api_base=script.base_url, **common, **kwargs).complete
    ask("go", call_id="mine", **of_call)
    assert {name: script.requests[0].body[name] for name in OWN} == OWN


MODELS = pytest.mark.parametrize("make", [langchain, llamaindex])


@every_face
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"api_key": "gpt-4.1"}, "'gpt-4.1' is a model's name, not a key"),
        ({"api_key": "https://me:hush@api.openai.com/v1"}, "The API key is a URL."),
        ({"timeout": -1}, "timeout=-1"),
        (
            {"timeouts": 10},
            "timeouts=10: needs Timeouts(stall=10); for one number write timeout=10.",
        ),
        ({"spend_limit": 0.05}, "spend_limit=0.05: needs SpendLimit(usd=0.05)."),
        ({"observers": core.Totals()}, "needs a list, such as [OpenTelemetry()]."),
        ({"journal": "sqlite://answers.db"}, "needs three slashes: sqlite:///answers.db."),
    ],
)
def test_a_mistake_of_a_first_time_reader_is_named_with_what_to_write(make, settings, says):
    with pytest.raises(ConfigurationError) as caught:
        make(**settings)
    assert says in str(caught.value)
    assert "hush" not in str(caught.value)


@every_face
@pytest.mark.parametrize("name", ["journal", "event_log"])
def test_a_folder_that_does_not_exist_is_named(make, name, tmp_path):
    path = f"{tmp_path}/nowhere/a.db"
    with pytest.raises(ConfigurationError, match=f"the folder {tmp_path}/nowhere does not exist"):
        make(**{name: f"sqlite:///{path}" if name == "journal" else path})


@MODELS
def test_two_names_of_one_setting_are_both_named(make):
    with pytest.raises(ConfigurationError, match="max_retries and retry say the same"):
        make(max_retries=3, retry=RetryConfig())


@MODELS
@pytest.mark.parametrize("name", ["", " "])
def test_a_model_without_a_name_is_refused_when_it_is_made(make, name):
    with pytest.raises(ConfigurationError, match="needs a model's name"):
        make(model=name)


def test_a_path_is_no_tls_setting():
    with pytest.raises(ConfigurationError, match=r"create_default_context\(cafile='c\.pem'\)"):
        core.Connections(verify="c.pem")


@pytest.mark.parametrize(
    ("make", "settings", "name"),
    [
        (StreamingRetryHandler, {}, "base_url"),
        (ChatHolySheep, {"model": "gpt-4.1"}, "base_url"),
        (HolySheep, {"model": "gpt-4.1"}, "api_base"),
    ],
)
def test_a_gateway_has_its_own_key_and_address(make, settings, name, monkeypatch):
    gateway = core.APIGateway([core.Provider("any-key")], health_check=None)
    for given, value in ((name, "https://api.test/v1"), ("api_key", "any-key")):
        with pytest.raises(ConfigurationError, match=f"gateway and {given} say the same"):
            make(**settings, gateway=gateway, **{given: value})
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "any-key")
    monkeypatch.setenv("HOLYSHEEP_BASE_URL", "https://api.test/v1")
    assert make(**settings, gateway=gateway)


async def test_an_empty_list_of_tools_is_not_sent(play):
    script = play(text="Baa.")
    client = StreamingRetryHandler("k", base_url=script.base_url)
    empty = {"tools": [], "tool_choice": "auto"}
    client.complete("gpt-4.1", ASK, **empty)
    await client.acomplete("gpt-4.1", ASK, **empty)
    langchain(base_url=script.base_url).invoke("Hi", **empty)
    llamaindex(base_url=script.base_url).complete("Hi", **empty)
    sent = [request.body for request in script.requests]
    assert len(sent) == 4
    assert not any({"tools", "tool_choice"} & set(body) for body in sent)
