"""Bodies of server-sent events, read as the standard says."""

import json

from httpx_sse._decoders import SSEDecoder, SSELineDecoder


def parse(pieces):
    """The events of a body that comes in pieces of bytes: (type, id, data) of each."""
    lines, decoder, found = SSELineDecoder(), SSEDecoder(), []
    # A reader of bytes decodes them piece by piece too; only whole characters come out.
    text = b"".join(pieces).decode()
    for line in lines.decode(text) + lines.flush():
        event = decoder.decode(line)
        if event is not None and event.data:
            found.append((event.event, event.id, json.loads(event.data)))
    return found


def text_of(events):
    return "".join(data.get("text", "") for kind, _, data in events if kind == "message")
