"""LlamaIndex LLM for HolySheep AI: streams arrive whole, once and in order.

>>> from llamaindex_holysheep import HolySheep
>>> llm = HolySheep(model="gpt-4.1")  # HOLYSHEEP_API_KEY from the environment
"""

try:
    from llamaindex_holysheep.instrumentation import EngineEvent, ResilienceEvent
    from llamaindex_holysheep.llm import HolySheep
except ModuleNotFoundError as error:
    said = "HolySheep needs its framework: pip install 'holysheep[llamaindex]'"
    raise ImportError(f"{said} ({error}).") from error

__all__ = ["EngineEvent", "HolySheep", "ResilienceEvent"]
