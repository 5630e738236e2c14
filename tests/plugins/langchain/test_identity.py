"""The properties LangChain reads from a model."""

import pytest

from holysheep_core import estimate_tokens
from langchain_holysheep import ChatHolySheep


def model(**settings):
    return ChatHolySheep(model="gpt-4.1", api_key="sk-secret", **settings)


def test_its_kind_and_its_secrets_have_names():
    assert model()._llm_type == "holysheep-chat"
    assert model().lc_secrets == {"api_key": "HOLYSHEEP_API_KEY"}


def test_its_parameters_are_those_that_were_set():
    assert model()._default_params == {}
    llm = model(temperature=0.5, max_tokens=9, extra_body={"top_k": 3})
    assert llm._default_params == {"temperature": 0.5, "max_tokens": 9, "top_k": 3}


@pytest.mark.parametrize("stop", ["x", ["x"]])
def test_stops_are_a_list_however_they_are_given(stop):
    assert model(stop=stop)._default_params == {"stop": ["x"]}


def test_what_identifies_it_is_all_that_changes_an_answer():
    llm = model(temperature=0.5, stop=["x"], fallback_models=["gemini-2.5-flash"])
    assert llm._identifying_params == {
        "model": "gpt-4.1",
        "base_url": llm.base_url,
        "fallback_models": ["gemini-2.5-flash"],
        "temperature": 0.5,
        "stop_sequences": ["x"],
    }
    assert "sk-secret" not in str(llm._identifying_params)


def test_a_trace_gets_the_parameters_of_the_call_before_those_of_the_model():
    llm = model(temperature=0.5, max_tokens=9, stop="a")
    of_model = llm._get_ls_params()
    assert of_model["ls_provider"] == "holysheep"
    assert (of_model["ls_model_name"], of_model["ls_model_type"]) == ("gpt-4.1", "chat")
    assert (of_model["ls_temperature"], of_model["ls_max_tokens"]) == (0.5, 9)
    assert of_model["ls_stop"] == ["a"]
    of_call = llm._get_ls_params(stop=["b"], model="other", temperature=0.0, max_tokens=1)
    assert (of_call["ls_model_name"], of_call["ls_temperature"]) == ("other", 0.0)
    assert (of_call["ls_max_tokens"], of_call["ls_stop"]) == (1, ["b"])


def test_a_trace_has_nothing_that_was_not_set():
    params = model()._get_ls_params()
    assert not {"ls_temperature", "ls_max_tokens", "ls_stop"} & params.keys()


def test_the_profile_says_what_the_catalog_knows():
    assert model().profile["max_input_tokens"] == 1_047_576
    assert ChatHolySheep(model="new-model", api_key="k").profile is None
    assert ChatHolySheep(model="deepseek-v3.2", api_key="k").profile["image_inputs"] is False


def test_tokens_are_counted_without_a_download():
    llm = model()
    assert llm.get_num_tokens("Count the sheep.") == estimate_tokens("Count the sheep.") > 0
    plain = llm.get_num_tokens_from_messages([("user", "Count the sheep.")])
    tool = {"name": "count", "description": "Counts sheep in a field.", "parameters": {}}
    with_tools = llm.get_num_tokens_from_messages([("user", "Count the sheep.")], tools=[tool])
    assert 0 < plain < with_tools


def test_its_own_tokenizer_counts_where_it_has_one():
    llm = model(custom_get_token_ids=lambda text: list(range(len(text.split()))))
    assert llm.get_token_ids("Count the sheep.") == [0, 1, 2]
    assert llm.get_num_tokens("Count the sheep.") == 3
    asked = [("user", "Count the sheep.")]
    assert llm.get_num_tokens_from_messages(asked) == 4  # the role is a word, too
    assert llm.get_num_tokens_from_messages([*asked, *asked]) == 8
    tool = {"name": "count", "description": "Counts sheep in a field.", "parameters": {}}
    assert llm.get_num_tokens_from_messages(asked, tools=[tool]) > 8


def test_the_model_has_the_name_that_other_classes_have_for_it(play, text):
    script = play()
    llm = ChatHolySheep(model_name="gpt-4.1", api_key="k", base_url=script.base_url)
    assert (llm.model_name, llm.model) == ("gpt-4.1", "gpt-4.1")
    assert llm.model_copy(update={"model": "claude-sonnet-4.5"}).model_name == "claude-sonnet-4.5"
    llm.model_name = "gemini-2.5-flash"
    assert llm.invoke("go").text == text
    assert script.requests[0].body["model"] == llm.model == "gemini-2.5-flash"
    assert "model_name" not in llm.model_dump()
