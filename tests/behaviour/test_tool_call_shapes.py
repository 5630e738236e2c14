"""Tool calls in the shapes that real servers stream them, to every client of ours, sync and async."""

import asyncio
import json

import msgspec
import pytest
from langchain_core.exceptions import OutputParserException
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

import holysheep_core as core
from holysheep_core.simulator import cut, reply
from support.calls import ASK, MODEL, handler
from support.models import GO, langchain, llamaindex
from support.sse import DONE, choice, event, said

EVENTS = {"content-type": "text/event-stream"}
END = choice({}, finish_reason="tool_calls") + DONE
X, Y = '{"x":"Seoul"}', '{"x":"Busan"}'


def offer(name, *required):
    parameters = {"type": "object", "properties": {"x": {"type": "string"}}, "required": required}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TOOLS = [offer("get_weather"), offer("get_time"), offer("pay", "x")]


def piece(index=0, id="", name="", arguments=""):  # noqa: A002 - the wire's name
    entry = {"index": index, "id": id, "function": {"name": name, "arguments": arguments}}
    return choice({"tool_calls": [{k: v for k, v in entry.items() if v is not None}]})


def pieces(arguments, index=0, ids=("",), name=""):
    """The arguments in deltas of one character."""
    return b"".join(
        piece(index, ids[at % len(ids)], name, each) for at, each in enumerate(arguments)
    )


def playing(play, *answers):
    """A script that gives these bodies, the last one for good."""
    *first, last = [body if isinstance(body, tuple) else (body, EVENTS) for body in answers]
    faults = [reply(200, *each) for each in first]
    return play("never", faults=[*faults, reply(200, *last, times=None)])


# -- every way to ask; each returns (id, name, arguments) of the calls --------------------------


def of_core(completion):
    decode = msgspec.json.decode
    return [(call.id, call.name, decode(call.arguments)) for call in completion.tool_calls]


def of_langchain(message):
    assert message.invalid_tool_calls == []
    return [(call["id"], call["name"], call["args"]) for call in message.tool_calls]


def of_llamaindex(llm, response):
    calls = llm.get_tool_calls_from_response(response, error_on_no_tool_call=False)
    return [(call.tool_id, call.tool_name, call.tool_kwargs) for call in calls]


def ask_handler(script):
    with handler(script) as client:
        return of_core(client.complete(MODEL, ASK, tools=TOOLS))


def ask_handler_async(script):
    async def run():
        async with handler(script) as client:
            return of_core(await client.acomplete(MODEL, ASK, tools=TOOLS))

    return asyncio.run(run())


def langchain_message(script):
    chunks = list(langchain(script).stream("go", tools=TOOLS))
    return sum(chunks[1:], chunks[0])


def langchain_message_async(script):
    async def run():
        chunks = [chunk async for chunk in langchain(script).astream("go", tools=TOOLS)]
        return sum(chunks[1:], chunks[0])

    return asyncio.run(run())


def langchain_invoked(script):
    return langchain(script).invoke("go", tools=TOOLS)


def langchain_invoked_async(script):
    return asyncio.run(langchain(script).ainvoke("go", tools=TOOLS))


def ask_llamaindex(script):
    llm = llamaindex(script)
    *_, last = llm.stream_chat(GO, tools=TOOLS)
    return of_llamaindex(llm, last)


def ask_llamaindex_async(script):
    llm = llamaindex(script)
    return of_llamaindex(llm, asyncio.run(llm.achat(GO, tools=TOOLS)))


MESSAGES = (
    langchain_message,
    langchain_message_async,
    langchain_invoked,
    langchain_invoked_async,
)
WAYS = {
    "handler": ask_handler,
    "handler async": ask_handler_async,
    **{ask.__name__: (lambda script, ask=ask: of_langchain(ask(script))) for ask in MESSAGES},
    "llamaindex": ask_llamaindex,
    "llamaindex async": ask_llamaindex_async,
}
every_way = pytest.mark.parametrize("ask", WAYS.values(), ids=WAYS)
RAISING = [ask_handler, ask_handler_async, ask_llamaindex, ask_llamaindex_async]


# -- what is one call, and what are two -------------------------------------------------------

TWO = [("get_weather", {"x": "Seoul"}), ("get_weather", {"x": "Busan"})]
ONE = TWO[:1]


def two(indices, ids, arguments=(X, Y)):
    opened = zip(indices, ids, arguments, strict=True)
    return b"".join(
        piece(index, call_id, "get_weather") + pieces(text, index, (call_id,))
        for index, call_id, text in opened
    )


def whole(*entries):
    message = {"role": "assistant", "tool_calls": list(entries)}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    return json.dumps(body), {"content-type": "application/json"}


def entry(arguments, **more):
    return {"type": "function", "function": {"name": "get_weather", "arguments": arguments}, **more}


SHAPES = {
    "index 0 for all, no ids": (two((0, 0), ("", "")) + END, TWO),
    "index 0 for all, ids": (two((0, 0), ("a", "b")) + END, TWO),
    "one id at two indices": (two((0, 1), ("a", "a")) + END, TWO),
    "indices as text": (two(("0", "1"), ("a", "b")) + END, TWO),
    "indices as floats": (two((0.0, 1.0), ("", "")) + END, TWO),
    "no index": (two((None, None), ("a", "b")) + END, TWO),
    "no index, no ids": (two((None, None), (None, None)) + END, TWO),
    "whole calls at index 0": (
        piece(0, "", "get_weather", X) + piece(0, "", "get_weather", Y) + END,
        TWO,
    ),
    "a new id in each delta": (
        piece(0, "id", "get_weather") + pieces(X, 0, [f"id{at}" for at in range(50)]) + END,
        ONE,
    ),
    "the name in each delta": (pieces(X, 0, ("a",), "get_weather") + END, ONE),
    "the name in pieces": (
        b"".join(piece(0, "a", each) for each in "get_weather") + pieces(X) + END,
        ONE,
    ),
    "an index for each delta": (
        piece(0, "a", "get_weather")
        + b"".join(piece(at, None, None, each) for at, each in enumerate(X, 1))
        + END,
        ONE,
    ),
    "the whole call again at the end": (
        piece(0, "a", "get_weather") + pieces(X) + piece(0, "a", "get_weather", X) + END,
        ONE,
    ),
    "gaps and ghosts": (
        piece(0) + piece(2, "a", "get_weather") + pieces(X, 2) + piece(3, "g") + END,
        ONE,
    ),
    "ids as numbers": (piece(0, 1, "get_weather") + pieces(X, 0, (1,)) + END, ONE),
    "arguments as an object": (piece(0, "a", "get_weather", {"x": "Seoul"}) + END, ONE),
    "arguments encoded twice": (
        piece(0, "a", "get_weather") + pieces(json.dumps(X)) + END,
        ONE,
    ),
    "arguments that begin with {}": (piece(0, "a", "get_weather", "{}") + pieces(X) + END, ONE),
    "a raw newline": (
        piece(0, "a", "get_weather") + pieces('{"x":"a\nb\tc"}') + END,
        [("get_weather", {"x": "a\nb\tc"})],
    ),
    "null": (piece(0, "a", "get_time", "null") + END, [("get_time", {})]),
    "nothing": (piece(0, "a", "get_time") + END, [("get_time", {})]),
    "the legacy form": (
        choice({"function_call": {"name": "get_weather", "arguments": ""}})
        + b"".join(choice({"function_call": {"arguments": each}}) for each in X)
        + choice({}, finish_reason="function_call")
        + DONE,
        ONE,
    ),
    "no arguments as PHP writes them": (
        piece(0, "a", "get_time", "[]") + piece(1, "b", "get_time", []) + END,
        [("get_time", {}), ("get_time", {})],
    ),
    "nothing behind the arguments": (
        piece(0, "a", "get_weather") + pieces(X) + piece(0, None, None, "{}") + END,
        ONE,
    ),
    "nothing behind the arguments, with id and name": (
        piece(0, "a", "get_weather", X) + piece(0, "a", "get_weather", {}) + END,
        ONE,
    ),
    "the arguments before the name": (
        piece(0, "a", None, X[:4]) + piece(0, None, "get_weather", X[4:]) + END,
        ONE,
    ),
    "the arguments before the name, without an index": (
        piece(None, "a", None, X[:4]) + piece(None, "a", "get_weather", X[4:]) + END,
        ONE,
    ),
    "all arguments so far in each delta": (
        b"".join(piece(0, "a", "get_weather", X[:end]) for end in range(1, len(X) + 1)) + END,
        ONE,
    ),
    "arguments called parameters": (
        choice(
            {
                "tool_calls": [
                    {"id": "a", "function": {"name": "get_weather", "parameters": json.loads(X)}}
                ]
            }
        )
        + END,
        ONE,
    ),
    "no function around it": (
        choice({"tool_calls": [{"name": "get_weather", "arguments": {"x": "Seoul"}}]}) + END,
        ONE,
    ),
    "calls as an object": (choice({"tool_calls": {"0": entry(X, id="a")}}) + END, ONE),
    "a null beside it": (choice({"tool_calls": [None, entry(X, id="a")]}) + END, ONE),
    "a name with a newline": (piece(0, "a", "get_weather\n", X) + END, ONE),
    "the calls in a message at the end": (
        piece(0, "a", "get_weather")
        + pieces(X)
        + event(choices=[{"message": {"tool_calls": [entry(X)]}, "finish_reason": "tool_calls"}])
        + DONE,
        ONE,
    ),
    "in a chunk with the reason": (
        choice({"tool_calls": [entry(X, id="a"), entry(Y, id="b")]}, finish_reason="tool_calls")
        + DONE,
        TWO,
    ),
    "a second choice of a whole answer": (
        (
            json.dumps(
                {
                    "choices": [
                        {"message": {"content": ""}, "finish_reason": "tool_calls"},
                        {"message": {"tool_calls": [entry(X, id="a")]}},
                    ]
                }
            ),
            {"content-type": "application/json"},
        ),
        ONE,
    ),
    "a whole answer": (whole(entry(X, id="a"), entry(Y, id="a")), TWO),
    "a whole answer with objects": (whole(entry({"x": "Seoul"}), entry({"x": "Busan"})), TWO),
}


@every_way
@pytest.mark.parametrize("shape", SHAPES)
def test_calls_come_out_as_the_model_made_them(play, ask, shape):
    body, expected = SHAPES[shape]
    script = playing(play, body)
    found = ask(script)
    assert [call[1:] for call in found] == expected
    ids = [call[0] for call in found]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    assert len(script.requests) == 1


def test_ids_differ_from_answer_to_answer_and_from_those_of_the_conversation(play):
    body = piece(0, "", "get_time", "{}") + piece(1, "fixed", "get_time", "{}") + END
    llm, said_so_far, ids = langchain(playing(play, body)), [HumanMessage("go")], []
    for _ in range(4):
        message = llm.invoke(said_so_far, tools=TOOLS)
        new = [call["id"] for call in message.tool_calls]
        ids += new
        said_so_far += [message, *(ToolMessage("12:00", tool_call_id=each) for each in new)]
    assert len(set(ids)) == 8
    assert ids[1] == "fixed"


GHOST = piece(0) + piece(1, "g")


@every_way
def test_an_answer_of_ghosts_alone_is_asked_for_again(play, ask):
    script = playing(play, GHOST + END, piece(0, "a", "get_weather", X) + END)
    assert [call[1:] for call in ask(script)] == ONE
    assert len(script.requests) == 2


@every_way
def test_ghosts_beside_text_are_no_harm(play, ask):
    script = playing(play, said("Hello.") + GHOST + choice({}, finish_reason="stop") + DONE)
    assert ask(script) == []
    assert len(script.requests) == 1


# -- half calls ---------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize("ending", [DONE, b"", choice({}, finish_reason=None) + DONE])
def test_a_name_alone_before_a_cut_is_never_a_call_with_nothing(play, ask, ending):
    opened = piece(0, "a", "get_weather")
    script = playing(play, opened + ending, opened + pieces(X) + END)
    assert [call[1:] for call in ask(script)] == ONE
    assert len(script.requests) == 2


@every_way
def test_a_name_alone_at_the_token_limit_is_an_error(play, ask):
    limited = choice({}, finish_reason="length") + DONE
    script = playing(play, piece(0, "a", "get_time") + limited)
    with pytest.raises(core.TokenLimitError):
        ask(script)
    assert len(script.requests) == 1


# -- calls that the model itself ended badly ----------------------------------------------------

BAD = ['{"x": "Seo', "{'x': 1}", "go to Seoul", '{"x":"a"}}', "", '{"x": nul']


def badly(arguments):
    return piece(0, "a", "pay") + pieces(arguments) + END


@every_way
@pytest.mark.parametrize("arguments", BAD)
def test_a_call_that_the_model_ended_badly_is_asked_for_once_more(play, ask, arguments):
    script = playing(play, badly(arguments), piece(0, "b", "pay") + pieces(X) + END)
    assert ask(script) == [("b", "pay", {"x": "Seoul"})]
    assert [request.body["model"] for request in script.requests] == [MODEL, MODEL]


@pytest.mark.parametrize("ask", RAISING)
@pytest.mark.parametrize("arguments", BAD)
def test_the_second_time_it_is_an_error_with_the_arguments(play, ask, arguments):
    script = playing(play, badly(arguments))
    with pytest.raises(core.InvalidToolCallError) as caught:
        ask(script)
    assert repr(arguments) in str(caught.value)
    (call,) = caught.value.invalid_tool_calls
    assert (call.name, call.arguments) == ("pay", arguments)
    assert len(script.requests) == len(caught.value.attempts) == 2
    assert {request.body["model"] for request in script.requests} == {MODEL}


@pytest.mark.parametrize("ask", MESSAGES)
@pytest.mark.parametrize("arguments", BAD)
def test_the_second_time_langchain_has_it_as_an_invalid_call(play, ask, arguments):
    good = piece(1, "b", "get_weather") + pieces(X, 1)
    script = playing(play, piece(0, "a", "pay") + pieces(arguments) + good + END)
    message = ask(script)
    (call,) = message.invalid_tool_calls
    assert (call["id"], call["name"]) == ("a", "pay")
    # LangChain completes half JSON in chunks: such arguments are handed over as a string in JSON.
    assert arguments in (call["args"], call["args"] and _decoded(call["args"]))
    assert [(each["name"], each["args"]) for each in message.tool_calls] == ONE
    assert message.response_metadata["finish_reason"] == "tool_calls"
    assert message.usage_metadata["total_tokens"] > 0
    assert len(script.requests) == len(message.response_metadata["resilience"]["attempts"]) == 2


def _decoded(text):
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


def test_an_invalid_call_can_be_sent_back(play):
    message = langchain_message(playing(play, badly('{"x": "Seo')))
    script = play("Sorry.")
    call_id = message.invalid_tool_calls[0]["id"]
    told = [HumanMessage("go"), message, ToolMessage("no JSON", tool_call_id=call_id)]
    assert langchain(script).invoke(told).text == "Sorry."
    (sent,) = script.requests[0].body["messages"][1]["tool_calls"]
    assert (sent["id"], sent["function"]["name"]) == (call_id, "pay")


@pytest.mark.parametrize(
    "words", ["Let me look. ", "I look at the weather, and then I pay, as you asked."]
)
def test_words_before_a_bad_call_do_not_make_it_asked_for_more_often(play, words):
    script = playing(play, said(words) + badly("{no"))
    with pytest.raises(core.InvalidToolCallError):
        ask_handler(script)
    assert len(script.requests) == 2


def test_a_bad_call_is_no_cut_and_a_cut_in_mid_call_still_is_one(play):
    kinds = []
    with handler(playing(play, badly("{no"))) as client, pytest.raises(core.InvalidToolCallError):
        client.complete(MODEL, ASK, tools=TOOLS, on_event=lambda event: kinds.append(type(event)))
    assert core.events.StreamCut not in kinds
    script = play("", tool_calls=[("pay", X)], faults=[cut(5, "eof"), cut(5, "eof"), cut(5, "eof")])
    assert [call[1:] for call in ask_handler(script)] == [("pay", {"x": "Seoul"})]
    assert len(script.requests) == 4


class Pay(BaseModel):
    """Pay."""

    x: str


@pytest.mark.parametrize("schema", [Pay, Pay.model_json_schema()])
def test_structured_output_of_a_bad_call_is_an_error_and_not_none(play, schema):
    script = playing(play, piece(0, "a", "Pay") + pieces("{no") + END)
    chain = langchain(script).with_structured_output(schema)
    with pytest.raises(OutputParserException, match="no JSON"):
        chain.invoke("go")
    with pytest.raises(OutputParserException, match="no JSON"):
        list(chain.stream("go"))
    both = langchain(script).with_structured_output(schema, include_raw=True).invoke("go")
    assert (both["parsed"], type(both["parsing_error"])) == (None, OutputParserException)
    assert isinstance(both["raw"], AIMessage)
