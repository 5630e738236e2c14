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


@pytest.mark.parametrize("model", ["gpt-4.1", "claude-sonnet-4.5"])
@pytest.mark.parametrize("by", ["rst", "eof"])
@pytest.mark.parametrize(
    "params", [{}, {"response_format": {"type": "json_object"}}], ids=["text", "JSON"]
)
def test_a_generated_answer_is_continued_wherever_it_is_cut(play, model, by, params):
    """The rest is that of the answer to the question, not an answer to the request for it."""
    question = [{"role": "user", "content": "Tell me all you know about sheep, and about wool."}]
    with StreamingRetryHandler("any-key", base_url=play(text=None).base_url) as handler:
        whole = handler.complete(model, question, **params).text
    for at in range(1, len(whole)):
        script = play(text=None, faults=[cut(at, by=by)])
        with StreamingRetryHandler("any-key", base_url=script.base_url) as handler:
            assert handler.complete(model, question, **params).text == whole, at


def test_tool_calls_without_a_text_are_those_of_the_scenario(play):
    script = play(text=None, tool_calls=[("pay", '{"amount": 1000}')])
    tool = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}
    with StreamingRetryHandler("any-key", base_url=script.base_url) as handler:
        completion = handler.complete("gpt-4.1", ASK, tools=[tool])
    assert [(call.name, call.arguments) for call in completion.tool_calls] == [
        ("pay", '{"amount": 1000}')
    ]
