"""LlamaIndex LLM for HolySheep AI: streams arrive whole, once and in order.

>>> from llamaindex_holysheep import HolySheep
>>> llm = HolySheep(model="gpt-4.1")  # HOLYSHEEP_API_KEY from the environment
"""

from llamaindex_holysheep.instrumentation import EngineEvent, ResilienceEvent
from llamaindex_holysheep.llm import HolySheep

__all__ = ["EngineEvent", "HolySheep", "ResilienceEvent"]
