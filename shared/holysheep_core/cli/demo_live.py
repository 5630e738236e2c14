"""`holysheep demo --live`: a short run against the real API."""

from __future__ import annotations

import os

from rich.console import Console

from holysheep_core import HolySheepError, StreamingRetryHandler
from holysheep_core.cli.demo_output import Stage

MODEL = "gpt-4.1"


def run_live(console: Console) -> bool:
    """Stream one short answer with the user's API key; return whether it arrived whole."""
    if not os.environ.get("HOLYSHEEP_API_KEY"):
        console.print(
            "[red]HOLYSHEEP_API_KEY is not set.[/] A live run needs a key from your HolySheep "
            "account:\n  export HOLYSHEEP_API_KEY=…\n  holysheep demo --live\n"
            "Without --live the demo runs on this machine alone."
        )
        return False
    stage = Stage(console)
    try:
        with StreamingRetryHandler(on_event=stage.on_event, timeout=30.0) as handler:
            base_url = handler.gateway.providers[0].base_url
            stage.title("holysheep demo --live", f"{MODEL} at {base_url}: a few dozen tokens.")
            question = [{"role": "user", "content": "Name three breeds of sheep, in one line."}]
            pieces: list[str] = []
            completion = handler.complete(MODEL, question, max_tokens=64, on_token=pieces.append)
    except HolySheepError as error:
        stage.verdict(f"{type(error).__name__}: {error}", good=False)
        return False
    stage.say(completion.text, "green")
    stage.tell_events()
    usage = completion.usage
    stage.verdict(
        f"answered by {completion.model} in {completion.attempts[-1].duration:.2f} s, "
        f"{usage.input_tokens} + {usage.output_tokens} tokens, "
        f"finish_reason {completion.finish_reason!r}",
        good="".join(pieces) == completion.text,
    )
    return not stage.failed
