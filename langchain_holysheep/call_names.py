"""The name of a call, from the metadata of its own config.

A batch gives each of its calls a config, and no keyword of its own; so the name of a call can be in
the config: `llm.batch(rows, [{"metadata": {"holysheep_call_id": "row-1"}}, …])`.

A chain or a graph hands its metadata down to every call of a model in it. A name that came down so
would be that of several answers; it names none. Run managers have inherited metadata and the call's
own in one dict, so the two are distinguished before the run begins: what was handed down is in the
callback manager of the run above, too.
"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config

from holysheep_core.integrations.turns import warn_once

KEY = "holysheep_call_id"
"""Key of a config's metadata whose value is the call's `call_id`."""


def named(config: RunnableConfig | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the keywords of a call, with the `call_id` of its config if they have none.

    Args:
        config: The config that the model was given.
        kwargs: The keywords that it was given.
    """
    if kwargs.get("call_id"):
        return kwargs
    known = ensure_config(config)
    name = (known.get("metadata") or {}).get(KEY)
    if not name:
        return kwargs
    above = known.get("callbacks")
    if isinstance(above, BaseCallbackManager) and above.inheritable_metadata.get(KEY) == name:
        warn_once(
            f"metadata[{KEY!r}] of a chain or graph names no call of a model in it: there may be "
            "several. Give the model's call a name of its own: call_id=…, or its own config."
        )
        return kwargs
    return {**kwargs, "call_id": name}
