"""`HolySheep` under the import path of LlamaIndex's integrations.

>>> from llama_index.llms.holysheep import HolySheep
"""

from llamaindex_holysheep import HolySheep

__all__ = ["HolySheep"]
