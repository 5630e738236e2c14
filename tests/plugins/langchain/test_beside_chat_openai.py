"""The same call to ChatOpenAI and to ChatHolySheep: the same request, the same answer.

The cases have the ideas of langchain-openai's own unit tests. Where the two differ, `DIFFERS` says
why, in the words of docs/how-to/messages.md.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Literal, Optional

import pytest
from langchain_core.exceptions import ModelError
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import ConfigurableField
from langchain_core.tools import StructuredTool, tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from holysheep_core.simulator import refuse, reply
from support.models import langchain
from support.sse import END, choice, event, said

PAGE = Path(__file__).parents[3] / "docs/how-to/messages.md"
SSE = {"content-type": "text/event-stream"}


def openai(script, **settings):
    given = {"model": "gpt-4.1", "api_key": "k", "base_url": script.base_url, "max_retries": 0}
    return ChatOpenAI(**{**given, "stream_usage": True, **settings})


def ours(script, **settings):
    return langchain(script, model="gpt-4.1", **settings)


# -- what is sent ---------------------------------------------------------------------------


@tool
def pay(amount: int, to: str = "Dolly") -> str:
    """Pay somebody."""
    return "paid"


def count(sheep: list[str], *, fast: bool = False) -> int:
    """Count sheep.

    Args:
        sheep: Their names.
        fast: Whether to hurry.
    """
    return len(sheep)


class Sheep(BaseModel):
    """A sheep."""

    name: str = Field(description="Its name.")
    age: int | None = None
    wool: Literal["black", "white"] = "white"


class Flock(BaseModel):
    """A flock."""

    sheep: list[Sheep]
    place: Optional[str] = None  # noqa: UP045 - the older form has to work, too


class Lamb(TypedDict):
    """A lamb."""

    name: Annotated[str, ..., "Its name."]
    age: int


JSON_SCHEMA = {
    "title": "Goat",
    "description": "A goat.",
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
}
FUNCTION = {"name": "goat", "description": "A goat.", "parameters": JSON_SCHEMA}
OPENAI_TOOL = {"type": "function", "function": FUNCTION}
ANTHROPIC_TOOL = {"name": "goat", "description": "A goat.", "input_schema": JSON_SCHEMA}
STRUCTURED = StructuredTool.from_function(count)
PROMPT = ChatPromptTemplate.from_messages([("system", "Be {how}."), ("user", "{x}")])
STRICT_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "goat", "schema": JSON_SCHEMA, "strict": True},
}

# name -> (settings of the model, what is asked of it)
REQUESTS = {
    # parameters of the model
    "nothing set": ({}, lambda llm: llm),
    "temperature": ({"temperature": 0.3}, lambda llm: llm),
    "temperature 0": ({"temperature": 0}, lambda llm: llm),
    "top_p": ({"top_p": 0.2}, lambda llm: llm),
    "seed": ({"seed": 7}, lambda llm: llm),
    "max_tokens": ({"max_tokens": 50}, lambda llm: llm),
    "stop, a list": ({"stop": ["x", "y"]}, lambda llm: llm),
    "stop, a string": ({"stop": "x"}, lambda llm: llm),
    "stop_sequences": ({"stop_sequences": ["x"]}, lambda llm: llm),
    "frequency_penalty": ({"frequency_penalty": 0.5}, lambda llm: llm),
    "presence_penalty": ({"presence_penalty": -0.5}, lambda llm: llm),
    "reasoning_effort": ({"reasoning_effort": "low"}, lambda llm: llm),
    "several at once": ({"temperature": 1, "seed": 1, "top_p": 1}, lambda llm: llm),
    # parameters of a call
    "temperature of a call": ({}, lambda llm: llm.bind(temperature=0.9)),
    "temperature of a call and of the model": (
        {"temperature": 0.1},
        lambda llm: llm.bind(temperature=0.9),
    ),
    "stop of a call": ({}, lambda llm: llm.bind(stop=["z"])),
    "stop of a call and of the model": ({"stop": ["x"]}, lambda llm: llm.bind(stop=["z"])),
    "model of a call": ({}, lambda llm: llm.bind(model="gpt-4.1-mini")),
    "user of a call": ({}, lambda llm: llm.bind(user="me")),
    "logit_bias of a call": ({}, lambda llm: llm.bind(logit_bias={"50256": -100})),
    "service_tier of a call": ({}, lambda llm: llm.bind(service_tier="flex")),
    "prediction of a call": (
        {},
        lambda llm: llm.bind(prediction={"type": "content", "content": "x"}),
    ),
    "max_tokens of a call": ({}, lambda llm: llm.bind(max_tokens=9)),
    "max_completion_tokens of a call": ({}, lambda llm: llm.bind(max_completion_tokens=9)),
    "response_format of a call": (
        {},
        lambda llm: llm.bind(response_format={"type": "json_object"}),
    ),
    "a strict response_format": ({}, lambda llm: llm.bind(response_format=STRICT_FORMAT)),
    "a configured field": (
        {},
        lambda llm: llm.configurable_fields(temperature=ConfigurableField(id="heat")).with_config(
            configurable={"heat": 0.4}
        ),
    ),
    "tags and a name": ({}, lambda llm: llm.with_config(tags=["a"], run_name="b")),
    # tools
    "a tool": ({}, lambda llm: llm.bind_tools([pay])),
    "a function": ({}, lambda llm: llm.bind_tools([count])),
    "a structured tool": ({}, lambda llm: llm.bind_tools([STRUCTURED])),
    "a pydantic class": ({}, lambda llm: llm.bind_tools([Sheep])),
    "a nested class": ({}, lambda llm: llm.bind_tools([Flock])),
    "a typed dict": ({}, lambda llm: llm.bind_tools([Lamb])),
    "a tool of OpenAI's form": ({}, lambda llm: llm.bind_tools([OPENAI_TOOL])),
    "a function of OpenAI's form": ({}, lambda llm: llm.bind_tools([FUNCTION])),
    "a tool of Anthropic's form": ({}, lambda llm: llm.bind_tools([ANTHROPIC_TOOL])),
    "a JSON schema": ({}, lambda llm: llm.bind_tools([JSON_SCHEMA])),
    "tools of all kinds": ({}, lambda llm: llm.bind_tools([pay, count, Sheep, Lamb, FUNCTION])),
    "a strict tool": ({}, lambda llm: llm.bind_tools([pay], strict=True)),
    "a strict class": ({}, lambda llm: llm.bind_tools([Sheep], strict=True)),
    "a tool that is not strict": ({}, lambda llm: llm.bind_tools([pay], strict=False)),
    "one call at a time": ({}, lambda llm: llm.bind_tools([pay], parallel_tool_calls=False)),
    **{
        f"tool_choice {given!r}": (
            {},
            lambda llm, given=given: llm.bind_tools([pay, count], tool_choice=given),
        )
        for given in [
            *("auto", "none", "required", "any", "pay", None, False),
            {"type": "function", "function": {"name": "pay"}},
        ]
    },
    "tool_choice True": ({}, lambda llm: llm.bind_tools([pay], tool_choice=True)),
    "tools and a response_format": (
        {},
        lambda llm: llm.bind_tools([pay], response_format=STRICT_FORMAT, strict=True),
    ),
    "bound twice": ({}, lambda llm: llm.bind_tools([pay]).bind(temperature=0.2)),
    # structured output
    **{
        f"{kind} by {method}, strict={strict}": (
            {},
            lambda llm, schema=schema, method=method, strict=strict: llm.with_structured_output(
                schema, method=method, strict=strict, include_raw=True
            ),
        )
        for kind, schema in [
            *(("a class", Sheep), ("a flock", Flock), ("a lamb", Lamb)),
            *(("a schema", JSON_SCHEMA), ("OpenAI's function", FUNCTION)),
        ]
        for method in ("function_calling", "json_schema", "json_mode")
        for strict in (None, True)
        if method != "json_mode" or strict is None
    },
    # chains
    "a prompt": ({}, lambda llm: PROMPT.partial(how="kind") | llm | StrOutputParser()),
}
INPUTS = {
    "a string": "Hello",
    "an empty string": "",
    "a message": [HumanMessage("Hello")],
    "a system message": [SystemMessage("Be kind."), HumanMessage("Hello")],
    "pairs": [("system", "Be kind."), ("human", "Hello")],
    "dicts": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
    "a developer": [{"role": "developer", "content": "Be kind."}, ("user", "Hello")],
    "a conversation": [("user", "Hello"), ("ai", "Hello."), ("user", "On.")],
    "a prompt's value": PROMPT.invoke({"how": "kind", "x": "Hello"}),
    "a call and its result": [
        HumanMessage("Pay."),
        AIMessage("", tool_calls=[{"name": "pay", "args": {"amount": 1}, "id": "c1"}]),
        ToolMessage("paid", tool_call_id="c1"),
    ],
}


def _renamed(theirs):
    theirs["max_tokens"] = theirs.pop("max_completion_tokens")


def _listed(theirs):
    theirs["stop"] = [theirs["stop"]]


def _free(theirs):
    del theirs["parallel_tool_calls"]


def _lenient(theirs):
    del theirs["response_format"]["json_schema"]["strict"]
    _loosen(theirs["response_format"]["json_schema"]["schema"])


def _loosen(schema):
    """Undo what strictness adds: every property required, and no others."""
    if schema.get("type") == "object":
        del schema["additionalProperties"]
        schema["required"] = [n for n in schema["required"] if n in ("name", "sheep")]
    for inner in schema.get("properties", {}).values():
        _loosen(inner)
    if "items" in schema:
        _loosen(schema["items"])


def _as_written(theirs):
    theirs["response_format"]["json_schema"]["name"] = "goat"
    del theirs["response_format"]["json_schema"]["schema"]["additionalProperties"]


LIMIT = "the limit of tokens is sent as `max_tokens`"
FREE = "structured output does not forbid several calls at once"
LENIENT = "a pydantic class is strict only if you say so"
DIFFERS = {
    "max_tokens": (LIMIT, _renamed),
    "max_tokens of a call": (LIMIT, _renamed),
    "stop, a string": ("`stop` is a list", _listed),
    **{name: (FREE, _free) for name in REQUESTS if "by function_calling" in name},
    "a class by json_schema, strict=None": (LENIENT, _lenient),
    "a flock by json_schema, strict=None": (LENIENT, _lenient),
    "tools and a response_format": ("a `response_format` is sent as you wrote it", _as_written),
}
"""Name -> (row of the page, what makes their request ours)."""


def body_of(script):
    """The last request; whether it is streamed is the model's business."""
    body = dict(script.requests[-1].body)
    for name in ("stream", "stream_options"):
        body.pop(name, None)
    if body.get("response_format", {}).get("type") == "json_schema":
        body["response_format"] = json.loads(json.dumps(body["response_format"]))
        given = body["response_format"]["json_schema"]
        given["schema"] = bare(given["schema"])
        for name in ("description", *(() if given.get("strict") else ("strict",))):
            given.pop(name, None)
    return body


def bare(schema, definitions=None):
    """A schema without what says the same in other words: titles, defaults, references."""
    if isinstance(schema, list):
        return [bare(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    definitions = definitions or schema.get("$defs", {})
    if "$ref" in schema:
        return bare(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    left_out = ("title", "default", "description", "$defs")
    found = {k: bare(v, definitions) for k, v in schema.items() if k not in left_out}
    if isinstance(schema.get("properties"), dict):  # whose names may be such words
        found["properties"] = {k: bare(v, definitions) for k, v in schema["properties"].items()}
    return found


@pytest.mark.parametrize("name", REQUESTS)
def test_the_same_is_sent(play, name):
    settings, made = REQUESTS[name]
    sent = []
    for model in (openai, ours):
        script = play(None)
        runnable = made(model(script, **settings))
        runnable.invoke({"x": "Hello"} if name == "a prompt" else "Hello")
        sent.append(body_of(script))
    theirs, own = sent
    if name in DIFFERS:
        assert own != theirs
        DIFFERS[name][1](theirs)
    assert own == theirs


@pytest.mark.parametrize("name", INPUTS)
def test_the_same_messages_are_sent(play, name):
    sent = []
    for model in (openai, ours):
        script = play("Hi.")
        model(script).invoke(INPUTS[name])
        sent.append(body_of(script)["messages"])
    theirs, own = ([_read(message) for message in messages] for messages in sent)
    assert own == theirs


def _read(message):
    """Arguments are compared as values: JSON may have spaces or not."""
    calls = [
        {
            **call,
            "function": {
                **call["function"],
                "arguments": json.loads(call["function"]["arguments"]),
            },
        }
        for call in message.get("tool_calls") or ()
    ]
    return {**message, **({"tool_calls": calls} if calls else {})}


# -- what comes back ------------------------------------------------------------------------

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 7,
    "total_tokens": 17,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def call(arguments, index=0, call_id="c1", name="pay"):
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": call_id, "type": "function", "function": function}


def more(arguments, index=0):
    return {"index": index, "function": {"arguments": arguments}}


def ended(reason):
    return choice({}, finish_reason=reason)


TWO = [call('{"amount": 1}'), call('{"amount": 2}', 1, "c2")]
ANSWERS = {
    "text": [said("Two "), said("sheep."), END],
    "no words": [said(""), choice({"content": None}), said("x"), END],
    "white space": [said("\n  x \n"), END],
    "Korean and emoji": [said("양 "), said("두 마리 🐑"), END],
    "a limit": [said("Two she"), ended("length")],
    "a filter": [said("Two"), ended("content_filter")],
    "a call": [choice({"tool_calls": [call('{"amount": 1}')]}), ended("tool_calls")],
    "a call in pieces": [
        choice({"tool_calls": [call("")]}),
        *(choice({"tool_calls": [more(each)]}) for each in ('{"am', 'ount"', ": 1}")),
        ended("tool_calls"),
    ],
    "two calls": [choice({"tool_calls": TWO}), ended("tool_calls")],
    "two calls, one after the other": [
        *(choice({"tool_calls": [each]}) for each in TWO),
        ended("tool_calls"),
    ],
    "text and a call": [
        said("I pay."),
        choice({"tool_calls": [call('{"amount": 1}')]}),
        ended("tool_calls"),
    ],
    "a call without arguments": [
        choice({"tool_calls": [call("{}", name="rest")]}),
        ended("tool_calls"),
    ],
    "arguments that nest": [
        choice({"tool_calls": [call('{"amount": 1, "to": {"name": ["돌리"]}}')]}),
        ended("tool_calls"),
    ],
    "usage": [said("x"), ended("stop"), event(choices=[], usage=USAGE)],
    "usage without details": [
        said("x"),
        ended("stop"),
        event(choices=[], usage={k: USAGE[k] for k in list(USAGE)[:3]}),
    ],
    "a fingerprint": [
        event(
            id="chatcmpl-1",
            model="gpt-4.1-2025",
            system_fingerprint="fp_1",
            choices=[{"index": 0, "delta": delta, "finish_reason": reason}],
        )
        for delta, reason in (({"content": "x"}, None), ({}, "stop"))
    ],
    "an empty first event": [choice({"role": "assistant", "content": ""}), said("x"), END],
}


def told(message):
    """What a program reads of an answer."""
    usage = message.usage_metadata or {}
    details = {**usage.get("input_token_details", {}), **usage.get("output_token_details", {})}
    names = ("finish_reason", "system_fingerprint")
    return {
        "text": message.text,
        "tool_calls": message.tool_calls,
        "invalid_tool_calls": message.invalid_tool_calls,
        "usage": {k: v for k, v in usage.items() if isinstance(v, int)},
        "details": {name: number for name, number in details.items() if number},
        **{name: message.response_metadata.get(name) for name in names},
        "blocks": [block["type"] for block in message.content_blocks if block["type"] != "refusal"],
    }


def streamed(llm):
    chunks = list(llm.stream("Hello"))
    return sum(chunks[1:], chunks[0])


def astreamed(llm):
    async def ask():
        return [chunk async for chunk in llm.astream("Hello")]

    chunks = asyncio.run(ask())
    return sum(chunks[1:], chunks[0])


@pytest.mark.parametrize("way", [streamed, astreamed])
@pytest.mark.parametrize("name", ANSWERS)
def test_the_same_answer_is_read(play, name, way):
    body = b"".join(ANSWERS[name])
    found = []
    for model in (openai, ours):
        script = play("", faults=[reply(200, body, SSE, times=None)])
        found.append(
            told(way(model(script, fallback_models=[]) if model is ours else model(script)))
        )
    theirs, own = found
    if "usage" not in name:  # what a server does not say is estimated here
        theirs.pop("usage"), own.pop("usage")
    assert own == theirs


ERRORS = [400, 401, 403, 404, 429, 500, 503]


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize("way", [lambda llm: llm.invoke("Hello"), streamed, astreamed])
def test_an_error_is_of_the_same_langchain_class(play, status, way):
    found = []
    for model in (openai, ours):
        script = play("x", faults=[refuse(status, times=None)])
        with pytest.raises(ModelError) as caught:
            way(
                model(script, fallback_models=[], max_retries=0) if model is ours else model(script)
            )
        kinds = {
            cls for cls in type(caught.value).__mro__ if cls.__module__ == ModelError.__module__
        }
        found.append({cls.__name__ for cls in kinds} - {"ModelError", "LangChainException"})
    theirs, own = found
    assert theirs == own


# -- what a program asks the model itself ---------------------------------------------------

ASKED = {
    "the name": lambda llm: llm.model_name,
    "the type of a trace": lambda llm: llm._get_ls_params()["ls_model_type"],
    "the model of a trace": lambda llm: llm._get_ls_params()["ls_model_name"],
    "the model of a call's trace": lambda llm: llm._get_ls_params(model="x")["ls_model_name"],
    "the temperature of a trace": lambda llm: llm._get_ls_params().get("ls_temperature"),
    "the limit of a trace": lambda llm: llm._get_ls_params().get("ls_max_tokens"),
    "the stops of a trace": lambda llm: llm._get_ls_params(stop=["x"])["ls_stop"],
    "whether it is serializable": lambda llm: llm.is_lc_serializable(),
    "whether its key is in its text": lambda llm: "sk-secret" in repr(llm) + str(llm),
    "whether its key is in its dump": lambda llm: "sk-secret" in dumps(llm),
    "its input's type": lambda llm: llm.get_input_schema().__name__.replace("OpenAI", "HolySheep"),
    "its output's type": lambda llm: llm.OutputType,
    "what a copy is": lambda llm: llm.model_copy(update={"temperature": 0.9}).temperature,
    "bound tools": lambda llm: llm.bind_tools([pay]).kwargs["tools"],
    "a bound choice": lambda llm: llm.bind_tools([pay], tool_choice="any").kwargs["tool_choice"],
    "a bound stop": lambda llm: llm.bind(stop=["x"]).kwargs["stop"],
}


@pytest.mark.parametrize("name", ASKED)
def test_the_model_says_the_same_of_itself(play, name):
    settings = {"api_key": "sk-secret", "temperature": 0.4, "max_tokens": 9}
    script = play("x")
    assert ASKED[name](ours(script, **settings)) == ASKED[name](openai(script, **settings))


def test_a_streamed_refusal_is_kept(play):
    """ChatOpenAI's stream leaves it out."""
    body = choice({"refusal": "I may "}) + choice({"refusal": "not."}) + END
    script = play("", faults=[reply(200, body, SSE, times=None)])
    assert streamed(ours(script)).additional_kwargs["refusal"] == "I may not."
    assert "refusal" not in streamed(openai(script)).additional_kwargs


def test_there_are_many_cases_and_each_difference_is_on_the_page():
    cases = len(REQUESTS) + len(INPUTS) + 2 * len(ANSWERS) + 3 * len(ERRORS) + len(ASKED)
    assert cases >= 120
    page = PAGE.read_text(encoding="utf-8")
    for reason, _ in DIFFERS.values():
        assert f"| {reason} |" in page
