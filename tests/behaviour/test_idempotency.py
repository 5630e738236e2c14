"""`if_exists="resume"`: the same call made again gives the same answer and pays for nothing twice."""

import asyncio

import pytest

from holysheep_core import AnswerExistsError, ConfigurationError
from support.calls import ASK, MODEL
from support.journals import LONG, handler, journal

SAME = {"if_exists": "resume"}


def stream(client, name, **params):
    return "".join(client.stream_with_retry(MODEL, ASK, call_id=name, **params))


def astream(client, name, **params):
    async def run():
        tokens = client.astream_with_retry(MODEL, ASK, call_id=name, **params)
        return "".join([text async for text in tokens])

    return asyncio.run(run())


def complete(client, name, **params):
    return client.complete(MODEL, ASK, call_id=name, **params).text


def acomplete(client, name, **params):
    return asyncio.run(client.acomplete(MODEL, ASK, call_id=name, **params)).text


every_call = pytest.mark.parametrize("call", [stream, astream, complete, acomplete])


@every_call
def test_a_whole_answer_is_given_again_without_a_request(call, play, url, name):
    script = play(text=LONG)
    assert [call(handler(script, journal(url)), name, **SAME) for _ in range(3)] == [LONG] * 3
    assert len(script.requests) == 1


@every_call
def test_an_answer_left_in_the_middle_is_given_from_its_beginning_and_completed(
    call, play, url, name
):
    script = play(text=LONG, delay=0.0005)
    first = handler(script, journal(url)).stream_with_retry(MODEL, ASK, call_id=name, **SAME)
    for _ in range(40):
        next(first)
    first.close()
    assert call(handler(script, journal(url)), name, **SAME) == LONG
    assert len(script.requests) == 2
    assert len(script.requests[1].body["messages"]) > 1  # only the rest was asked for


@every_call
def test_without_it_a_taken_name_is_an_error(call, play, url, name):
    client = handler(play(text=LONG), journal(url))
    call(client, name)
    with pytest.raises(AnswerExistsError, match="if_exists='resume'"):
        call(client, name)


@every_call
@pytest.mark.parametrize("other", ["model", "messages", "params"])
def test_another_request_under_the_same_name_is_never_answered_from_the_journal(
    call, other, play, url, name
):
    script = play(text=LONG)
    client = handler(script, journal(url))
    if other == "params":
        call(client, name, temperature=0.5)
    else:
        model = "claude-sonnet-4.5" if other == "model" else MODEL
        words = "something else" if other == "messages" else ASK[0]["content"]
        client.complete(model, [{"role": "user", "content": words}], call_id=name)
    with pytest.raises(AnswerExistsError, match=f"asked with other {other}"):
        call(client, name, **SAME)
    assert len(script.requests) == 1


def test_a_wrong_value_and_a_missing_name_are_refused(play, url, name):
    client = handler(play(), journal(url))
    with pytest.raises(ConfigurationError, match="needs 'error' or 'resume'"):
        client.stream_with_retry(MODEL, ASK, call_id=name, if_exists="again")
    with pytest.raises(ConfigurationError, match="needs a call_id"):
        client.stream_with_retry(MODEL, ASK, if_exists="resume")
