"""The house: imports run downward only, and each floor knows what it may."""

import ast
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = "holysheep_core"

FLOORS = [
    [
        "errors",
        "types",
        "events",
        "catalog",
        "sse",
        "framing",
        "inflate",
        "fold",
        "lead",
        "foreword",
        "keywords",
        "clock",
        "observer",
        "totals",
        "logs",
    ],
    ["config", "rate_limits", "circuit", "canary", "providers"],
    [
        "retry",
        "waits",
        "refusal",
        "wire",
        "request_check",
        "seam",
        "memory",
        "routes",
        "toolcalls",
        "settings",
        "transcript",
        "leg",
        "actions",
    ],
    ["ledger", "purse", "exchange", "policy", "recovery", "session"],
    [
        "connections",
        "addresses",
        "sockets",
        "backends",
        "net",
        "clients",
        "sync_driver",
        "async_driver",
        "simulator",
        "limiter",
        "store",
        "gate",
        "health_check",
        "execution",
        "catalog_file",
        "event_log",
        "otel",
        "cassettes",
        "journal",
        "journal_entry",
        "journal_store",
        "journal_sqlite",
        "journal_redis",
    ],
    ["telling", "gateway", "keeping", "calls", "handler"],
    ["langchain_holysheep", "llamaindex_holysheep"],
    ["cli"],
]
"""From the ground up; the rooms of one floor may use each other, but in no circle."""

FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FACES = {CORE}


def files():
    for package in ("shared/holysheep_core", "langchain_holysheep", "llamaindex_holysheep"):
        yield from sorted((ROOT / package).rglob("*.py"))


def room_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[1:] if parts[0] == "shared" else parts
    return parts[1] if parts[0] == CORE else parts[0]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_used(path):
    for name in imported(path):
        first, _, rest = name.partition(".")
        second = rest.partition(".")[0]
        if first == CORE and second in FLOOR_OF:
            yield second
        elif first in FLOOR_OF:
            yield first


def test_every_room_has_its_floor():
    rooms = {room_of(path) for path in files()} - {"__init__"}
    assert rooms == set(FLOOR_OF)


@pytest.mark.parametrize("path", [p for p in files() if room_of(p) != "__init__"], ids=str)
def test_imports_run_downward_only(path):
    here = FLOOR_OF[room_of(path)]
    upward = {room for room in rooms_used(path) if FLOOR_OF[room] > here}
    assert not upward


def test_there_is_no_circle():
    uses = {}
    for path in files():
        uses.setdefault(room_of(path), set()).update(set(rooms_used(path)) - {room_of(path)})
    left = dict(uses)
    while free := [room for room in left if not left[room] & left.keys()]:
        for room in free:
            del left[room]
    assert not left


def outside(path):
    return {name.partition(".")[0] for name in imported(path)}


def test_the_engine_names_no_framework_and_no_sdk():
    engine = [path for path in files() if CORE in path.parts and "cli" not in path.parts]
    forbidden = {"langchain_core", "langchain", "llama_index", "openai"}
    assert not [path for path in engine if outside(path) & forbidden]


def test_httpx_is_named_where_requests_are_made_and_nowhere_else():
    named = {room_of(path) for path in files() if "httpx" in outside(path)}
    drivers = {"net", "clients", "sync_driver", "async_driver", "handler"}
    assert named == drivers | {"langchain_holysheep"}  # its errors have a `response`


def test_importing_a_plugin_does_not_import_httpx():
    for package in ("langchain_holysheep", "llamaindex_holysheep", CORE):
        code = f"import sys; sys.modules['httpx'] = None; import {package}"
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_plugins_use_the_engines_face_alone_and_never_each_other():
    pairs = [("langchain_holysheep", "llama"), ("llamaindex_holysheep", "langchain")]
    for (package, other), path in itertools.product(pairs, files()):
        if package in path.parts:
            assert not [
                name
                for name in imported(path)
                if name.startswith(f"{CORE}.")
                and name.count(".") == 1
                and name.partition(".")[2] in FLOOR_OF
            ]
            assert not [name for name in imported(path) if name.startswith(other)]


def test_the_session_and_all_below_it_do_no_io():
    pure = {room for floor in FLOORS[:4] for room in floor}
    doing = {"socket", "asyncio", "httpx", "httpcore", "ssl", "os", "anyio"}
    assert not [p for p in files() if room_of(p) in pure and outside(p) & doing]
