"""The error for a model that refused: LangChain's, or its like where LangChain has none yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.exceptions import OutputParserException
from langchain_core.messages import BaseMessage

__all__ = ["ModelRefusalError"]

if TYPE_CHECKING:
    from langchain_core.exceptions import ModelRefusalError
else:
    try:
        from langchain_core.exceptions import ModelRefusalError
    except ImportError:  # langchain-core older than 1.7.5

        class ModelRefusalError(OutputParserException):
            """The model refused, or a filter ended its answer.

            Attributes:
                raw_message: The answer, with the model's words in its `content_blocks`.
                is_retryable: False; the same request leads to the same refusal.
            """

            is_retryable = False

            def __init__(self, message: str, *, raw_message: BaseMessage | None = None) -> None:
                self.raw_message = raw_message
                super().__init__(message, llm_output=raw_message and str(raw_message.text))
