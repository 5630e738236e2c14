"""Every module has a test file of its name in the same folder, or is listed here with a reason."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIRRORS = {
    "shared/holysheep_core": "tests/unit",
    "langchain_holysheep": "tests/plugins/langchain",
    "llamaindex_holysheep": "tests/plugins/llamaindex",
}
ELSEWHERE = {
    # tested under another name: the file that does it
    "shared/holysheep_core/cli/__main__.py": "tests/unit/cli/test_app.py",
    "shared/holysheep_core/cli/demo_output.py": "tests/unit/cli/test_demo.py",
    "shared/holysheep_core/cli/english.py": "tests/unit/cli/test_words.py",
    "shared/holysheep_core/cli/korean.py": "tests/unit/cli/test_words.py",
    "shared/holysheep_core/cli/options.py": "tests/unit/cli/test_words.py",
    "shared/holysheep_core/cli/probe.py": "tests/unit/cli/test_check.py",
    "shared/holysheep_core/cli/reporting.py": "tests/unit/cli/test_report_text.py",
    "shared/holysheep_core/client/with_context.py": "tests/behaviour/test_migration_guide.py",
    "shared/holysheep_core/client/detached.py": "tests/behaviour/test_detached.py",
    "shared/holysheep_core/client/sse.py": "tests/behaviour/test_sse.py",
    "shared/holysheep_core/journal/status.py": "tests/behaviour/test_detached.py",
    "shared/holysheep_core/client/async_race.py": "tests/behaviour/test_hedging.py",
    "shared/holysheep_core/client/race.py": "tests/behaviour/test_hedging.py",
    "shared/holysheep_core/engine/hedging.py": "tests/behaviour/test_hedging.py",
    "shared/holysheep_core/client/async_driver.py": "tests/unit/client/test_drivers.py",
    "shared/holysheep_core/client/sync_driver.py": "tests/unit/client/test_drivers.py",
    "shared/holysheep_core/simulator/connection.py": "tests/unit/simulator/test_response.py",
    "shared/holysheep_core/closing.py": "tests/behaviour/test_quiet_ends.py",
    "shared/holysheep_core/transport/async_pool.py": "tests/behaviour/test_connections.py",
    "shared/holysheep_core/transport/body.py": "tests/unit/transport/test_httpx_client.py",
    "shared/holysheep_core/transport/dialling.py": "tests/behaviour/test_addresses.py",
    "shared/holysheep_core/transport/foreign.py": "tests/behaviour/test_connections.py",
    "shared/holysheep_core/transport/pool.py": "tests/behaviour/test_connections.py",
    "shared/holysheep_core/transport/recorders.py": "tests/unit/test_cassettes.py",
    "langchain_holysheep/chat_models.py": "tests/plugins/langchain/test_standard_unit.py",
    "langchain_holysheep/errors.py": "tests/unit/test_errors.py",
    "langchain_holysheep/refusals.py": "tests/plugins/langchain/test_structured.py",
    "langchain_holysheep/requests.py": "tests/plugins/langchain/test_call_names.py",
    "langchain_holysheep/stored_answers.py": "tests/behaviour/test_stored_answers.py",
    "langchain_holysheep/streams.py": "tests/plugins/langchain/test_whole_once_in_order.py",
    "langchain_holysheep/settings.py": "tests/plugins/langchain/test_as_a_user_expects.py",
    "llamaindex_holysheep/calls.py": "tests/plugins/llamaindex/test_as_a_user_expects.py",
    "llamaindex_holysheep/llm.py": "tests/plugins/llamaindex/test_as_a_user_expects.py",
    "llamaindex_holysheep/stored_answers.py": "tests/behaviour/test_stored_answers.py",
    "llamaindex_holysheep/settings.py": "tests/plugins/llamaindex/test_as_a_user_expects.py",
}
NOTHING_TO_TEST = {
    "shared/holysheep_core/clock.py": "one name for `time.monotonic`",
    "shared/holysheep_core/engine/actions.py": "values without a method",
    "shared/holysheep_core/engine/settings.py": "values without a method",
    "shared/holysheep_core/journal/backend.py": "a Protocol and two values",
    "shared/holysheep_core/observers/observer.py": "methods that do nothing, to be overridden",
}
LISTED = {*ELSEWHERE, *NOTHING_TO_TEST}


def modules():
    for package in MIRRORS:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name != "__init__.py":  # names for users, held by test_docs
                yield path.relative_to(ROOT).as_posix()


def mirror_of(module):
    package = next(package for package in MIRRORS if module.startswith(f"{package}/"))
    path = ROOT / MIRRORS[package] / module.removeprefix(f"{package}/")
    return path.with_name(f"test_{path.name}")


@pytest.mark.parametrize("module", list(modules()))
def test_a_module_has_a_test_file_of_its_name_or_a_reason(module):
    has_one = mirror_of(module).exists()
    assert has_one or module in LISTED, f"write {mirror_of(module).relative_to(ROOT)}"
    assert not (has_one and module in LISTED), "its entry here is out of date"


@pytest.mark.parametrize("module", sorted(LISTED))
def test_what_is_listed_is_there(module):
    assert (ROOT / module).exists()
    assert module not in ELSEWHERE or (ROOT / ELSEWHERE[module]).exists()


def test_a_test_file_of_the_engine_has_the_name_of_a_module():
    named = {mirror_of(module) for module in modules()} | {ROOT / at for at in ELSEWHERE.values()}
    named.add(ROOT / "tests/unit/engine/test_session_stateful.py")  # the session, by Hypothesis
    assert not set((ROOT / "tests/unit").rglob("test_*.py")) - named
