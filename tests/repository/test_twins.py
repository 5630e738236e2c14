"""The code for threads and the code for asyncio are equal except for `async` and `await`.

Each async twin is stripped of `async`, `await` and its `a` prefixes and compared with the sync one.
What differs on purpose stands in `DIFFERENCES`, with its reason; a difference that is gone must leave
the list.
"""

import ast
import difflib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "shared/holysheep_core"

PAIRS = {
    # name of the pair: file, sync twin, file, async twin
    "driver: run": ("client/sync_driver.py", "run", "client/async_driver.py", "run"),
    "driver: prepare": (
        "client/sync_driver.py",
        "_prepare",
        "client/async_driver.py",
        "_prepare",
    ),
    "driver: send": ("client/sync_driver.py", "_send", "client/async_driver.py", "_send"),
    "driver: open": ("client/sync_driver.py", "_open", "client/async_driver.py", "_open"),
    "race: opened": ("client/race.py", "Runner.opened", "client/async_race.py", "Runner.opened"),
    "race": ("client/race.py", "race", "client/async_race.py", "race"),
    "Calls.run": ("client/calls.py", "Calls.run", "client/calls.py", "Calls.arun"),
    "Admission.enter": ("limits/admission.py", "Admission.enter", None, "Admission.aenter"),
    "RateLimiter.enter": ("limits/limiter.py", "RateLimiter.enter", None, "RateLimiter.aenter"),
    "execute: call": ("gateway/execute.py", "_FallbackRun.call", None, "_FallbackRun.acall"),
    "execute: stream": ("gateway/execute.py", "_FallbackRun.stream", None, "_FallbackRun.astream"),
    "opening: follow": ("journal/opening.py", "follow", None, "afollow"),
    **{
        f"handler: {name}": (
            "client/handler.py",
            f"StreamingRetryHandler.{name}",
            None,
            f"StreamingRetryHandler.a{name}",
        )
        for name in ("stream_with_retry", "complete", "resume", "follow")
    },
    **{
        f"requests: {name}": ("client/requests.py", f"Requests.{name}", None, f"Requests.a{name}")
        for name in ("stream", "stream_again", "collect", "close")
    },
    "detached: take_up": ("client/detached.py", "Detached.take_up", None, "Detached.atake_up"),
    "sse: response": ("client/sse.py", "sse_response", None, "asse_response"),
    "sse: body": ("client/sse.py", "_body", None, "_abody"),
    "sse: failure": ("client/sse.py", "_failure", None, "_afailure"),
    "handler: texts": ("client/handler.py", "_texts", None, "_atexts"),
    **{
        f"LangChain: {name}": (
            "../../langchain_holysheep/chat_models.py",
            f"ChatHolySheep.{name}",
            None,
            f"ChatHolySheep.{name.replace('_', '_a', 1) if name[0] == '_' else 'a' + name}",
        )
        for name in ("_stream", "_generate", "_generate_with_cache")
    },
    **{
        f"LangChain: {name}": (
            "../../langchain_holysheep/stored_answers.py",
            f"StoredAnswers.{name}",
            None,
            f"StoredAnswers.{name.replace('_', '_a', 1) if name[0] == '_' else 'a' + name}",
        )
        for name in (
            *("start", "follow_stream", "resume_stream", "stop_answer", "answer_status"),
            "_messages",
        )
    },
    **{
        f"LangChain: {name}": (
            "../../langchain_holysheep/requests.py",
            f"Requests.{name}",
            None,
            f"Requests.a{name}",
        )
        for name in ("invoke", "stream")
    },
    "LangChain: bound start": (
        "../../langchain_holysheep/bound.py",
        "BoundModel.start",
        None,
        "BoundModel.astart",
    ),
    "LangChain: chunks": ("../../langchain_holysheep/streams.py", "chunks_of", None, "achunks_of"),
    **{
        f"LlamaIndex: {name}": (
            "../../llamaindex_holysheep/calls.py",
            f"Call.{name}",
            None,
            f"Call.a{name}" if name[0] != "_" else f"Call._a{name[1:]}",
        )
        for name in ("chat", "complete", "stream_chat", "stream_complete", "start_chat", "_answer")
    },
    **{
        f"LlamaIndex: {name}": (
            "../../llamaindex_holysheep/stored_answers.py",
            f"StoredAnswers.{name}",
            None,
            f"StoredAnswers.a{name}",
        )
        for name in (
            *("start_chat", "follow_stream_chat", "resume_stream_chat"),
            *("stop_answer", "answer_status"),
        )
    },
    "LlamaIndex: grow": ("../../llamaindex_holysheep/calls.py", "grow", None, "agrow"),
    "LlamaIndex: closing": (
        "../../llamaindex_holysheep/closing.py",
        "closing_all",
        None,
        "aclosing_all",
    ),
}

ASYNC_NAMES = {
    "AsyncGenerator": "Generator",
    "AsyncIterator": "Iterator",
    "AsyncClient": "Client",
    "AsyncListeners": "Listeners",
    "AsyncStream": "Stream",
    "for_running_loop": "sync",
}
PREFIXED = re.compile(
    r"^(_?)a(?=(?:acquire|answer|begin|body$|body_of|call|chat|chunks|close|closing|collect|complete|drive|enter|exit|fail|failure$|finish|follow|generate|"
    r"grow|invoke|iter_|messages|next$|open|pace|resume|run$|sse_response$|start|status|stop|stream|take|tell|texts))"
)


def plain(name):
    name = ASYNC_NAMES.get(name, name)
    return PREFIXED.sub(r"\1", name)


class Stripped(ast.NodeTransformer):
    """Async code as it would be written for threads."""

    def visit_Await(self, node):
        return self.visit(node.value)

    def visit_AsyncFunctionDef(self, node):
        return self.visit_FunctionDef(
            ast.FunctionDef(**{field: getattr(node, field) for field in node._fields})
        )

    def visit_FunctionDef(self, node):
        node.name = plain(node.name)
        node.decorator_list, node.returns = [], None
        for argument in (*node.args.args, *node.args.kwonlyargs):
            argument.annotation = None  # mypy checks those
        if ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_AsyncWith(self, node):
        return self.generic_visit(ast.With(items=node.items, body=node.body, lineno=0))

    def visit_AsyncFor(self, node):
        return self.visit_For(ast.For(node.target, node.iter, node.body, node.orelse, lineno=0))

    def visit_For(self, node):
        self.generic_visit(node)
        only = node.body[0] if len(node.body) == 1 else None
        if isinstance(only, ast.Expr) and isinstance(only.value, ast.Yield):
            return ast.Expr(ast.YieldFrom(node.iter))
        return node

    def visit_Name(self, node):
        node.id = plain(node.id)
        return node

    def visit_Attribute(self, node):
        node.attr = plain(node.attr)
        return self.generic_visit(node)


def source(path, name):
    node = ast.parse((CORE / path).read_text(encoding="utf-8"))
    for part in name.split("."):
        [node] = [each for each in node.body if getattr(each, "name", None) == part]
    lines = ast.unparse(ast.fix_missing_locations(Stripped().visit(node))).splitlines()
    return [line.strip() for line in lines if line.strip()]


def differences(pair):
    path, sync, other, twin = PAIRS[pair]
    left, right = source(path, sync), source(other or path, twin)
    found = difflib.unified_diff(left, right, lineterm="", n=0)
    return [line for line in found if line[:2] not in ("--", "++", "@@")]


CLOSED = "`yield from` closes the inner generator; an async one must be closed explicitly"
THREAD = "a store is asked in a thread"
SLEEP = "each sleeps in its own way"

COROUTINES = "callbacks may be coroutine functions"
OWNED = "asyncio does not know the inner generator; `Owned` closes it"

DIFFERENCES = {
    "race": (
        [
            "-done: SimpleQueue[Runner] = SimpleQueue()",
            "-with ExitStack() as undo:",
            "-first = Runner(post, action, Racer(session), done)",
            "-undo.callback(first.lose)",
            "+with AsyncExitStack() as undo:",
            "+first = Runner(post, action, Racer(session))",
            "+undo.push_async_callback(first.lose)",
            "-runner = _next(done, hedge_at if second is None else None)",
            "+runner = _next(running, hedge_at if second is None else None)",
            "-second = Runner(post, other, Racer(session, later=seconds), done)",
            "-undo.callback(second.lose)",
            "+second = Runner(post, other, Racer(session, later=seconds))",
            "+undo.push_async_callback(second.lose)",
        ],
        "threads say in a queue that they are done; tasks can be waited for",
    ),
    "driver: prepare": (
        ["-time.sleep(action.seconds)", "+asyncio.sleep(action.seconds)"],
        SLEEP,
    ),
    "Calls.run": (
        [
            "+asyncio_loop()",
            "-listeners = Listeners(told)",
            "+with Listeners(told) as listeners:",
            "+listeners.done()",
            "-deltas = self._drive(session, client, timeouts, admission, finish)",
            "+deltas = Owned(self._drive(session, client, timeouts, admission, finish))",
            "-if on_token is None and write is None:",
            "-yield from deltas",
            "-return",
            "-if write is not None:",
            "-write()",
            "+if entry is not None and write is not None:",
            "+entry.awrite(write)",
            "+if on_token is not None:",
        ],
        (
            f"{THREAD}; {OWNED}; only asyncio's loop will do; listeners may be coroutines, which "
            "are waited for or cancelled; a sync generator can hand the deltas through without a "
            "step for each"
        ),
    ),
    "detached: take_up": (
        ["-self._generate(opening)", "+self._generate_soon(opening)"],
        "one generates in a thread, the other in a task",
    ),
    "sse: body": (
        [
            "-with closing(deltas):",
            "+with closing(Owned(deltas)) as owned:",
            "-for delta in deltas:",
            "+for delta in owned:",
        ],
        OWNED,
    ),
    "handler: texts": (
        [
            "-with closing(deltas):",
            "-for delta in deltas:",
            "+with closing(Owned(deltas)) as owned:",
            "+for delta in owned:",
        ],
        OWNED,
    ),
    "LangChain: chunks": (
        [
            "-with closing(deltas):",
            "-for delta in deltas:",
            "+with closing(Owned(deltas)) as owned:",
            "+for delta in owned:",
        ],
        OWNED,
    ),
    **{
        f"LangChain: {name}_stream": (
            [
                "-with closing(self._messages(deltas)) as messages:",
                "+with closing(Owned(self._messages(deltas))) as messages:",
            ],
            OWNED,
        )
        for name in ("follow", "resume")
    },
    "LangChain: _messages": (
        [
            "-with closing(chunks_of(deltas, {}, with_usage=self.stream_usage)) as chunks:",
            "+with closing(Owned(chunks_of(deltas, {}, with_usage=self.stream_usage))) as chunks:",
        ],
        OWNED,
    ),
    "LlamaIndex: follow_stream_chat": (
        [
            "-deltas = self._handler.follow_deltas(call_id, offset=offset)",
            "+deltas = Owned(self._handler.follow_deltas(call_id, offset=offset))",
        ],
        OWNED,
    ),
    "LlamaIndex: resume_stream_chat": (
        [
            (
                "-deltas = self._handler.stream_again(call_id, offset=offset, seen=seen, "
                "on_token=self.on_token)"
            ),
            (
                "+deltas = Owned(self._handler.stream_again(call_id, offset=offset, seen=seen, "
                "on_token=self.on_token))"
            ),
        ],
        OWNED,
    ),
    "Admission.enter": (
        [
            "-if self._pace is not None:",
            "-self._pace()",
            "+paced = None if self._pace is None else self._pace()",
            "+if inspect.isawaitable(paced):",
            "+paced",
        ],
        "a user's limiter may be a coroutine function",
    ),
    "RateLimiter.enter": (
        [
            "-turn = threading.Event()",
            "-steps = self._steps(passage, turn.set)",
            "+loop = asyncio.get_running_loop()",
            "+turn = asyncio.Event()",
            "+def wake():",
            "+loop.call_soon_threadsafe(turn.set)",
            "+steps = self._steps(passage, wake)",
            "-step = steps.send(self._counters.take(step.tokens, step.left))",
            "+step = steps.send(self._take(step.tokens, step.left))",
            "-turn.wait(step)",
            "-turn.clear()",
            "+_wait_for(turn, step)",
        ],
        f"{SLEEP}, and is woken from any thread; {THREAD}",
    ),
    "execute: call": (
        [
            "-def call(self):",
            "+def call(self, begun=None):",
            "-result = self._begin()",
            "+result = self._begin() if begun is None else begun",
            "+begun = None",
            "-if inspect.isgenerator(result):",
            "-return self.stream(result)",
            "-if inspect.isawaitable(result):",
            "-return self.call(result)",
        ],
        "a plain function may return what is to be awaited or iterated",
    ),
    "opening: follow": (
        [
            "-for pieces in journal.followers.watch(call_id, idle):",
            "+with closing(journal.followers.awatch(call_id, idle)) as watching:",
            "+for pieces in watching:",
            "-yield from _end(completion_of(journal.ended(call_id)))",
            "+yield from _end(completion_of(journal.workers.run(partial(journal.ended, call_id))))",
        ],
        THREAD,
    ),
    "requests: stream": (
        ["-check_sync(on_token, on_event, self._on_event)"],
        COROUTINES,
    ),
    "requests: stream_again": (
        ["-check_sync(on_token, on_event, self._on_event)"],
        COROUTINES,
    ),
    "requests: close": (
        ["-self._leave()", "+asyncio.to_thread(self._leave)"],
        THREAD,
    ),
    "LangChain: _stream": (
        [
            "-yield from chunks_of(deltas, kwargs, with_usage=with_usage)",
            "+with closing(Owned(chunks_of(deltas, kwargs, with_usage=with_usage))) as chunks:",
            "+yield from chunks",
        ],
        CLOSED,
    ),
    "LlamaIndex: stream_complete": (
        [
            "-return (as_completion(response) for response in self._grow([user(prompt)], kwargs))",
            "+responses = self._grow([user(prompt)], kwargs)",
            "+return (as_completion(response) async for response in responses)",
        ],
        "an async generator expression cannot be written with `for`",
    ),
    "LlamaIndex: closing": (
        [
            "+owned = Owned(wrapper)",
            "-yield from wrapper",
            "+yield from owned",
            "+owned.close()",
            "-if isinstance(stream, Generator):",
            "+if isinstance(stream, Owned):",
        ],
        f"{CLOSED}; {OWNED}",
    ),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_twins_differ_only_where_it_is_said_why(pair):
    lines, reason = DIFFERENCES.get(pair, ([], "equal"))
    assert differences(pair) == lines, reason


def test_a_pair_with_a_reason_is_a_pair():
    assert set(DIFFERENCES) <= set(PAIRS)
