"""Sums over all calls of a client: by model, provider and tag."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import ClassVar

from holysheep_core.catalog import Catalog, coerce
from holysheep_core.observers.observer import Observer
from holysheep_core.types import Attempt, CallRecord, Usage


@dataclass(frozen=True)
class Total:
    """A sum over calls, or over requests.

    Attributes:
        calls: Calls (of models and providers: requests).
        completed: How many of them completed.
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
    catalog: InitVar[Catalog | None] = None
    _catalog: ClassVar[Catalog | None] = None  # each instance has its own; a field would be shown

    def __post_init__(self, catalog: Catalog | None) -> None:
        object.__setattr__(self, "_catalog", catalog)

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
            catalog=self._catalog,
        )

    def saving(self, model: str, catalog: Catalog | None = None) -> float | None:
        """Return US$ saved (below 0: lost) against asking `model` for the same tokens.

        Args:
            model: The other model.
            catalog: Where its price is; the catalog of the client these totals are from if None.

        Returns:
            None if a price is not known: the model's, or that of some of these tokens.

        Raises:
            ConfigurationError: There is no client, and the file that `HOLYSHEEP_CATALOG` names
                cannot be read.
        """
        prices = coerce(self._catalog if catalog is None else catalog)
        theirs = prices.card(model).cost(self.usage)
        return None if theirs is None or self.unpriced else theirs - self.cost_usd


class Totals(Observer):
    """Adds up calls as they end.

    >>> from langchain_holysheep import ChatHolySheep
    >>> llm = ChatHolySheep(model="gpt-4.1")
    >>> answer = llm.invoke("How do sheep live?")
    >>> llm.totals.all.calls, llm.totals.all.cost_usd > 0
    (1, True)
    >>> llm.totals.by_model["gpt-4.1"].usage.output_tokens
    5
    """

    def __init__(self) -> None:
        self._sums = _Sums()
        self._catalog: Catalog | None = None

    @property
    def all(self) -> Total:
        """All calls."""
        return replace(self._sums.all, catalog=self._catalog)

    @property
    def by_model(self) -> Mapping[str, Total]:
        """Requests, by the model asked."""
        return self._priced(self._sums.by_model)

    @property
    def by_provider(self) -> Mapping[str, Total]:
        """Requests, by provider."""
        return self._priced(self._sums.by_provider)

    @property
    def by_tag(self) -> Mapping[str, Total]:
        """Calls, by tag; a call with two tags is in both."""
        return self._priced(self._sums.by_tag)

    def priced_by(self, catalog: Catalog) -> Totals:
        """Return these sums with the catalog that `saving` takes prices from.

        This object keeps the first catalog it is given. With a catalog that differs from it,
        another object is returned, which shares the sums.
        """
        if self._catalog is None:
            self._catalog = catalog
        if self._catalog.models == catalog.models:
            return self
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _catalog=catalog)
        return other

    def __repr__(self) -> str:
        return f"Totals(all={self.all})"

    def __reduce__(self) -> tuple[type[Totals], tuple[()]]:
        return Totals, ()  # in another process, another count

    def __deepcopy__(self, memo: object) -> Totals:
        return self  # made to be shared

    def call_ended(self, record: CallRecord, answer: str) -> None:  # noqa: ARG002 - its length is in the record
        """Add a call."""
        self._sums.add(record)

    def _priced(self, sums: Mapping[str, Total]) -> Mapping[str, Total]:
        return {name: replace(total, catalog=self._catalog) for name, total in sums.items()}


@dataclass
class _Sums:
    lock: threading.Lock = field(default_factory=threading.Lock)
    all: Total = field(default_factory=Total)
    by_model: Mapping[str, Total] = field(default_factory=dict)
    by_provider: Mapping[str, Total] = field(default_factory=dict)
    by_tag: Mapping[str, Total] = field(default_factory=dict)

    def add(self, record: CallRecord) -> None:
        with self.lock:
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
