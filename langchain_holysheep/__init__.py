"""LangChain chat model for HolySheep AI: streams arrive whole, once and in order.

>>> from langchain_holysheep import ChatHolySheep
>>> llm = ChatHolySheep(model="gpt-4.1")  # HOLYSHEEP_API_KEY from the environment
"""

from langchain_holysheep.chat_models import ChatHolySheep

__all__ = ["ChatHolySheep"]
