"""Enforces a call's `SpendLimit`, request by request."""

from __future__ import annotations

import math

from holysheep_core.catalog import Catalog
from holysheep_core.config.limits import SpendLimit
from holysheep_core.engine.ledger import Ledger
from holysheep_core.errors import BudgetExceededError, ConfigurationError, HolySheepError
from holysheep_core.tokens import prompt_tokens
from holysheep_core.types import ChatRequest, Usage, total_cost

_CHARACTERS_PER_TOKEN = 4


class SpendTracker:
    """What is left of a call's limit. No I/O."""

    def __init__(self, limit: SpendLimit, catalog: Catalog) -> None:
        self._limit = limit
        self._catalog = catalog
        self._most = 0.0  # output tokens the running request may add
        self._before = 0  # characters shown before it

    def refusal(
        self, request: ChatRequest, model: str, ledger: Ledger, characters: int
    ) -> HolySheepError | None:
        """Return why another request may not go out, if it may not.

        Args:
            request: The request.
            model: The model it asks.
            ledger: What the call has spent.
            characters: Characters of text the reader has.
        """
        prompt = prompt_tokens(request)
        spent, usd = ledger.usage.total_tokens, total_cost(ledger.attempts) or 0.0
        limit, self._before = self._limit, characters
        self._most = math.inf if limit.tokens is None else float(limit.tokens - spent - prompt)
        if limit.usd is not None:
            card = self._catalog.card(model)
            before = card.cost(Usage(prompt))
            if before is None or card.output_price is None:
                return ConfigurationError(
                    f"SpendLimit(usd=…): the price of {model!r} is not known. Give it with "
                    "catalog=…, or limit tokens."
                )
            affordable = limit.usd - usd - before
            price = card.output_price / 1e6
            left = affordable / price if price else math.copysign(math.inf, affordable)
            self._most = min(self._most, left)
        return None if self._most >= 1 else self._error()

    def overspent(self, pieces: int, characters: int) -> HolySheepError | None:
        """Return the error for an answer that has become too long, if it has.

        Args:
            pieces: Its deltas.
            characters: All characters shown.
        """
        written = max(pieces, (characters - self._before) // _CHARACTERS_PER_TOKEN)
        return self._error() if written > self._most else None

    def _error(self) -> BudgetExceededError:
        return BudgetExceededError(
            f"The call has spent its limit of {self._limit}. What arrived is in .partial."
        )
