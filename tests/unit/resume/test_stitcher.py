"""The splice: only what is proven to be a repetition goes, whatever the response and its pieces."""

import statistics

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from holysheep_core.resume.normalize import has_words
from holysheep_core.resume.seen import choose_anchor, is_provable
from holysheep_core.resume.stitcher import Stitcher
from holysheep_core.resume.thinking import MAX_THINKING
from support.stitching import SIZES, TEXT, obedient, passed, stitcher_after

REFRAIN = "웃음소리: 하하하하하하하하하하 하고 웃었다."
TABLE = "| name | age |\n|------|-----|\n" + "| none | 000 |\n" * 6 + "| baa | 7 |\n"
CODE = "def f(x):\n" + "".join(f"        a{n} = {n}\n        if a{n}:\n" for n in range(5))
FIRST = 20  # from here on every cut leaves enough text to ask for a continuation
STORY = (
    "The keeper climbed the stairs every evening. He trimmed the wick, wound the clockwork and "
    "wrote down the weather. When electricity came, one man ashore could watch three lights, "
    "and the old keeper did not like it at all."
)
SHORT = "The keeper climbed the stairs every evening. He trimmed the wick, wound the clo"
SHORT_REST = STORY[len(SHORT) :]

RESPONSES = {
    "obedient": obedient,
    "restarts": lambda seen, rest: seen + rest,
    "repeats forty characters": lambda seen, rest: seen[-40:] + rest,
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("response", ["obedient", "restarts"])
@pytest.mark.parametrize(
    "text", [TEXT, STORY, TABLE, CODE, REFRAIN], ids=["text", "story", "table", "code", "refrain"]
)
def test_a_text_cut_at_every_character_is_joined_whole(response, size, text):
    for at in range(FIRST, len(text) - 1):
        seen, rest = text[:at], text[at:]
        if is_provable(seen) and has_words(rest):
            stitcher = stitcher_after(seen)
            assert seen + passed(stitcher, RESPONSES[response](seen, rest), size) == text, at


LEADS = [
    "Sure, continuing where I left off:\n\n",
    "### Continued\n\n---\n\n",
    "I apologize for the interruption. My reply was cut off.\n\nHere is the rest:\n\n",
    "이어지는 내용입니다:\n\n",
    "接下来的内容如下：\n\n",
    "...",
    "… ",
    "```\n",
    "Assistant: ",
    "(Fortsetzung)\n\n",
]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("preamble", LEADS)
def test_whatever_stands_before_the_words_asked_for_is_taken_out(preamble, size):
    for at in range(FIRST, len(STORY) - 1, 3):
        seen, rest = STORY[:at], STORY[at:]
        for response in RESPONSES.values():
            assert passed(stitcher_after(seen), preamble + response(seen, rest), size) == rest, at


@pytest.mark.parametrize(
    ("opened", "closed"),
    [('"', '"'), ("“", "”"), ("**", "**"), ("`", "`"), ("<mark>", "</mark>"), ("[", "]")],
)
def test_marks_around_the_words_or_around_all_of_it_go(opened, closed):
    anchor = choose_anchor(SHORT, 32)
    for size in SIZES.values():
        around = opened + anchor + closed + SHORT_REST
        assert passed(stitcher_after(SHORT), around, size) == SHORT_REST
        assert (
            passed(stitcher_after(SHORT), opened + anchor + SHORT_REST + closed, size) == SHORT_REST
        )


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: text.replace(",", ""),
        lambda text: text.replace("wick", "wicks"),
        lambda text: text.replace("trimmed", "**trimmed**"),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace("e", "\uff45"),
    ],
    ids=["case", "punctuation", "a letter", "marks", "blanks", "full width"],
)
def test_words_that_are_nearly_those_asked_for_are_them(change):
    for size in SIZES.values():
        response = change(choose_anchor(SHORT, 32)) + SHORT_REST
        assert passed(stitcher_after(SHORT), response, size) == SHORT_REST


@pytest.mark.parametrize(
    ("seen", "response", "shown"),
    [
        ("Every day the sheep graz", "grazing on the hill.", "ing on the hill."),
        ("The total amount is 12,3", "12,345 won in all.", "45 won in all."),
        ("First, divide by three.\n3x = ", "3x = 15, so x is 5.", "15, so x is 5."),
        ("언덕 위에서 양들이 풀을 뜯습", "뜯습니다. 그리고 쉽니다.", "니다. 그리고 쉽니다."),
    ],
)
def test_a_response_that_begins_with_the_last_word_number_or_line_goes_on_from_it(
    seen, response, shown
):
    for size in SIZES.values():
        assert passed(stitcher_after(seen), response, size) == shown


@pytest.mark.parametrize(
    "response",
    ["ckwork and wrote.", "Here is a story about a keeper of another house.", "Sorry, no."],
)
def test_what_does_not_prove_where_it_goes_on_is_not_shown(response):
    for size in SIZES.values():
        stitcher = stitcher_after(SHORT)
        assert (passed(stitcher, response, size), stitcher.rejected) == ("", "unproven")
        assert (stitcher.feed("more"), stitcher.close()) == ("", "")


def test_unproven_text_is_appended_as_it_is_if_asked_for():
    for size in SIZES.values():
        stitcher = stitcher_after(SHORT, append_unproven=True)
        assert passed(stitcher, "ckwork and wrote.", size) == "ckwork and wrote."


@pytest.mark.parametrize(
    "response", ["", "{anchor}", "{seen}", "{begun}", "Sure:\n\n{anchor}", "{anchor}."]
)
def test_a_response_that_brings_nothing_new_to_half_an_answer_is_no_end(response):
    anchor = choose_anchor(SHORT, 32)
    said = response.format(anchor=anchor, seen=SHORT, begun=anchor[:20])
    for last in (False, True):
        stitcher = Stitcher(SHORT, anchor=anchor, last=last)
        shown = passed(stitcher, said)
        if not (last and response.endswith(".")):
            assert (shown, stitcher.rejected) == ("", "nothing new")


@pytest.mark.parametrize("response", ["{anchor}", "{seen}", "[END]", ""])
def test_only_a_second_response_can_say_that_nothing_is_missing(response):
    anchor = choose_anchor(STORY, 32)
    said = response.format(anchor=anchor, seen=STORY)
    first = Stitcher(STORY, anchor=anchor)
    assert (passed(first, said), first.rejected != "") == ("", True)
    second = Stitcher(STORY, anchor=anchor, last=True, sentinel="[END]")
    assert (passed(second, said), second.rejected) == ("", "")


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    ("response", "believed"),
    [
        *((text, False) for text in ("{anchor}", "{seen}", "", "{anchor}\n", "{seen}\n\n")),
        *((text, True) for text in ("[END]", "{anchor}[END]", "{seen}\n\n[END]", "{seen} [END]\n")),
    ],
)
def test_after_a_response_with_other_text_only_the_sentinel_says_that_nothing_is_missing(
    response, believed, size
):
    anchor = choose_anchor(STORY, 32)
    said = response.format(anchor=anchor, seen=STORY)
    second = Stitcher(STORY, anchor=anchor, last=True, contradicted=True, sentinel="[END]")
    assert passed(second, said, size).strip() == ""
    assert second.rejected == ("" if believed else "nothing new")
    doubtful = Stitcher(
        STORY, anchor=anchor, last=True, contradicted=True, sentinel="[END]", doubtful=True
    )
    assert (passed(doubtful, said, size).strip(), doubtful.rejected) == ("", "")


@pytest.mark.parametrize("response", ["", "{anchor}", "{seen}"])
def test_a_response_that_brings_a_tool_call_needs_no_text(response):
    anchor = choose_anchor(SHORT, 32)
    stitcher = Stitcher(SHORT, anchor=anchor)
    shown = stitcher.feed(response.format(anchor=anchor, seen=SHORT))
    assert (shown + stitcher.close(brings_more=True), stitcher.rejected) == ("", "")


@pytest.mark.parametrize("last", [False, True], ids=["first", "second"])
@pytest.mark.parametrize(
    ("seen", "rest"), [("It costs 40", "0"), ("The ban", "an"), ("Ha ha", " ha")]
)
def test_a_short_rest_like_the_end_is_not_dropped_because_a_tool_call_follows(seen, rest, last):
    stitcher = Stitcher(seen, anchor=seen, last=last)
    shown = stitcher.feed(rest) + stitcher.close(brings_more=True)
    assert shown == rest or stitcher.rejected


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_sentinel_after_half_a_word_does_not_make_it_whole(size):
    anchor = choose_anchor(SHORT, 32)
    stitcher = Stitcher(SHORT, anchor=anchor, last=True, sentinel="[END]", asked="Go on.")
    assert passed(stitcher, anchor + "\n\n[END]", size).strip() == ""
    assert stitcher.rejected == "nothing new"
    whole = Stitcher(STORY, anchor=choose_anchor(STORY, 32), last=True, sentinel="[END]")
    assert passed(whole, choose_anchor(STORY, 32) + "\n\n[END]", size).strip() == ""
    assert whole.rejected == ""
    more = Stitcher(SHORT, anchor=anchor, last=True, sentinel="[END]")
    assert passed(more, anchor + SHORT_REST + "\n\n[END]", size).rstrip() == SHORT_REST


def test_time_and_length_never_release_a_repetition_that_is_still_open():
    seen = "".join(f"Sheep number {n} jumps over the fence. " for n in range(400))
    stitcher = stitcher_after(seen)
    assert all(stitcher.feed(character) == "" for character in seen)
    assert stitcher.feed("The end.") == "The end."


def test_a_restart_is_held_by_reference_and_decided_in_bounded_work():
    seen = "".join(f"Sheep number {n} jumps over the fence.\n" for n in range(3000))
    stitcher = stitcher_after(seen)
    assert passed(stitcher, seen.replace("\n", "\n\n") + "The end.", 40) in ("", "\nThe end.")
    assert stitcher.held <= 1.3 * len(seen) + 600


@pytest.mark.parametrize("said", range(40, 75, 5))
def test_a_restart_that_then_differs_is_another_answer(said):
    for size in SIZES.values():
        stitcher = stitcher_after(STORY)
        different = STORY[:said] + "☂ another answer altogether, as long as it may be. " * 12
        assert (passed(stitcher, different, size), bool(stitcher.rejected)) == ("", True)


@pytest.mark.parametrize("response", ["☂", "안녕☂", "Another answer altogether", "안녕"])
def test_a_replay_that_is_not_the_text_shown_is_rejected(response):
    stitcher = Stitcher("안녕, 양", replay=True)
    assert (passed(stitcher, response), stitcher.rejected) == ("", "different")


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_replay_of_a_text_cut_at_every_character_shows_only_the_rest(size):
    for at in range(1, len(TEXT)):
        assert passed(Stitcher(TEXT[:at], replay=True), TEXT, size) == TEXT[at:]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_under_prefill_all_is_text_but_white_space_and_a_whole_repetition(size):
    for at in range(FIRST, len(TEXT)):
        seen, rest = TEXT[:at], TEXT[len(TEXT[:at].rstrip()) :]
        assert passed(Stitcher(seen, prefilled=True), rest, size) == TEXT[at:], at
        if TEXT[at:].strip():
            assert passed(Stitcher(seen, prefilled=True), TEXT, size) == TEXT[at:], at
    honest = "Sure, you can continue to use it until May:\n- here"
    assert passed(Stitcher("Q: May I keep it?\n\nA: ", prefilled=True), honest, size) == honest


def test_a_thinking_block_in_the_text_is_no_text():
    anchor = choose_anchor(SHORT, 32)
    for size in SIZES.values():
        stitcher = stitcher_after(SHORT)
        said = f"<think>\nThey want {anchor} and more.\n</think>\n\n{anchor}{SHORT_REST}"
        assert passed(stitcher, said, size) == SHORT_REST
        assert stitcher.thinking.strip() == f"They want {anchor} and more."
    endless = stitcher_after(SHORT)
    assert passed(endless, "<think>" + "a" * 2 * MAX_THINKING, 999) == ""
    assert endless.rejected


LINKS = (
    "- Docs: https://docs.example.org/en/latest/guide/install.html#linux\n"
    "- Docs (ko): https://docs.example.org/ko/latest/guide/install.html#linux\n- Source: here"
)
LOG = "time,host,level\n10:00:01,web-1,INFO\n10:00:02,web-2,INFO\n10:00:03,web-2,INFO\n10:00:04,"
ROWS = (
    '    a = get("/users")\n    assert a.status == 200\n    a = get("/orders")\n'
    '    assert a.status == 200\n    a = get("/items")\n'
)


@pytest.mark.parametrize("before", ["", "Sure, here:\n\n", "Sure! "])
@pytest.mark.parametrize("text", [ROWS, LOG, LINKS], ids=["rows", "log", "links"])
def test_a_row_like_the_last_one_is_not_taken_for_the_words_asked_for(text, before):
    for at in range(FIRST, len(text) - 1):
        for size in SIZES.values():
            stitcher = stitcher_after(text[:at])
            assert passed(stitcher, before + text[at:], size) in ("", text[at:]), at


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_quotation_that_is_followed_by_a_row_like_it_loses_no_row(size):
    stitcher = stitcher_after(LINKS[:67])
    quoted = f'"{choose_anchor(LINKS[:67], 32)}"{LINKS[67:]}'
    assert passed(stitcher, quoted, size) == LINKS[67:]


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_remark_about_the_words_is_no_text(size):
    stitcher = stitcher_after(SHORT)
    said = f'Continuing after "{choose_anchor(SHORT, 32)}":\n\n{SHORT_REST}'
    assert (passed(stitcher, said, size), stitcher.rejected) == ("", "unproven")


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("between", ["\n", "\n\n", " "])
def test_all_of_the_text_said_twice_is_taken_out_twice(between, size):
    assert passed(stitcher_after(SHORT), SHORT + between + SHORT + SHORT_REST, size) == SHORT_REST


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("blank", ["\n", "\n\n", " \n"])
def test_white_space_alone_is_nothing_new(blank, last):
    stitcher = Stitcher(SHORT, anchor=choose_anchor(SHORT, 32), last=last)
    assert (passed(stitcher, blank), stitcher.rejected) == ("", "nothing new")


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_reasoning_without_its_first_tag_is_no_text_where_the_answer_had_it_before(size):
    seen = "I shall tell of a keeper.\n</think>\n\n" + SHORT
    anchor = choose_anchor(seen, 32)
    said = f"They want {anchor} and the rest.\n</think>\n\n{anchor}{SHORT_REST}"
    assert passed(stitcher_after(seen), said, size) == SHORT_REST
    assert passed(stitcher_after(seen), anchor + SHORT_REST, size) == SHORT_REST


def test_the_request_repeated_is_never_shown():
    asked = "Your message is not complete yet. Write these words again and go on from there."
    anchor = choose_anchor(SHORT, 32)
    for size in SIZES.values():
        stitcher = stitcher_after(SHORT, asked=asked)
        shown = passed(stitcher, anchor + ". Write these words again and go on from there.", size)
        assert (shown.strip(". "), stitcher.rejected) == ("", "different")
        later = stitcher_after(SHORT, asked=asked)
        said = anchor + "ckwork.\nYour message is not complete yet. Write these words again"
        assert passed(later, said, size) == "ckwork.\n"
        assert later.rejected == "different"


def test_with_nothing_seen_nothing_is_held():
    stitcher = Stitcher("")
    assert (stitcher.transparent, stitcher.feed("a"), stitcher.close()) == (True, "a", "")


ALPHABET = st.text(st.sampled_from("ab하 \n|-"), max_size=60) | st.text()


BEGUN = st.text(st.sampled_from("abcd하늘 \n|-"), min_size=24, max_size=90)


@given(BEGUN, ALPHABET.map(lambda rest: "x" + rest), st.sampled_from([1, 2, 3, 7]))
def test_a_model_that_obeys_is_joined_whole_or_rejected_whatever_the_text(seen, rest, size):
    assume(is_provable(seen))
    stitcher = stitcher_after(seen)
    shown = passed(stitcher, obedient(seen, rest), size)
    assert stitcher.rejected or shown == rest


@given(ALPHABET, ALPHABET, st.booleans(), st.lists(st.integers(1, 9), min_size=1))
def test_however_a_response_is_fed_the_same_comes_out(seen, response, replay, steps):
    assume(seen)
    whole, pieces = (Stitcher(seen, anchor=choose_anchor(seen, 8), replay=replay) for _ in range(2))
    expected, got, left = passed(whole, response), "", response
    while left:
        for step in steps:
            got, left = got + pieces.feed(left[:step]), left[step:]
    assert (got + pieces.close(), pieces.rejected) == (expected, whole.rejected)


def test_of_an_obedient_model_half_the_answers_hold_back_at_most_64_characters():
    held = []
    for text in (TEXT, STORY):
        for at in range(40, len(text)):
            stitcher = stitcher_after(text[:at])
            assert passed(stitcher, obedient(text[:at], text[at:]), 4) == text[at:]
            held.append(stitcher.held)
    assert statistics.median(held) <= 64


@given(
    st.text("hap \n", min_size=20, max_size=80),
    st.text("hap \n", max_size=120),
    st.integers(1, 5),
    st.booleans(),
)
@example("haG\x1d\x17\x00\x00n hApnhappppppppppppppp", "pppphapppppppppppppppppp  x", 2, False)
def test_texts_of_few_letters_come_to_an_end(seen, response, size, last):
    stitcher = Stitcher(seen, anchor=choose_anchor(seen, 32), last=last)
    shown = passed(stitcher, response, size)
    assert not (shown and stitcher.rejected)
