"""Resume over real sockets: the techniques, the manners of models, the limits."""

import asyncio

import msgspec
import pytest
from llama_index.core import PromptTemplate
from pydantic import BaseModel

import holysheep_core as core
from holysheep_core import ResumeConfig, RetryConfig
from holysheep_core.simulator import cut, malformed, refuse, reply, slow, stall
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep
from support.calls import ASK, handler

PREFILLS = "claude-sonnet-4.5"


def techniques(completion):
    return [attempt.technique for attempt in completion.attempts]


# techniques --------------------------------------------------------------------------------


@pytest.mark.parametrize("prefill", ["accept", "echo"])
def test_a_model_that_takes_a_prefill_goes_on_with_it_cut_at_every_character(play, text, prefill):
    for at in range(len(text) + 1):
        script = play(faults=[cut(at)], prefill=prefill)
        completion = handler(script).complete(PREFILLS, ASK)
        assert completion.text == text, at
        if at >= 8:
            # Nothing new is taken for the end only if a second request adds nothing, either.
            again = ["continuation"] if at == len(text) else []
            assert techniques(completion) == ["request", "prefill", *again]
            partial = script.requests[1].body["messages"][-1]
            assert partial == {"role": "assistant", "content": text[:at].rstrip()}


def test_a_rejected_prefill_teaches_and_is_never_the_users_error(play, text):
    nothing = slow(0)
    script = play(faults=[cut(30), nothing, nothing, cut(30)], prefill="reject")
    client = handler(script, config=RetryConfig(max_retries=0))
    completion = client.complete(PREFILLS, ASK)
    assert completion.text == text
    assert techniques(completion) == ["request", "prefill", "continuation"]
    assert techniques(client.complete(PREFILLS, ASK)) == ["request", "continuation"]


def test_an_error_after_a_rejected_prefill_is_told_as_itself(play, text):
    script = play(faults=[cut(30, "fin"), slow(0), refuse(401, times=None)], prefill="reject")
    with pytest.raises(core.AuthenticationError) as caught:
        handler(script).complete(PREFILLS, ASK)
    assert caught.value.partial == text[:30]
    assert isinstance(caught.value.first_cause, core.StreamCutError)


def test_prefill_can_be_forced_and_flagged(play, text):
    script = play(faults=[cut(30)])
    flagged = core.APIGateway(
        [core.Provider("k", script.base_url, prefix_flag=True)], health_check=None
    )
    client = core.StreamingRetryHandler(gateway=flagged, resume=ResumeConfig(prefill=True))
    assert client.complete("some-model", ASK).text == text
    assert script.requests[1].body["messages"][-1]["prefix"] is True


# manners -----------------------------------------------------------------------------------

ANNOUNCEMENTS = [
    "Sure, continuing where I left off:\n\n",
    "Certainly! Here is the rest, continued:\n",
    "네, 이어서 작성하겠습니다:\n\n",
    "好的，我继续：\n",  # noqa: RUF001
    "はい、続きを書きます：\n",  # noqa: RUF001
]


@pytest.mark.parametrize("announcement", ANNOUNCEMENTS)
@pytest.mark.parametrize("then", ["obedient", "restart"])
def test_an_announcement_is_taken_out_cut_at_every_character(play, text, announcement, then):
    def manner(whole, at, anchor):
        begins = {"obedient": anchor, "restart": whole[:at]}
        return announcement + begins[then] + whole[at:]

    for at in range(8, len(text)):
        script = play(faults=[cut(at)], manner=manner)
        assert handler(script).complete("gpt-4.1", ASK).text == text, at


def test_after_a_different_answer_the_rest_is_asked_for_in_other_words_and_then_an_error(play):
    text = "The quick brown fox jumps over the lazy dog, and then it goes home to sleep."
    fresh = "The quick brown fox is an animal that many people know from a sentence."
    script = play(text, faults=[cut(60, "fin")], manner=lambda *_: fresh)
    with pytest.raises(core.StreamInterruptedError) as caught:
        handler(script).complete("gpt-4.1", ASK)
    assert caught.value.partial == text[:60]
    first, second = (record.body["messages"][-1]["content"] for record in script.requests[1:])
    assert "words" in first
    assert "<begun>" in second
    assert len(script.requests) == 3


def test_a_model_that_comes_round_after_the_second_request_completes_the_answer(play):
    text = "The quick brown fox jumps over the lazy dog, and then it goes home to sleep."
    asked = []

    def manner(whole, at, anchor):
        asked.append(at)
        fresh = "The quick brown fox is an animal that many people know from a sentence."
        return fresh if len(asked) == 1 else anchor + whole[at:]

    script = play(text, faults=[cut(60)], manner=manner)
    assert handler(script).complete("gpt-4.1", ASK).text == text


@pytest.mark.parametrize(
    "text",
    [
        "하하하하 " * 12,
        "1000000000000000 won, and 1000000 more.",
        "| a | b |\n" * 9,
        "la la la " * 9,
    ],
)
def test_legitimate_repetition_is_never_touched_by_a_model_that_obeys(play, text):
    for at in range(1, len(text.rstrip())):  # a blank alone brings nothing new
        assert handler(play(text, faults=[cut(at)])).complete("gpt-4.1", ASK).text == text


@pytest.mark.parametrize("flag", ["prefix_flag", "continue_final_message"])
def test_a_provider_that_takes_a_prefill_in_its_own_way_is_given_one(play, text, flag):
    script = play(faults=[cut(40)])
    provider = core.Provider("k", script.base_url, **{flag: True})
    client = core.StreamingRetryHandler(gateway=core.APIGateway([provider], health_check=None))
    assert client.complete("deepseek-v3.2", ASK).text == text
    body = script.requests[1].body
    assert body["messages"][-1]["role"] == "assistant"
    assert body["messages"][-1].get("prefix", False) is (flag == "prefix_flag")
    assert body.get("continue_final_message", False) is (flag == "continue_final_message")


# limits ------------------------------------------------------------------------------------


def test_going_on_beyond_the_token_limit_is_off_by_default(play, text):
    script = play(finish_reason="length")
    assert handler(script).complete("gpt-4.1", ASK).finish_reason == "length"
    assert len(script.requests) == 1


def test_an_answer_goes_on_beyond_the_token_limit_if_asked_to(play):
    text = "".join(f"Sheep number {n} jumps over the fence. " for n in range(12))

    def manner(whole, at, anchor):
        return anchor + whole[at : at + 100]

    script = play(text, faults=[cut(100)], manner=manner, finish_reason="length")
    config = ResumeConfig(continue_on_length=True, max_resumes=3)
    completion = handler(script, resume=config).complete("gpt-4.1", ASK, max_tokens=25)
    assert completion.text == text[:400]  # the cut at 100, and a hundred for each time asked
    assert completion.resumes == 3
    assert all(record.body["max_tokens"] == 25 for record in script.requests)


@pytest.mark.parametrize("unproven", ["error", "append"])
def test_an_answer_that_proves_no_place_is_asked_for_twice_and_then_the_setting_decides(
    play, text, unproven
):
    script = play(faults=[cut(40)], manner="exact")
    client = handler(script, resume=ResumeConfig(unproven=unproven))
    if unproven == "append":
        assert client.complete("gpt-4.1", ASK).text == text
    else:
        with pytest.raises(core.StreamInterruptedError) as caught:
            client.complete("gpt-4.1", ASK)
        assert caught.value.partial == text[:40]
    assert len(script.requests) == 3


@pytest.mark.parametrize("prompt", ["en", "ko"])
@pytest.mark.parametrize("content", ["go", [{"type": "text", "text": "go"}]])
def test_both_wordings_reach_a_model_that_answers_the_second_one(play, text, prompt, content):
    asked = []

    def manner(whole, at, anchor):
        asked.append(anchor)
        return "Of course!" if len(asked) == 1 else anchor + whole[at:]

    script = play(faults=[cut(40)], manner=manner)
    client = handler(script, resume=ResumeConfig(prompt=prompt))
    messages = [{"role": "user", "content": content}]
    assert client.complete("gpt-4.1", messages).text == text
    assert all(text[:40].endswith(anchor) and anchor for anchor in asked)


# what is not text --------------------------------------------------------------------------


@pytest.mark.parametrize("make", [ChatHolySheep, HolySheep])
def test_reasoning_cut_at_every_character_is_shown_once(play, text, make):
    thought = "First the sheep, then the fence."
    for at in range(1, len(thought) + 12, 3):
        script = play(reasoning=thought, faults=[cut(at)])
        if make is ChatHolySheep:
            model = make(model="gpt-4.1", api_key="k", base_url=script.base_url)
            message = model.invoke("go")
            assert (message.additional_kwargs["reasoning_content"], message.text) == (thought, text)
        else:
            model = make(model="gpt-4.1", api_key="k", api_base=script.base_url)
            assert model.complete("go").text == text


def test_text_before_a_tool_call_is_kept_and_not_repeated_and_the_call_comes_once(play):
    text, call = "Let me look that up for you.", ("look_up", '{"word": "양"}')
    for at in range(1, len(text) + len(call[1])):
        script = play(text, tool_calls=[call], faults=[cut(at)])
        completion = handler(script).complete("gpt-4.1", ASK)
        assert completion.text == text
        assert [(c.name, c.arguments) for c in completion.tool_calls] == [call]


def test_calls_that_were_finished_before_the_cut_come_once(play):
    calls = [("pay", '{"amount": 1000}'), ("pay", '{"amount": 2000}')]
    for at in range(sum(len(arguments) for _, arguments in calls)):
        script = play("", tool_calls=calls, faults=[cut(at)])
        completion = handler(script).complete("gpt-4.1", ASK)
        assert [(c.name, c.arguments) for c in completion.tool_calls] == calls


@pytest.mark.parametrize("fault", [cut, malformed])
def test_json_cut_at_every_character_ends_as_the_same_json_in_both_frameworks(play, fault):
    whole = '{"name": "양", "legs": [4, 4], "note": "a \\"wool\\" coat"}'
    extra = {"response_format": {"type": "json_object"}}
    for at in range(1, len(whole), 2):
        script = play(whole, faults=[fault(at)])
        ours = ChatHolySheep(
            model="gpt-4.1", api_key="k", base_url=script.base_url, extra_body=extra
        )
        assert ours.invoke("go").text == whole
        script = play(whole, faults=[fault(at)])
        llm = HolySheep(
            model="gpt-4.1", api_key="k", api_base=script.base_url, additional_kwargs=extra
        )
        assert llm.complete("go").text == whole


def test_async_resumes_are_the_same(play, text):
    script = play(faults=[cut(30), stall(40, 60)])
    settings = {"timeouts": core.Timeouts(read=0.3)}
    completion = asyncio.run(handler(script, **settings).acomplete("gpt-4.1", ASK))
    assert (completion.text, completion.resumes) == (text, 2)


def test_a_provider_may_demand_its_own_sign_of_the_end(play, text):
    script = play(faults=[cut(9999, "eof")])  # whole, but neither finish_reason nor [DONE]
    provider = core.Provider("k", script.base_url, finish_signal="done")
    client = handler(script)
    client.providers = (provider,)
    assert client.complete("gpt-4.1", ASK).text == text
    assert len(script.requests) == 3  # only a second answer can say that nothing is missing
    with pytest.raises(core.ConfigurationError, match="finish_signal"):
        core.Provider("k", finish_signal="both")


def test_a_replay_that_answers_with_text_instead_of_the_call_is_taken_as_it_is(play):
    half = {"index": 0, "id": "c", "function": {"name": "pay", "arguments": '{"amount": 1'}}
    chunk = msgspec.json.encode({"choices": [{"delta": {"tool_calls": [half]}}]})
    body = b"data: " + chunk + b"\n\n"
    script = play("I would rather not pay.", faults=[reply(200, body)])
    completion = handler(script).complete("gpt-4.1", ASK)
    assert (completion.text, completion.tool_calls) == ("I would rather not pay.", ())


class Sheep(BaseModel):
    """A sheep."""

    name: str
    legs: int


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_structured_output_of_langchain_survives_a_cut_at_every_character(play, method):
    whole = '{"name": "양순이", "legs": 4}'
    for at in range(1, len(whole), 3):
        if method == "function_calling":
            script = play("", tool_calls=[("Sheep", whole)], faults=[cut(at, "eof")])
        else:
            script = play(whole, faults=[cut(at, "eof")])
        model = ChatHolySheep(model="gpt-4.1", api_key="k", base_url=script.base_url)
        found = model.with_structured_output(Sheep, method=method).invoke("go")
        assert found == Sheep(name="양순이", legs=4)


def test_structured_predict_of_llamaindex_survives_a_cut_at_every_character(play):
    whole = '{"name": "양순이", "legs": 4}'
    for at in range(1, len(whole), 3):
        script = play("", tool_calls=[("Sheep", whole)], faults=[cut(at, "eof")])
        llm = HolySheep(model="gpt-4.1", api_key="k", api_base=script.base_url)
        found = llm.structured_predict(Sheep, PromptTemplate("Name a sheep."))
        assert found == Sheep(name="양순이", legs=4)
