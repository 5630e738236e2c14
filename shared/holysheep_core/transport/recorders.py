"""Recorders and mocks for tests: vcrpy, pytest-httpx and others like them.

They put a function of their own in place of `httpx.HTTPTransport.handle_request`, and what does not
pass there they do not see. So while such a function is there, our pools leave the requests to a
transport of httpx. A tracer that wraps httpx's function (OpenTelemetry's) is not meant: the code
that it wraps is httpx's still.
"""

from __future__ import annotations

from typing import Any

from holysheep_core.transport.connections import LIBRARIES
from holysheep_core.transport.library import Library


def is_replaced(function: Any) -> bool:
    """Tell whether the code of one of httpx's functions is somebody else's."""
    code_of = getattr(function, "__globals__", {})
    return str(code_of.get("__name__", "httpx")).partition(".")[0] not in LIBRARIES


def sync_replaced(library: Library) -> bool:
    """Tell whether requests of an `httpx.Client` are recorded or mocked."""
    return is_replaced(library.http.HTTPTransport.handle_request)


def async_replaced(library: Library) -> bool:
    """Tell whether requests of an `httpx.AsyncClient` are recorded or mocked."""
    return is_replaced(library.http.AsyncHTTPTransport.handle_async_request)
