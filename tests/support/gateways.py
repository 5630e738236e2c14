"""Gateways over scripts of the simulator, one provider for each, and clients of them."""

from holysheep_core import APIGateway, Provider, RateLimits, StreamingRetryHandler
from holysheep_core.gateway.sharing import Sharing


def gateway_of(*scripts, **settings):
    settings.setdefault("health_check", None)
    names = ("holysheep", "openai", "third")
    providers = [
        Provider("k", script.base_url, name=name)
        for name, script in zip(names, scripts, strict=False)
    ]
    return APIGateway(providers, **settings)


def client(gateway, **settings):
    settings.setdefault("fallback_models", [])
    return StreamingRetryHandler(gateway=gateway, **settings)


def shared(store, *scripts, **settings):
    """A gateway as another process has it: stores of one URL are one per process."""
    gateway = gateway_of(*scripts, **settings)
    gateway.store = store
    gateway._sharing = Sharing(store, gateway)
    return gateway


def limited(script, store, **limits):
    provider = Provider("k", script.base_url, rate_limits=RateLimits(max_wait=0, **limits))
    gateway = APIGateway([provider], health_check=None)
    gateway.store = store
    return client(gateway)
