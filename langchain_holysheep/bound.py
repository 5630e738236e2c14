"""A model with keywords bound to it, which also starts answers with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableBinding, RunnableConfig

if TYPE_CHECKING:  # it has the types of `stream_events`, and no code; older versions have none
    from langchain_core.language_models.chat_models import _ChatModelBinding as _Binding
else:
    _Binding = RunnableBinding[LanguageModelInput, AIMessage]


class BoundModel(_Binding):
    """What `bind`, `bind_tools` and `with_config` of a model return.

    LangChain's own binding finds the model's `start`, and calls it without the bound keywords: an
    answer would be generated without its tools.
    """

    def start(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        *,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> str:
        """Like `ChatHolySheep.start`, with the bound keywords and config."""
        model, given = cast("Any", self.bound), {**self.kwargs, **kwargs}
        return str(model.start(input, config=self._merge_configs(config), **given))

    async def astart(
        self,
        input: LanguageModelInput,  # noqa: A002 - LangChain's name
        *,
        config: RunnableConfig | None = None,
        **kwargs: Any,
    ) -> str:
        """Like `start`, for asyncio."""
        model, given = cast("Any", self.bound), {**self.kwargs, **kwargs}
        return str(await model.astart(input, config=self._merge_configs(config), **given))

    @classmethod
    def get_lc_namespace(cls) -> list[str]:
        """Return this module: `load` makes this class again, and not LangChain's own binding."""
        return cls.__module__.split(".")
