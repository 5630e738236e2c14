"""Unknown keywords: the error has the name and the best advice, never the value."""

import pytest

import holysheep_core
from holysheep_core import ConfigurationError, refuse_unknown

HINTS = {"organization": "Write default_headers."}
KNOWN = ["temperature", "timeout"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("organization", "Llm has no organization. Write default_headers."),
        ("temprature", "Llm has no temprature. Did you mean temperature?"),
        ("zzz", "Llm has no zzz. Put it elsewhere."),
    ],
)
def test_it_says_what_to_write_instead(given, says):
    with pytest.raises(ConfigurationError) as caught:
        refuse_unknown("Llm", [given, "timeout"], KNOWN, HINTS, "Put it elsewhere.")
    assert str(caught.value) == says


def test_known_keywords_pass():
    assert refuse_unknown("Llm", KNOWN, KNOWN, HINTS, "") is None


CLASSES = (
    *("StreamingRetryHandler", "RetryConfig", "Timeouts", "ResumeConfig", "FallbackConfig"),
    *("RateLimits", "SpendLimit", "CircuitConfig", "Provider", "Connections", "HealthCheck"),
    *("Canary", "APIGateway", "Journal", "EventLog", "RetryBudget"),
)


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_settings_refuses_all_unknown_keywords_at_once(name):
    with pytest.raises(ConfigurationError) as caught:
        getattr(holysheep_core, name)(zzz="secret", yyy=2)
    assert f"{name} has no yyy and no zzz. It has " in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_similar_keyword_is_suggested():
    with pytest.raises(ConfigurationError, match=r"Timeouts has no stal\. Did you mean stall\?"):
        holysheep_core.Timeouts(stal=20)
    with pytest.raises(ConfigurationError, match=r"has no retry\. It is config here\."):
        holysheep_core.StreamingRetryHandler("any-key", retry=holysheep_core.RetryConfig())
