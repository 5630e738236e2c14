"""Connections over real sockets: many streams, a failing name service, TLS, proxies."""

import pytest

from holysheep_core import (
    ConfigurationError,
    Connections,
    Timeouts,
    create_resilient_client,
)
from langchain_holysheep import ChatHolySheep
from llamaindex_holysheep import HolySheep


def test_a_resilient_client_under_a_chat_model_keeps_its_clocks(play, text):
    from holysheep_core.simulator import stall

    script = play(faults=[stall(at=10)])
    with create_resilient_client() as client:
        llm = ChatHolySheep(
            model="gpt-4.1",
            api_key="k",
            base_url=script.base_url,
            http_client=client,
            timeouts=Timeouts(stall=1.0),
        )
        assert llm.invoke("go").text == text
        assert not client.is_closed


@pytest.mark.parametrize("model", [ChatHolySheep, HolySheep])
def test_the_models_take_connections(model):
    llm = model(model="gpt-4.1", api_key="k", connections=Connections(max_connections=7))
    pool = llm._handler._clients.sync()._transport
    assert pool._links._most == 7


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"max_connections": 0}, "max_connections"),
        ({"max_keepalive": -1}, "max_keepalive"),
        ({"keepalive_expiry": "long"}, "keepalive_expiry"),
        ({"dns_ttl": -1}, "dns_ttl"),
        ({"proxy": "me:hush@proxy:80"}, "proxy: needs a URL"),
        ({"proxy": "ftp://me:hush@proxy"}, "proxy: needs a URL"),
        ({"proxy": 80}, "proxy: needs a URL"),
        ({"verify": False}, "ssl.SSLContext"),
    ],
)
def test_a_setting_that_cannot_be_is_named_at_once(wrong, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        Connections(**wrong)
    assert "hush" not in str(caught.value)
