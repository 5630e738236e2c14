"""Start, resume or follow an answer: the text at once, and the request for the rest."""

import asyncio
import threading
import time

import pytest

from holysheep_core import (
    AnswerInUseError,
    ChatRequest,
    ConfigurationError,
    Journal,
    JournalError,
    StreamCutError,
)
from holysheep_core.journal import opening
from holysheep_core.journal.opening import Opening, ReaderPosition
from holysheep_core.types import Completion, Delta, ToolCall, Usage

REQUEST = ChatRequest("gpt-4.1", [{"role": "user", "content": "go"}], call_id="a")
CALLS = (ToolCall("t", "count", "{}"),)
WHOLE = Completion("one two", "stop", "m", "m", "p", Usage(1, 2), (), "Hm.", CALLS)
START = ReaderPosition()


@pytest.fixture
def journal(tmp_path):
    return Journal(f"sqlite:///{tmp_path}/answers.db", lease=0.2)


class Source:
    """A call that has received these pieces."""

    def __init__(self, *texts, reasoning=()):
        self.pieces = list(texts), list(reasoning)

    def pieces_since(self, texts, reasonings):
        return self.pieces[0][texts:], self.pieces[1][reasonings:]

    def stop(self, error):
        raise error


def write(journal, *texts, reasoning=(), ending=None):
    """Write an answer "a" to a journal; a process that received it has failed, or finished it."""
    entry, source = opening.begin(journal, REQUEST).entry, Source()
    entry.watch(source)
    source.pieces = list(texts), list(reasoning)
    entry.flush()
    if ending is None:
        entry.fail(StreamCutError("cut"))
    else:
        entry.finish(ending)


# -- a reader's position --------------------------------------------------------------------


def test_a_position_is_given_as_an_offset_or_as_the_text():
    assert ReaderPosition.of(3, None) == ReaderPosition(3)
    assert ReaderPosition.of(0, "one") == ReaderPosition(3, "one")


@pytest.mark.parametrize(("offset", "seen"), [(-1, None), (1.5, None), (3, "one")])
def test_a_position_that_cannot_be_is_refused(offset, seen):
    with pytest.raises(ConfigurationError, match="offset"):
        ReaderPosition.of(offset, seen)


def test_a_reader_who_has_more_than_the_journal_has_to_say_what():
    assert ReaderPosition(3).beyond("one two") == ""
    assert ReaderPosition.of(0, "one two").beyond("one ") == "two"
    with pytest.raises(JournalError, match="has 7 characters and the journal 4"):
        ReaderPosition(7).beyond("one ")


@pytest.mark.parametrize("ask", [ReaderPosition.beyond, ReaderPosition.offset])
def test_a_reader_who_has_another_text_is_refused(ask):
    with pytest.raises(JournalError, match="not the beginning of this answer"):
        ask(ReaderPosition.of(0, "uno dos"), "one ")


# -- starting -------------------------------------------------------------------------------


def test_with_a_journal_an_answer_is_begun_under_its_name(journal):
    made = opening.begin(journal, REQUEST)
    assert made == Opening(REQUEST, entry=made.entry)
    assert journal.read("a").state == "open"


def test_where_a_journal_is_needed_its_lack_is_named():
    with pytest.raises(ConfigurationError, match="journal='sqlite"):
        opening.required(None)


# -- resuming -------------------------------------------------------------------------------


def test_a_cut_answer_is_given_as_far_as_it_goes_and_written_on(journal):
    write(journal, "one ", "two", reasoning=["Hm."])
    made = opening.resume(journal, "a", START)
    assert made.given == (Delta("one two", "Hm."),)
    assert (made.text, made.reasoning, made.whole) == ("one two", "Hm.", False)
    assert made.request == REQUEST
    made.entry.add(" three")
    assert journal.read("a").pieces == [("one two", "Hm."), (" three", "")]


@pytest.mark.parametrize(
    ("seen", "given"),
    [
        (ReaderPosition(4), (Delta("two"),)),
        (ReaderPosition(7), ()),
        (ReaderPosition.of(0, "one "), (Delta("two"),)),
    ],
)
def test_a_reader_gets_what_it_has_not_seen(journal, seen, given):
    write(journal, "one two", reasoning=["Hm."])
    assert opening.resume(journal, "a", seen).given == given


def test_text_that_only_the_reader_has_is_written_to_the_journal(journal):
    write(journal, "one ")
    made = opening.resume(journal, "a", ReaderPosition.of(0, "one two"))
    assert (made.given, made.text) == ((), "one two")
    assert journal.read("a").pieces == [("one ", ""), ("two", "")]


def test_an_answer_that_is_done_is_given_whole_and_not_asked_for(journal):
    write(journal, "one two", ending=WHOLE)
    made = opening.resume(journal, "a", START)
    assert made.given == (Delta("one two", "Hm."), Delta(tool_calls=CALLS), WHOLE)
    assert (made.whole, made.entry) == (True, None)
    assert opening.resume(journal, "a", ReaderPosition(4)).given[0] == Delta("two")


def test_an_answer_that_could_not_be_resumed_can_be_tried_again(journal):
    write(journal, "one ")
    with pytest.raises(JournalError):
        opening.resume(journal, "a", ReaderPosition(99))
    assert journal.unfinished() == ["a"]
    assert opening.resume(journal, "a", START).text == "one "


async def test_an_answer_that_somebody_writes_is_in_use(journal, monkeypatch):
    monkeypatch.setattr(journal, "take_over", lambda _: None)
    monkeypatch.setattr(opening.time, "monotonic", iter(range(0, 99, 1)).__next__)
    with pytest.raises(AnswerInUseError, match="'a'"):
        opening.resume(journal, "a", START)
    with pytest.raises(AnswerInUseError, match="'a'"):
        await opening.aresume(journal, "a", START)


# -- asyncio --------------------------------------------------------------------------------


async def test_async_calls_start_and_resume_alike(journal):
    made = await opening.abegin(journal, REQUEST)
    made.entry.add("one ")
    await made.entry.afail(None)
    assert (await opening.aresume(journal, "a", START)).given == (Delta("one "),)


@pytest.mark.parametrize("moment", ["before", "after", "when it has started"])
async def test_a_task_cancelled_while_it_starts_leaves_no_answer_open(journal, monkeypatch, moment):
    reached, released = threading.Event(), threading.Event()
    begin = Journal.begin

    def slow(*args):
        entry = None if moment == "before" else begin(*args)
        reached.set()
        released.wait(5)
        return entry or begin(*args)

    monkeypatch.setattr(Journal, "begin", slow)
    task = asyncio.create_task(opening.abegin(journal, REQUEST))
    await asyncio.to_thread(reached.wait, 5)
    if moment == "when it has started":
        released.set()
        time.sleep(0.1)  # noqa: ASYNC251 - the event loop must not see the result yet
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    released.set()
    for _ in range(500):
        kept = journal.store.read("a", 0)
        if kept is not None and kept.state == "failed":
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the answer is still open")


# -- following ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offset", "texts"), [(0, ["one ", "two"]), (2, ["e ", "two"]), (5, ["wo"])]
)
async def test_a_follower_gets_the_text_beyond_its_offset(journal, offset, texts):
    entry, source = opening.begin(journal, REQUEST).entry, Source()
    entry.watch(source)
    for text in ("one ", "two"):
        source.pieces[0].append(text)
        entry.flush()
    entry.finish(WHOLE)
    *deltas, whole = opening.follow(journal, "a", offset)
    assert "".join(delta.text for delta in deltas) == "".join(texts)
    assert whole == WHOLE
    assert [each async for each in opening.afollow(journal, "a", offset)] == [*deltas, whole]


async def test_a_follower_of_an_answer_that_failed_gets_what_there_is_and_the_error(journal):
    write(journal, "one ")
    got = []
    with pytest.raises(JournalError, match="StreamCutError: cut"):
        for delta in opening.follow(journal, "a", 0):
            got.append(delta.text)
    with pytest.raises(JournalError, match="StreamCutError: cut"):
        async for delta in opening.afollow(journal, "a", 0):
            got.append(delta.text)
    assert got == ["one ", "one "]
