"""Server-sent events as an OpenAI-compatible server writes them."""

import msgspec


def event(**chunk):
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def choice(delta, **more):
    return event(choices=[{"index": 0, "delta": delta, **more}])


def said(text, **more):
    return choice({"content": text}, **more)


DONE = b"data: [DONE]\n\n"
END = choice({}, finish_reason="stop") + DONE
