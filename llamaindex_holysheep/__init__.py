"""LlamaIndex LLM for HolySheep AI, whose streams arrive whole.

>>> from llamaindex_holysheep import HolySheep
>>> llm = HolySheep(model="gpt-4.1")  # HOLYSHEEP_API_KEY from the environment
"""

from llamaindex_holysheep.base import HolySheep
from llamaindex_holysheep.channels import EngineEvent, ResilienceEvent

__all__ = ["EngineEvent", "HolySheep", "ResilienceEvent"]
