"""Events: readable, frozen, and without text of the conversation."""

import dataclasses

import pytest

import holysheep_core
from holysheep_core import events
from holysheep_core.events import Event

CLASSES = Event.__subclasses__()
SAMPLE = {"int": 7, "float": 1.25, "float | None": 1.25, "bool": True}
NAMES = {
    *("call_id", "provider", "model", "technique", "error", "reason", "what", "receiving"),
    *("limit", "canary", "route"),
    *("from_model", "to_model", "from_provider", "to_provider"),
}


def made(cls: type[Event]) -> Event:
    return cls(**{f.name: SAMPLE.get(f.type, f"<{f.name}>") for f in dataclasses.fields(cls)})


def test_every_event_of_the_module_is_here_and_public():
    module = {
        cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, Event)
    }
    assert module == {Event, *CLASSES}
    assert {cls.__name__ for cls in module} <= set(holysheep_core.__all__)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_event_reads_as_a_sentence_that_names_who_and_what(cls):
    event = made(cls)
    names = {f"<{f.name}>" for f in dataclasses.fields(cls) if f.type == "str"} - {"<call_id>"}
    if {"<provider>", "<route>"} <= names:
        names.remove("<route>")  # the provider's name stands for its account
    assert all(name in str(event) for name in names)
    assert str(event) != repr(event)
    assert "\n" not in str(event)


@pytest.mark.parametrize("cls", CLASSES)
def test_an_event_holds_names_and_numbers_and_no_text_of_the_conversation(cls):
    fields = dataclasses.fields(cls)
    assert {field.type for field in fields} <= {"str", *SAMPLE}
    assert {field.name for field in fields if field.type == "str"} <= NAMES


@pytest.mark.parametrize("cls", CLASSES)
def test_an_event_is_frozen_and_says_whose_it_is_and_when(cls):
    event = made(cls)
    assert (event.call_id, event.at) == ("<call_id>", 1.25)
    for field in dataclasses.fields(cls):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(event, field.name, None)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (events.RequestSent("c", 0, 2, "one", "m", "replay"), "request 2 to one/m (replay)"),
        (events.RouteCooled("", 0, "0f/m/n", 5.0, "one"), "circuit of one/m/n open for 5.0 s"),
        (events.RouteCooled("", 0, "0f/m", None), "circuit of 0f/m closed"),
        (events.FirstToken("c", 0, 2, 0.12345), "first token of request 2 after 0.123 s"),
        (
            events.RateLimitWait("c", 0, "m", 2.0),
            "rate limited on m: waiting 2.00 s as the server asked",
        ),
        (
            events.StreamCut("c", 0, 1, "StreamCutError", 40),
            "stream cut after 40 characters (StreamCutError)",
        ),
        (events.MalformedEvent("c", 0, 1, 9), "skipped a malformed event of 9 bytes"),
        (
            events.StreamFailed("c", 0, "ServerError", 0, 3),
            "failed after 3 request(s): ServerError",
        ),
    ],
)
def test_sentences_are_as_documented(event, sentence):
    assert str(event) == sentence
