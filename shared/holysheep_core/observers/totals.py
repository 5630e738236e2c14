"""What all calls of a client came to: by model, provider and tag."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from holysheep_core.catalog import CATALOG, Catalog
from holysheep_core.observers.observer import Observer
from holysheep_core.types import Attempt, CallRecord, Usage


@dataclass(frozen=True)
class Total:
    """A sum of calls, or of requests.

    Attributes:
        calls: Calls (of models and providers: requests).
        completed: Those of them that ended well.
        usage: Tokens.
        cost_usd: Price of the tokens whose price is known.
        unpriced: Calls or requests with tokens of unknown price, which is not in `cost_usd`.
        resumes: Cut answers that were continued.
        saved_characters: Characters that did not have to be asked for again.
    """

    calls: int = 0
    completed: int = 0
    usage: Usage = Usage()  # noqa: RUF009 - frozen
    cost_usd: float = 0.0
    unpriced: int = 0
    resumes: int = 0
    saved_characters: int = 0

    def plus(self, record: CallRecord | Attempt) -> Total:
        """Return the sum with one more."""
        requests = (record,) if isinstance(record, Attempt) else record.attempts
        return Total(
            calls=self.calls + 1,
            completed=self.completed + (record.outcome == "completed"),
            usage=self.usage + record.usage,
            cost_usd=self.cost_usd + sum(each.cost_usd or 0.0 for each in requests),
            unpriced=self.unpriced + (record.cost_usd is None),
            resumes=self.resumes + getattr(record, "resumes", 0),
            saved_characters=self.saved_characters + getattr(record, "saved_characters", 0),
        )

    def saving(self, model: str, catalog: Catalog = CATALOG) -> float | None:
        """Return US$ saved (below 0: lost) against asking `model` for the same tokens.

        None where a price is not known, its or that of something in here.
        """
        theirs = catalog.card(model).cost(self.usage)
        return None if theirs is None or self.unpriced else theirs - self.cost_usd


class Totals(Observer):
    """Adds up calls as they end.

    >>> llm.totals.all.cost_usd, llm.totals.by_model["gpt-4.1"].usage.output_tokens

    Attributes:
        all: Everything.
        by_model: Requests, by the model asked.
        by_provider: Requests, by provider.
        by_tag: Calls, by tag; a call with two tags is in both.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.all = Total()
        self.by_model: Mapping[str, Total] = {}
        self.by_provider: Mapping[str, Total] = {}
        self.by_tag: Mapping[str, Total] = {}

    def __repr__(self) -> str:
        return f"Totals(all={self.all})"

    def __reduce__(self) -> tuple[type[Totals], tuple[()]]:
        return Totals, ()  # in another process, another count

    def __deepcopy__(self, memo: object) -> Totals:
        return self  # made to be shared

    def call_ended(self, record: CallRecord, answer: str) -> None:  # noqa: ARG002 - its length is in the record
        """Add a call."""
        with self._lock:
            self.all = self.all.plus(record)
            for attempt in record.attempts:
                self.by_model = _added(self.by_model, attempt.model, attempt)
                self.by_provider = _added(self.by_provider, attempt.provider, attempt)
            for tag in record.tags:
                self.by_tag = _added(self.by_tag, tag, record)


def _added(
    totals: Mapping[str, Total], name: str, record: CallRecord | Attempt
) -> Mapping[str, Total]:
    # A new dict each time, so that a reader in another thread may iterate over the old one.
    return {**totals, name: totals.get(name, Total()).plus(record)}
