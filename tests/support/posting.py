"""Requests to the simulator without any client of ours, and what it said."""

import json

import httpx

from support.calls import ASK, MODEL


def post(script, *, timeout=5, **body):
    body = {"model": MODEL, "messages": ASK, "stream": True, **body}
    return httpx.post(f"{script.base_url}/chat/completions", json=body, timeout=timeout)


def contents(body):
    chunks = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    return "".join(c["delta"].get("content") or "" for chunk in chunks for c in chunk["choices"])
