"""What is asked in most tests, and the engine's client to ask it with."""

from holysheep_core import StreamingRetryHandler

MODEL = "gpt-4.1"
ASK = [{"role": "user", "content": "go"}]
CALL = (MODEL, ASK)


def url_of(server):
    """Return the base URL of a script of the simulator, or the one that is given."""
    return getattr(server, "base_url", server)


def handler(server, **settings):
    """A client; `retry` may be written as in the models."""
    if "retry" in settings:
        settings["config"] = settings.pop("retry")
    return StreamingRetryHandler(**{"api_key": "k", "base_url": url_of(server), **settings})
