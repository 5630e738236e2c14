"""All settings of a client in one value, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from holysheep_core.catalog import Catalog
from holysheep_core.config.fallback import FallbackConfig
from holysheep_core.config.limits import SpendLimit
from holysheep_core.config.resume import ResumeConfig
from holysheep_core.config.retry import RetryConfig, Timeouts
from holysheep_core.retry_budget import PROCESS_BUDGET, RetryBudget


@dataclass(frozen=True)
class Settings:
    """The settings of all calls of a client.

    Attributes:
        retry: When a failed request is tried again.
        timeouts: The time limits.
        resume: How a cut answer is resumed.
        fallback: Which models may answer in its place.
        budget: The retry budget; by default that of the process.
        stream_usage: Ask the server for a usage chunk at the end of a stream.
        catalog: What is known of models.
        spend_limit: What one call may spend.
        adapt: Change what the family of the asked model refuses for certain.
        coalesce: Make the deltas that arrive in one read one delta.
    """

    retry: RetryConfig = field(default_factory=RetryConfig)
    timeouts: Timeouts = field(default_factory=Timeouts)
    resume: ResumeConfig = field(default_factory=ResumeConfig)
    fallback: FallbackConfig = field(default_factory=FallbackConfig)
    budget: RetryBudget = PROCESS_BUDGET
    stream_usage: bool = True
    adapt: bool = True
    coalesce: bool = False
    catalog: Catalog = field(default_factory=Catalog)
    spend_limit: SpendLimit | None = None
