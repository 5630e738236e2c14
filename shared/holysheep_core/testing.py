"""For tests of your own application: calls that are retried, without the waits between requests."""

from __future__ import annotations

from types import TracebackType

from holysheep_core.engine.backoff import WITHOUT_WAITS

__all__ = ["no_waiting"]


class no_waiting:  # noqa: N801 - reads as what it does, like `contextlib.suppress`
    """Let calls retry at once while the block runs.

    >>> from holysheep_core.simulator import Scenario, Simulator, refuse
    >>> from holysheep_core.testing import no_waiting
    >>> from langchain_holysheep import ChatHolySheep
    >>> with Simulator() as simulator, no_waiting():
    ...     script = simulator.add(Scenario(text="Hello!", faults=[refuse(503, times=2)]))
    ...     llm = ChatHolySheep(model="gpt-4.1", api_key="any-key", base_url=script.base_url)
    ...     llm.invoke("Hello").text  # after two retries without a wait
    'Hello!'

    In pytest, for all tests below a folder:

    ```python
    # conftest.py
    import pytest

    from holysheep_core.testing import no_waiting


    @pytest.fixture(autouse=True)
    def _no_waiting():
        with no_waiting():
            yield
    ```

    Only the waits between the requests of a call become 0: the backoff with its jitter (also a
    `RetryConfig.wait` of your own) and a wait that the server names in `Retry-After`. What is
    decided is the same as without: how often a call is retried, whether it moves to another
    model, when it gives up; and the events name the wait that the server asked for. Timeouts,
    rate limits, cooldowns and circuits keep their times.

    It holds in the whole process: in every thread and every event loop, for calls that began
    before it, too. Blocks may be nested and may overlap; the waits come back when the last one is
    left.
    """

    def __enter__(self) -> None:
        WITHOUT_WAITS.append(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        WITHOUT_WAITS.remove(self)
