"""`cassette` records and replays calls: both plugins, sync and async, streamed or whole."""

import asyncio
import contextlib
import re
from pathlib import Path

import pytest
from llama_index.core.llms import ChatMessage
from vcr.errors import CannotOverwriteExistingCassetteException

from holysheep_core import ConfigurationError, HolySheepError
from holysheep_core.cassettes import cassette
from holysheep_core.simulator import cut, refuse, reply
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep

KEY = "sk-recorded-0123456789abcdef"
NOBODY = "http://127.0.0.1:9/v1"
GO = [ChatMessage(role="user", content="go")]


def langchain(url, key=KEY):
    return ChatHolySheep(model="gpt-4.1", api_key=key, base_url=url, max_retries=1)


def llamaindex(url, key=KEY):
    return HolySheep(model="gpt-4.1", api_key=key, api_base=url, max_retries=1)


async def achunks(url, key=KEY):
    return [chunk.text async for chunk in langchain(url, key).astream("go")]


async def adeltas(url, key=KEY):
    return [each.delta async for each in await llamaindex(url, key).astream_chat(GO)]


READERS = {
    "invoke": lambda *where: [langchain(*where).invoke("go").text],
    "stream": lambda *where: [chunk.text for chunk in langchain(*where).stream("go")],
    "astream": lambda *where: asyncio.run(achunks(*where)),
    "chat": lambda *where: [llamaindex(*where).chat(GO).message.content],
    "stream_chat": lambda *where: [each.delta for each in llamaindex(*where).stream_chat(GO)],
    "astream_chat": lambda *where: asyncio.run(adeltas(*where)),
}


@pytest.mark.parametrize("reader", READERS)
def test_what_is_recorded_is_played_without_key_and_network(play, text, tmp_path, reader):
    path = tmp_path / "of" / "mine.yaml"
    read = READERS[reader]
    with cassette(path):
        first = read(play(text).base_url)
    with cassette(path, "none") as recorded:
        again = read(NOBODY, "none")
    assert "".join(first) == "".join(again) == text
    assert recorded.play_count == 1


def test_the_key_is_not_in_it(play, tmp_path):
    path = tmp_path / "mine.yaml"
    with cassette(path):
        langchain(play().base_url).invoke("go")
    written = path.read_text(encoding="utf-8")
    assert "gpt-4.1" in written
    assert KEY not in written
    assert "authorization" not in written.lower()


HEADERS = {"X-Token": "hdr/0123456789", "cookie": "crumbs-0123", "x-flag": "1", "x-gone": ""}


@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize("plugin", [ChatHolySheep, HolySheep])
def test_what_the_server_repeats_of_headers_of_your_own_is_not_in_it(
    play, tmp_path, plugin, refused
):
    said = f"{KEY} and hdr/0123456789, crumbs-0123, 1, Bearer {KEY}x"
    raw = f'{{"error": {{"message": "{said}, hdr\\/0123456789"}}}}'  # as PHP writes a slash
    script = play(said, piece=200, faults=[reply(401, raw)] if refused else [])
    path = tmp_path / "mine.yaml"
    given = {"model": "gpt-4.1", "api_key": KEY, "default_headers": HEADERS, "max_retries": 0}
    address = "base_url" if plugin is ChatHolySheep else "api_base"
    llm = plugin(**given, **{address: script.base_url})
    expected = pytest.raises(HolySheepError) if refused else contextlib.nullcontext()
    with cassette(path), expected:
        llm.invoke("go") if plugin is ChatHolySheep else llm.complete("go")
    written = path.read_text(encoding="utf-8")
    assert "***" in written
    assert not re.search(f"{KEY}|hdr|0123456789|crumbs", written)


def test_a_secret_that_holds_another_is_masked_as_a_whole(play, tmp_path):
    longer, path = f"{KEY}-and-more", tmp_path / "mine.yaml"
    script = play(f"You sent {longer}.", piece=200)
    llm = ChatHolySheep(
        model="gpt-4.1", api_key=KEY, base_url=script.base_url, default_headers={"x-key": longer}
    )
    with cassette(path):
        llm.invoke("go")
    assert "and-more" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", ["none", "any", "k", "sheep"])
def test_a_short_key_is_no_reason_to_change_words(play, tmp_path, key):
    said = "none of many sheep know any key, text/event-stream and python-httpx among them"
    path = tmp_path / "mine.yaml"
    url = play(said, piece=200).base_url
    with cassette(path):
        first = READERS["invoke"](url, key)
    with cassette(path, "none"):
        assert READERS["invoke"](NOBODY, key) == first == [said]


def test_an_answer_that_is_no_text_is_recorded_as_it_is(play, tmp_path):
    path = tmp_path / "mine.yaml"
    script = play(faults=[reply(400, b"\xff\xfe no text \x80", {})])
    for url, mode in ((script.base_url, "once"), (NOBODY, "none")):
        with cassette(path, mode), pytest.raises(HolySheepError, match="no text"):
            READERS["invoke"](url)


def test_a_request_that_is_not_in_it_is_refused(play, tmp_path):
    path = tmp_path / "mine.yaml"
    with cassette(path):
        langchain(play().base_url).invoke("go")
    with cassette(path), pytest.raises(CannotOverwriteExistingCassetteException):
        langchain(NOBODY).invoke("go elsewhere")


def test_a_retry_is_played_as_it_was_recorded(play, text, tmp_path):
    path = tmp_path / "mine.yaml"
    with cassette(path):
        assert READERS["stream"](play(text, faults=[refuse(503)]).base_url)
    with cassette(path, "none") as recorded:
        assert "".join(READERS["stream"](NOBODY)) == text
    assert recorded.play_count == 2


def test_a_cut_stream_is_not_recorded_but_asked_for_again(play, text, tmp_path):
    path = tmp_path / "mine.yaml"
    script = play(text, faults=[cut(30, "fin")])
    with cassette(path) as recorded:
        assert "".join(READERS["stream"](script.base_url)) == text
    assert len(script.requests) == 2
    assert len(recorded) == 1


def test_a_lasting_cut_is_a_typed_error_while_recording(play, tmp_path):
    script = play(faults=[cut(30, "fin", times=None)])
    with cassette(tmp_path / "mine.yaml"), pytest.raises(HolySheepError):
        READERS["invoke"](script.base_url)
    assert not Path(tmp_path / "mine.yaml").exists()


def test_without_vcrpy_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "vcr", None)
    with pytest.raises(ConfigurationError, match=r"holysheep\[vcr\]"), cassette(tmp_path / "x"):
        pass
