"""Prometheus' text, read by the parser of its own client."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families


def families(registry):
    """Return the metric families of an exposition, by name."""
    return of_text(generate_latest(registry).decode())


def of_text(text):
    """Return the metric families of a text, by name."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def sums(registry):
    """Return a function that adds up the samples of a name that have some labels."""
    samples = [each for family in families(registry).values() for each in family.samples]

    def of(name, **labels):
        return sum(
            each.value
            for each in samples
            if each.name == name and labels.items() <= each.labels.items()
        )

    return of
