"""LangChain chat model for HolySheep AI: streams arrive whole, once and in order.

>>> from langchain_holysheep import ChatHolySheep
>>> llm = ChatHolySheep(model="gpt-4.1")  # HOLYSHEEP_API_KEY from the environment
"""

try:
    from langchain_holysheep.chat_models import ChatHolySheep
except ModuleNotFoundError as error:
    said = "ChatHolySheep needs its framework: pip install 'holysheep[langchain]'"
    raise ImportError(f"{said} ({error}).") from error

__all__ = ["ChatHolySheep"]
