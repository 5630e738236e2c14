"""LangChain's standard unit tests."""

from langchain_tests.unit_tests import ChatModelUnitTests

from holysheep_core import HolySheepError
from langchain_holysheep import ChatHolySheep


class TestStandardUnit(ChatModelUnitTests):
    @property
    def chat_model_class(self) -> type[ChatHolySheep]:
        return ChatHolySheep

    @property
    def chat_model_params(self) -> dict:
        return {"model": "gpt-4.1", "api_key": "sk-test"}

    @property
    def init_from_env_params(self) -> tuple[dict, dict, dict]:
        return {"HOLYSHEEP_API_KEY": "sk-env"}, {"model": "gpt-4.1"}, {"api_key": "sk-env"}


def test_errors_are_ours_and_langchains():
    from langchain_core.exceptions import ModelError

    from langchain_holysheep.errors import CLASSES

    assert all(issubclass(cls, (HolySheepError,)) for cls in CLASSES.values())
    assert all(issubclass(cls, ModelError) for cls in CLASSES.values())
