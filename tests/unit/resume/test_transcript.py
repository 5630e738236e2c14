"""How the rest of a cut answer is asked for: with the user's own request, and nothing lost."""

from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holysheep_core.config.resume import FIRST_EN, FIRST_KO, LINE_EN, SECOND_EN, ResumeConfig
from holysheep_core.resume.transcript import Transcript
from holysheep_core.tokens import estimate_tokens
from holysheep_core.types import ChatRequest

SYSTEM = {"role": "system", "content": "너는 양치기야."}
MESSAGES = (SYSTEM, {"role": "user", "content": "Count the sheep."})
TEXT = '안녕, 양 "세" 마리! One\\two:\n```py\nfor i in x:\n\tprint(i)\n```\n{tail} 끝났어요 👋.'
WORDINGS = [("en", FIRST_EN), ("ko", FIRST_KO), ("Weiter nach {tail}!", "Weiter nach {tail}!")]


def next_request(seen="", *, reasoning="", refused=False, prompt="en", **params):
    request = ChatRequest("gpt-4.1", MESSAGES, MappingProxyType(params))
    transcript = Transcript(request, ResumeConfig(prompt=prompt))
    transcript.add_text(seen)
    if reasoning:
        transcript.add_reasoning(reasoning)
    if refused:
        transcript.rejected("nothing new")
    return transcript.next_request()


@pytest.mark.parametrize(
    ("settings", "technique"),
    [
        ({}, "request"),
        ({"refused": True}, "request"),
        ({"reasoning": "Hmm, sheep"}, "replay"),
        ({"reasoning": "Hmm, sheep", "refused": True}, "replay"),
        ({"seen": "a"}, "replay"),
        ({"seen": "안"}, "replay"),
        ({"seen": "hi \n "}, "replay"),
        ({"seen": " " * 50}, "replay"),
        ({"seen": "hello"}, "replay"),
        ({"seen": "hi", "refused": True}, "continuation"),
        ({"seen": "fifteen letters"}, "replay"),
        ({"seen": "some sixteen letters"}, "continuation"),
        ({"seen": "안녕하세요 저는 양치기이고 양을 셉니다"}, "continuation"),
        ({"seen": TEXT, "reasoning": "Hmm"}, "continuation"),
    ],
)
def test_what_was_shown_decides_how_to_go_on(settings, technique):
    assert next_request(**settings).technique == technique


@pytest.mark.parametrize("settings", [{}, {"reasoning": "Hmm"}, {"seen": "a"}])
def test_a_replay_is_the_original_request_untouched(settings):
    asked = next_request(**settings, max_tokens=9, response_format={"type": "json_object"})
    assert asked.request.messages is MESSAGES
    assert asked.request.params == {"max_tokens": 9, "response_format": {"type": "json_object"}}


def test_a_continuation_adds_two_turns_and_leaves_the_users_messages_alone():
    asked = next_request(TEXT).request
    partial, turn = asked.messages[len(MESSAGES) :]
    assert tuple(asked.messages[: len(MESSAGES)]) == MESSAGES
    assert partial == {"role": "assistant", "content": TEXT}
    assert turn["role"] == "user"
    assert len(MESSAGES) == 2


def test_no_continuation_adds_or_replaces_a_system_prompt():
    roles = [message["role"] for message in next_request(TEXT).request.messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert next_request(TEXT).request.messages[0] is SYSTEM


def test_a_continuation_asks_the_same_model_with_the_same_parameters():
    asked = next_request(TEXT, temperature=0.3, tools=[{"x": 1}], seed=7).request
    assert asked.model == "gpt-4.1"
    assert asked.params == {"temperature": 0.3, "tools": [{"x": 1}], "seed": 7}


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("limit", [1, 2, 50, 10_000])
def test_the_token_limit_shrinks_by_what_came_at_least_and_leaves_room(name, limit):
    for at in range(6, len(TEXT)):
        asked = next_request(TEXT[:at], refused=True, **{name: limit})
        left = limit - estimate_tokens(TEXT[:at])
        again = estimate_tokens(asked.anchor)  # said once more, and not counted
        assert asked.request.params[name] >= max(1, left) + again + 32
        assert asked.request.params[name] <= limit + again + 32


def test_a_limit_of_none_stays_none():
    assert next_request(TEXT, max_tokens=None).request.params == {"max_tokens": None}


@pytest.mark.parametrize("kind", ["json_object", "json_schema"])
def test_a_continuation_is_not_held_to_json_and_every_other_question_is(kind):
    wanted = {"type": kind}
    assert (
        "response_format"
        not in next_request('{"a": "양 세 마리", "b": 1', response_format=wanted).request.params
    )
    assert next_request('{"', response_format=wanted).request.params == {"response_format": wanted}


def test_another_response_format_stays():
    wanted = {"type": "text"}
    assert next_request(TEXT, response_format=wanted).request.params == {"response_format": wanted}


def test_the_turns_of_both_wordings_are_as_the_model_shall_see_them():
    first = next_request("We had a long walk\nand then the shepherd told us that sheep graz")
    assert first.request.messages[-1]["content"] == FIRST_EN.replace("{tail}", first.anchor)
    second = next_request(
        "We had a long walk\nand then the shepherd told us that sheep graz", refused=True
    )
    seen = "We had a long walk\nand then the shepherd told us that sheep graz"
    turn = SECOND_EN.replace("{seen}", seen).replace("{tail}", second.anchor)
    assert second.request.messages[-1]["content"] == f"Count the sheep.\n\n{turn}"


@pytest.mark.parametrize(
    ("reasons", "believed"),
    [(["nothing new"], True), (["unproven"], False), (["different", "nothing new"], False)],
)
def test_a_repetition_ends_an_answer_only_if_no_response_before_had_other_text(reasons, believed):
    seen = "The shepherd counted his flock, and all of them were there."
    transcript = Transcript(ChatRequest("m", MESSAGES), ResumeConfig())
    transcript.add_text(seen)
    for reason in reasons:
        transcript.rejected(reason)
    asked = transcript.next_request()
    assert (asked.stitcher.feed(seen), asked.stitcher.close()) == ("", "")
    assert (asked.stitcher.rejected == "") is believed


def test_after_a_tool_result_the_second_wording_asks_for_the_last_line():
    line = "and then the shepherd told us that sheep graz"
    last = {"role": "tool", "content": "3", "tool_call_id": "c"}
    for language in ("en", "ko"):
        transcript = Transcript(ChatRequest("m", [last]), ResumeConfig(prompt=language))
        transcript.add_text(f"We had a long walk\n{line}")
        transcript.rejected("nothing new")
        asked = transcript.next_request()
        assert asked.request.messages[-1]["content"] == LINE_EN.replace("{line}", line)
        assert [message["role"] for message in asked.request.messages][1:] == ["assistant", "user"]


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(WORDINGS))
def test_the_words_are_quoted_as_written_and_a_suffix_of_any_text(seen, wording):
    transcript = Transcript(
        ChatRequest("m", MESSAGES), ResumeConfig(prompt=wording[0], second_prompt="{tail}")
    )
    transcript.add_text(seen)
    transcript.rejected("nothing new")
    asked = transcript.next_request()
    assert asked.anchor
    assert seen.endswith(asked.anchor)
    assert asked.request.messages[-1]["content"] == asked.anchor.strip()


def test_with_a_place_for_all_of_it_the_partial_stands_in_the_last_user_message():
    seen = "넓은 들판에서 늙은 양치기가 양을 셉니다 {tail}"
    asked = next_request(seen, prompt="ko")
    assert [message["role"] for message in asked.request.messages] == ["system", "user"]
    turn = asked.request.messages[-1]["content"]
    assert turn.startswith("Count the sheep.\n\n")
    assert f"<begun>\n{seen}\n</begun>" in turn
    assert f"\n\n{asked.anchor}\n\n" in turn


def test_parts_stay_parts_and_after_a_tool_result_the_partial_is_the_assistants():
    parts = [{"type": "text", "text": "Count."}, {"type": "image_url", "image_url": {"url": "x"}}]
    for last, roles in (
        ({"role": "user", "content": parts}, ["user"]),
        ({"role": "tool", "content": "3", "tool_call_id": "c"}, ["tool", "assistant", "user"]),
    ):
        transcript = Transcript(ChatRequest("m", [last]), ResumeConfig(prompt="ko"))
        transcript.add_text("넓은 들판에서 늙은 양치기가 양을 셉니다")
        messages = transcript.next_request().request.messages
        assert [message["role"] for message in messages] == roles
        if roles == ["user"]:
            assert messages[0]["content"][:2] == parts
            assert messages[0]["content"][2]["type"] == "text"


@pytest.mark.parametrize(("prompt", "wording"), WORDINGS)
def test_a_model_that_obeys_is_joined_at_every_cut(prompt, wording):
    for at in range(20, len(TEXT) - 3):
        asked = next_request(TEXT[:at], prompt=prompt)
        response = asked.anchor.strip() + TEXT[at:]
        if TEXT[:at].endswith(asked.anchor.strip()):
            assert TEXT[:at] + asked.stitcher.feed(response) + asked.stitcher.close() == TEXT


def test_a_replay_must_begin_with_what_was_shown_and_a_request_is_not_held_back():
    assert next_request("ab").stitcher.feed("xy") == ""
    assert next_request().stitcher.feed("xy") == "xy"


def test_a_transcript_only_grows():
    transcript = Transcript(ChatRequest("m", MESSAGES), ResumeConfig())
    for piece in TEXT:
        transcript.add_text(piece)
        transcript.add_reasoning(piece * 2)
    assert (transcript.text, transcript.characters) == (TEXT, len(TEXT))
    assert transcript.reasoning == "".join(piece * 2 for piece in TEXT)
