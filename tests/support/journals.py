"""A long answer, a journal with a short lease, and a client that keeps its answers there."""

from holysheep_core import Journal, StreamingRetryHandler

ASK = [{"role": "user", "content": "Tell me of sheep."}]
LONG = "".join(
    f"{number}. 양 한 마리가 울타리를 넘었다; sheep number {number}.\n" for number in range(60)
)


def journal(url, **settings):
    return Journal(url, **{"interval": 0.02, "lease": 0.5, **settings})


def handler(script, kept, **settings):
    return StreamingRetryHandler(
        "k", base_url=script.base_url, journal=kept, fallback_models=[], **settings
    )
