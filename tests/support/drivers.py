"""One call, once with the sync and once with the async driver: all that must be the same."""

from holysheep_core import HolySheepError, RetryConfig, StreamingRetryHandler, Timeouts
from support.calls import ASK


def settings(script):
    # Short clocks only where they are to run out: a busy machine is no stalling server.
    waits = any(fault.kind in ("stall", "slow") for fault in script.scenario.faults)
    return {
        "config": RetryConfig(base_delay=0.01, jitter=0.0),
        "timeouts": Timeouts(read=0.3 if waits else 30),
    }


def events_of(log):
    """The action log without what must differ: ids and measured times."""
    return [(type(event).__name__, *_facts(event)) for event in log]


def _facts(event):
    left_out = {"call_id", "at", "latency"}
    facts = {k: v for k, v in vars(event).items() if k not in left_out}
    return sorted((k, round(v, 2) if isinstance(v, float) else v) for k, v in facts.items())


def bodies(script):
    return [record.body for record in script.requests]


def run_sync(script):
    log, got = [], []
    with StreamingRetryHandler("k", base_url=script.base_url, **settings(script)) as handler:
        try:
            for token in handler.stream_with_retry("gpt-4.1", ASK, on_event=log.append):
                got.append(token)
        except HolySheepError as error:
            assert error.partial == "".join(got)
            return "".join(got), bodies(script), events_of(log), type(error)
    return "".join(got), bodies(script), events_of(log), None


async def run_async(script):
    log, got = [], []
    async with StreamingRetryHandler("k", base_url=script.base_url, **settings(script)) as handler:
        try:
            async for token in handler.astream_with_retry("gpt-4.1", ASK, on_event=log.append):
                got.append(token)
        except HolySheepError as error:
            assert error.partial == "".join(got)
            return "".join(got), bodies(script), events_of(log), type(error)
    return "".join(got), bodies(script), events_of(log), None
