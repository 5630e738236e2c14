"""What a process does that will be killed while it generates answers: a spawned one imports it."""

import os
import time

from holysheep_core import StreamingRetryHandler
from support.calls import ASK, MODEL
from support.journals import journal

LEASE = 1.0


def begin_and_wait(base_url, url, names):
    client = StreamingRetryHandler(
        "k", base_url=base_url, journal=journal(url, lease=LEASE), fallback_models=[]
    )
    for name in names:
        client.start("gpt-4.1", [{"role": "user", "content": name}], call_id=name)
    time.sleep(60)


def die_in_the_middle(base_url, url, name):
    client = StreamingRetryHandler("k", base_url=base_url, journal=journal(url), fallback_models=[])
    client.start(MODEL, ASK, call_id=name)
    while len("".join(t for t, _ in journal(url).read(name).pieces)) < 300:
        time.sleep(0.01)
    os._exit(9)
