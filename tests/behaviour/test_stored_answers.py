"""Answers of a journal through both models: idempotent calls, and answers without a reader."""

import asyncio

import pytest

from holysheep_core import (
    AnswerExistsError,
    AnswerStoppedError,
    ConfigurationError,
    JournalError,
)
from holysheep_core.simulator import cut
from support.journals import LONG, journal
from support.stored_answers import ask, every_call, every_face

SAME = {"if_exists": "resume"}


def make(face, script, url, **settings):
    return face.make(script, journal=journal(url), fallback_models=[], **settings)


# -- if_exists ------------------------------------------------------------------------------


@every_call
async def test_the_same_call_again_gives_the_same_answer_without_a_request(
    play, url, name, face, call
):
    script = play(text=LONG)
    given = {"call_id": name, **SAME}
    texts = [await ask(face, call, make(face, script, url), **given) for _ in range(2)]
    assert texts == [LONG] * 2
    assert len(script.requests) == 1
    assert not {"call_id", "if_exists"} & set(script.requests[0].body)


@every_call
async def test_without_it_a_taken_name_is_an_error(play, url, name, face, call):
    llm = make(face, play(text=LONG), url)
    await ask(face, call, llm, call_id=name)
    with pytest.raises(AnswerExistsError, match="if_exists='resume'"):
        await ask(face, call, llm, call_id=name)


@every_call
async def test_a_wrong_value_and_a_missing_name_are_refused(play, url, name, face, call):
    script = play()
    llm = make(face, script, url)
    with pytest.raises(ConfigurationError, match="needs 'error' or 'resume'"):
        await ask(face, call, llm, call_id=name, if_exists="again")
    with pytest.raises(ConfigurationError, match="needs a call_id"):
        await ask(face, call, llm, **SAME)
    assert not script.requests


# -- answers without a reader ---------------------------------------------------------------


@every_face
async def test_an_answer_is_generated_without_a_reader_and_followed_by_many(play, url, name, face):
    script = play(text=LONG, delay=0.0005, faults=[cut(30), cut(80)])
    llm = make(face, script, url)
    assert await face.start(llm, call_id=name) == name
    assert (await face.status(llm, name)).state == "running"
    readers = [llm, make(face, script, url)]
    read = await asyncio.gather(*(face.follow(each, name) for each in readers))
    assert [face.text(parts) for parts in read] == [LONG] * 2
    for parts in read:
        found = face.metadata(parts)
        assert found["finish_reason"] == "stop"
        assert found["resilience"]["call_id"] == name
        assert found["resilience"]["resumes"] == 2
    status = await face.status(llm, name)
    assert (status.state, status.detached) == ("done", True)
    assert len(script.requests) == 3
    assert not {"call_id", "if_exists", "detached"} & set(script.requests[0].body)


@every_face
async def test_a_name_is_made_if_none_is_given_and_a_reader_begins_anywhere(play, url, face):
    llm = make(face, play(text=LONG), url)
    name = await face.start(llm)
    assert face.text(await face.follow(llm, name)) == LONG
    assert face.text(await face.follow(llm, name, offset=100)) == LONG[100:]


@every_face
async def test_tool_calls_are_followed_too(play, url, name, face):
    script = play(text="Let me see. ", tool_calls=[("look", '{"at": "양"}')])
    tools = [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    llm = make(face, script, url)
    await face.start(llm, call_id=name, tools=tools)
    parts = await face.follow(llm, name)
    assert face.text(parts) == "Let me see. "
    assert face.tools(parts) == ["look"]


@every_face
async def test_a_stop_from_anywhere_ends_it_and_readers_get_what_had_come(play, url, name, face):
    script = play(text=LONG, delay=0.005)
    llm = make(face, script, url)
    await face.start(llm, call_id=name)
    while len(journal(url).read(name).pieces) < 3:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert await face.stop(make(face, script, url), name)
    with pytest.raises(AnswerStoppedError):
        await face.follow(llm, name)
    assert (await face.status(llm, name)).state == "stopped"


@every_face
async def test_a_complete_answer_cannot_be_stopped(play, url, name, face):
    llm = make(face, play(text=LONG), url)
    await face.start(llm, call_id=name)
    await face.follow(llm, name)
    assert not await face.stop(llm, name)


@every_face
async def test_a_name_is_taken_once_unless_the_same_answer_is_meant(play, url, name, face):
    script = play(text=LONG, delay=0.001)
    llm = make(face, script, url)
    await face.start(llm, call_id=name)
    with pytest.raises(AnswerExistsError):
        await face.start(llm, call_id=name)
    assert face.text(await face.follow(llm, name)) == LONG
    assert await face.start(llm, call_id=name, **SAME) == name
    with pytest.raises(JournalError, match="asked with other params"):
        await face.start(llm, call_id=name, temperature=1, **SAME)
    assert len(script.requests) == 1


@every_face
async def test_an_unknown_name_and_a_missing_journal_are_errors(play, url, face):
    llm = make(face, play(), url)
    for method in (face.follow, face.stop, face.status):
        with pytest.raises(JournalError, match="no answer called"):
            await method(llm, "nobody")
    bare = face.make(play())
    with pytest.raises(ConfigurationError, match="no journal"):
        await face.start(bare)
    for method in (face.follow, face.stop, face.status):
        with pytest.raises(ConfigurationError, match="no journal"):
            await method(bare, "nobody")


@every_face
async def test_a_wrong_value_is_refused_before_anything_is_started(play, url, name, face):
    llm = make(face, play(), url)
    with pytest.raises(ConfigurationError, match="needs 'error' or 'resume'"):
        await face.start(llm, call_id=name, if_exists="again")
    with pytest.raises(ConfigurationError, match="timeout is not a field"):
        await face.start(llm, call_id=name, timeout=3)


@every_face
async def test_events_reach_observers_and_nothing_of_it_reaches_on_token(play, url, name, face):
    told, heard = [], []
    llm = make(face, play(text=LONG), url, on_event=told.append, on_token=heard.append)
    await face.start(llm, call_id=name)
    await face.follow(llm, name)
    assert {event.call_id for event in told} == {name}
    assert not heard


@every_face
async def test_it_is_sent_with_the_models_own_settings(play, url, name, face):
    script = play(text=LONG)
    llm = make(face, script, url, temperature=0.25, stop=["Z"])
    await face.start(llm, call_id=name, max_tokens=7000, top_p=None)
    await face.follow(llm, name)
    body = script.requests[0].body
    assert (body["temperature"], body["stop"], body["max_tokens"]) == (0.25, ["Z"], 7000)
    assert "top_p" not in body
    assert body["messages"] == [{"role": "user", "content": "go"}]
