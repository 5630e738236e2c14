"""Python's own log: quiet, structured, and without text or key."""

import logging
import subprocess
import sys

import pytest

from holysheep_core import HolySheepError, StreamingRetryHandler
from holysheep_core.observers.logs import _warn_once
from holysheep_core.simulator import cut, refuse

ASK = [{"role": "user", "content": "A question nobody should find."}]


def handler(script):
    return StreamingRetryHandler("sk-secret", base_url=script.base_url, fallback_models=[])


def test_each_level_says_what_it_is_for(play, caplog):
    with caplog.at_level(logging.DEBUG, "holysheep"):
        handler(play(faults=[cut(at=20)])).complete("gpt-4.1", ASK)
        with pytest.raises(HolySheepError):
            handler(play(faults=[refuse(401)])).complete("gpt-4.1", ASK)
    level = {each.holysheep["event"]: each.levelname for each in caplog.records}
    assert level["RequestSent"] == level["FirstToken"] == level["StreamCompleted"] == "DEBUG"
    assert level["StreamCut"] == level["Resumed"] == level["CallEnded"] == "INFO"
    assert level["StreamFailed"] == "WARNING"


def test_a_line_has_its_fields_and_no_secret(play, caplog, text):
    with caplog.at_level(logging.DEBUG, "holysheep"):
        handler(play(faults=[cut(at=20)])).complete("gpt-4.1", ASK, tags=["t"])
    ended = next(each for each in caplog.records if each.holysheep["event"] == "CallEnded")
    assert ended.holysheep["usage"]["output_tokens"] > 0
    assert ended.holysheep["tags"] == ("t",)
    assert "completed by holysheep/gpt-4.1" in ended.message
    everything = repr([each.__dict__ for each in caplog.records])
    assert "sk-secret" not in everything
    assert "nobody should find" not in everything
    assert text[:12] not in everything


def test_a_program_that_set_up_no_logging_sees_nothing(play):
    code = (
        "import sys; from holysheep_core import *\n"
        "h = StreamingRetryHandler('k', base_url=sys.argv[1], fallback_models=[])\n"
        "try: h.complete('m', [{'role': 'user', 'content': 'go'}])\n"
        "except AuthenticationError: print('refused')\n"
    )
    command = [sys.executable, "-c", code, play(faults=[refuse(401, times=None)]).base_url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_a_fallback_that_answers_is_a_warning_once_for_each_pair(play, text, recwarn, caplog):
    _warn_once.cache_clear()
    for _ in range(2):
        script = play(faults=[refuse(429, retry_after=600, times=None, model="gpt-4.1")])
        with StreamingRetryHandler("sk-secret", base_url=script.base_url) as client:
            assert client.complete("gpt-4.1", ASK).text == text
            back = play(faults=[cut(20)])
        with handler(back) as client:
            assert client.complete("gpt-4.1", ASK).text == text
    told = [str(each.message) for each in recwarn if "answered instead" in str(each.message)]
    assert len(told) == 1
    assert "'gemini-2.5-flash' answered instead of 'gpt-4.1'" in told[0]
    assert "fallback_models=[]" in told[0]
    assert caplog.text.count("answered instead") == 1
