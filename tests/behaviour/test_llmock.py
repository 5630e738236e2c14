"""An outside peer: llmock's faults, and its verdict where it can judge.

It groups attempts by identical bodies, so a correct resume, whose body differs, looks to it
like a truncated stream that was accepted; there only the text is compared.
"""

import httpx
import pytest

from holysheep_core import RetryConfig, StreamingRetryHandler

ASK = [{"role": "user", "content": "Tell me something about sheep."}]

pytestmark = pytest.mark.real_waits  # llmock judges them


@pytest.fixture
def ask(llmock):
    with StreamingRetryHandler(
        "any-key", base_url=llmock.base_url(), config=RetryConfig(base_delay=0.05)
    ) as handler:
        yield lambda: handler.complete("gpt-4.1", ASK)


@pytest.fixture
def truth(llmock):
    """What llmock answers to the question: the same for the same request."""
    body = {"model": "gpt-4.1", "messages": ASK}
    answer = httpx.post(f"{llmock.base_url()}/chat/completions", json=body).json()
    return answer["choices"][0]["message"]["content"]


def test_a_fault_free_answer_agrees_with_the_unstreamed_one(ask, truth):
    assert ask().text == truth


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
def test_a_broken_stream_is_resumed_and_its_beginning_kept(llmock, ask, truth, fault):
    getattr(llmock, fault)(after_chunks=2)
    completion = ask()
    shown = completion.attempts[0].characters
    assert completion.resumes == 1
    assert completion.text[:shown] == truth[:shown]
    assert completion.finish_reason == "stop"


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
def test_a_stream_broken_before_content_gives_the_very_answer(llmock, ask, truth, fault):
    getattr(llmock, fault)(after_chunks=0)
    assert ask().text == truth


def test_a_rate_limit_is_waited_for_to_llmocks_satisfaction(llmock, ask, truth):
    llmock.rate_limit(times=2, retry_after=0.3)
    assert ask().text == truth
    llmock.assert_resilient()


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_is_retried_to_llmocks_satisfaction(llmock, ask, truth, status):
    llmock.fail(status, times=1)
    assert ask().text == truth
    llmock.assert_resilient()
