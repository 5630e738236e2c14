"""Everything of this distribution under the name it is installed by.

>>> from holysheep import ChatHolySheep, HolySheep, StreamingRetryHandler

Nothing is imported before it is used: `ChatHolySheep` needs LangChain, `HolySheep` LlamaIndex, all
other names neither.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import holysheep_core
from holysheep_core import __version__

if TYPE_CHECKING:
    from holysheep_core import *  # noqa: F403
    from langchain_holysheep import ChatHolySheep
    from llamaindex_holysheep import HolySheep

_PLUGINS = {
    "ChatHolySheep": "langchain_holysheep",
    "HolySheep": "llamaindex_holysheep",
}
__all__ = [*holysheep_core.__all__, "ChatHolySheep", "HolySheep", "__version__"]  # noqa: PLE0604 - strings


def __getattr__(name: str) -> Any:
    if name in _PLUGINS:
        return getattr(importlib.import_module(_PLUGINS[name]), name)
    if name in holysheep_core.__all__:
        return getattr(holysheep_core, name)
    raise AttributeError(f"module 'holysheep' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
