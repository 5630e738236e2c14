"""The simulated model's answers: whole answers, continuations, values that fit a schema."""

import pytest

from holysheep_core import ResumeConfig, StreamingRetryHandler
from holysheep_core.resume.transcript import Transcript
from holysheep_core.simulator import (
    MANNERS,
    cut,
)
from holysheep_core.simulator.answers import sample
from holysheep_core.types import ChatRequest
from support.calls import ASK
from support.posting import contents, post


@pytest.mark.parametrize("manner", MANNERS)
def test_a_continuation_is_given_in_the_manner_asked_for(play, text, manner):
    script = play(manner=manner)
    turn = f"It ended with these words:\n\n{text[20:30]}\n\nGo on."
    partial = {"role": "assistant", "content": text[:30]}
    go_on = [*ASK, partial, {"role": "user", "content": turn}]
    expected = MANNERS[manner](text, 30, text[20:30])
    assert contents(post(script, messages=go_on).text) == expected


def test_an_earlier_answer_in_a_conversation_is_not_taken_for_a_partial(play, text):
    earlier = [{"role": "assistant", "content": "Something else."}, *ASK]
    assert contents(post(play(), messages=earlier).text) == text


NEXT = ["And then?", 'What is "sheep", or "\\d"?', '5" of what?', '""', "Go on."]


@pytest.mark.slow
@pytest.mark.parametrize("asked", NEXT)
def test_a_conversation_gets_an_answer_at_each_of_its_turns(play, text, asked):
    for at in range(1, len(text) + 1):  # one that only began alike was whole, too
        earlier = [*ASK, {"role": "assistant", "content": text[:at]}]
        turn = {"role": "user", "content": asked}
        assert contents(post(play(manner="exact"), messages=[*earlier, turn]).text) == text, at


def test_a_question_about_the_last_word_of_a_whole_answer_is_a_question(play, text):
    turn = {"role": "user", "content": f'Why "{text[-2:]}"?'}
    earlier = [*ASK, {"role": "assistant", "content": text}]
    assert contents(post(play(manner="exact"), messages=[*earlier, turn]).text) == text


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["en", "ko", 'The 5" of "it" end with\n\n{tail}\n\nso "go on".'])
def test_a_continuation_turn_is_known_by_the_end_it_quotes(play, text, prompt):
    script = play(manner="exact")
    for at in range(1, len(text) + 1):
        transcript = Transcript(ChatRequest("m", ASK), ResumeConfig(prompt=prompt))
        transcript.add_text(text[:at])
        transcript.rejected("nothing new")  # a continuation, however little there is of it
        question = transcript.next_request()
        assert question.technique == "continuation"
        answer = post(script, messages=question.request.messages)
        assert contents(answer.text) == text[at:], at


def test_a_cut_answer_late_in_a_conversation_is_continued(play, text):
    earlier = [*ASK, {"role": "assistant", "content": text}, *ASK]
    script = play(faults=[cut(40)])
    with StreamingRetryHandler(api_key="k", base_url=script.base_url) as handler:
        assert handler.complete("gpt-4.1", earlier).text == text
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 3),
        ({"type": "array", "items": {"type": "string"}}, ["Bo"]),
        ({"enum": ["a", "b"]}, "a"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"const": 5}}}, 5),
        ({"type": "object", "properties": {"n": {"type": "number"}}}, {"n": 3}),
    ],
)
def test_values_are_made_to_fit_a_schema_from_what_the_prompt_offers(schema, value):
    assert sample(schema, "Call 'Bo' with 3.") == value
