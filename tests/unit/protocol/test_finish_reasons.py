"""Every word for the end of an answer, in any case and spelling."""

import pytest

from holysheep_core.protocol.finish_reasons import Ending, ending_of

WORDS = {
    Ending.NORMAL: "stop end_turn STOP eos tool_calls tool_use COMPLETE stop_sequence function_call",
    Ending.LIMIT: "length max_tokens MAX_TOKENS model_length maxOutputTokens token-limit",
    Ending.FILTERED: "content_filter SAFETY RECITATION refusal content-filter BLOCKLIST MODEL_ARMOR",
    Ending.FAILED: "error abort network_error cancelled insufficient_system_resource TIMEOUT"
    " model_error provider_error UNAVAILABLE",
    Ending.UNKNOWN: "vibes OTHER 42",
    None: "null none FINISH_REASON_UNSPECIFIED",
}


@pytest.mark.parametrize(
    ("word", "ending"), [(word, end) for end, words in WORDS.items() for word in words.split()]
)
def test_a_word_means_the_same_in_any_case_and_with_any_separator(word, ending):
    forms = {word, word.lower(), word.upper(), word.replace("_", "-"), word.replace("_", " ")}
    assert {ending_of(form) for form in forms} == {ending}
    assert ending_of(f"FINISH_REASON_{word}") in (ending, Ending.UNKNOWN)


@pytest.mark.parametrize("nothing", [None, "", 0, [], {}, 3.5, "…", " "])
def test_what_is_no_word_says_that_the_answer_goes_on(nothing):
    assert ending_of(nothing if not isinstance(nothing, (list, dict)) else str(type)) is None or (
        isinstance(nothing, (list, dict))
    )
    if isinstance(nothing, (list, dict)):
        assert ending_of(nothing) is None


def test_an_object_is_its_type():
    assert ending_of({"type": "abort", "message": "no room"}) is Ending.FAILED
    assert ending_of({"type": "stop", "matched": 2}) is Ending.NORMAL
    assert ending_of({"type": None}) is None
