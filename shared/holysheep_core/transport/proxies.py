"""Which proxy a request goes through: the one of the settings, or what the environment says."""

from __future__ import annotations

import importlib.util
import ipaddress
import urllib.request
from types import ModuleType

import httpcore
import httpx

from holysheep_core.errors import ConfigurationError

_KINDS = "http://, https://, socks5:// or socks5h://"


def read_proxy(url: str, where: str = "proxy", core: ModuleType = httpcore) -> httpcore.Proxy:
    """Return a proxy in httpcore's form.

    Args:
        url: Where it is; it may hold a name and a password, which no message repeats.
        where: Which setting that is.
        core: httpcore, or httpcore2.

    Raises:
        ConfigurationError: It cannot be used; the message says what can.
    """
    try:
        proxy = httpx.Proxy(url)
    except (ValueError, httpx.InvalidURL):
        kind = url.partition("://")[0]
        raise ConfigurationError(
            f"{where}: this URL of kind {kind}:// cannot be used; a proxy needs {_KINDS}."
        ) from None
    if proxy.url.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ConfigurationError(
            f"{where}: a SOCKS proxy needs the socksio package: pip install 'httpx[socks]'."
        )
    at = proxy.url
    made: httpcore.Proxy = core.Proxy(
        url=core.URL(scheme=at.raw_scheme, host=at.raw_host, port=at.port, target=b"/"),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
    )
    return made


def label(proxy: httpcore.Proxy | None, where: str) -> str:
    """Return a proxy for messages: its URL without name and password, and where it is set."""
    if proxy is None:
        return ""
    url = proxy.url
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme.decode()}://{url.host.decode()}{port} ({where})"


def environment_proxies() -> dict[str, str | None]:
    """Return the environment's proxies for `httpx.Client(mounts=…)`, as httpx would read them.

    Returns:
        For each pattern of URLs the proxy's URL, or None for no proxy.

    Raises:
        ConfigurationError: An entry of NO_PROXY cannot be used.
    """
    found = urllib.request.getproxies()
    direct = [host.strip() for host in found.get("no", "").split(",") if host.strip()]
    if "*" in direct:
        return {}
    proxies: dict[str, str | None] = {}
    for scheme in ("http", "https", "all"):
        if url := found.get(scheme):
            proxies[f"{scheme}://"] = url if "://" in url else f"http://{url}"
    for host in direct:
        pattern = _pattern(host)
        try:
            httpx.URL(pattern)
        except httpx.InvalidURL as error:
            raise ConfigurationError(f"NO_PROXY: {host!r} cannot be used: {error}.") from None
        proxies[pattern] = None
    return proxies


def _pattern(host: str) -> str:
    """Return httpx's pattern for an entry of NO_PROXY; a name stands for its subdomains too."""
    if "://" in host:
        return host
    try:
        version = ipaddress.ip_address(host.partition("/")[0]).version
    except ValueError:
        return f"all://{host}" if host.lower() == "localhost" else f"all://*{host}"
    return f"all://[{host}]" if version == 6 else f"all://{host}"  # noqa: PLR2004
