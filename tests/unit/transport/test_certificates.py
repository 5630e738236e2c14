"""Certificates that the environment names: an error names the variable, the path and the fault."""

import asyncio
import os

import pytest
from typer.testing import CliRunner

from holysheep_core import ConfigurationError, StreamingRetryHandler, create_resilient_client
from holysheep_core.cli.app import app
from holysheep_core.transport.certificates import check_certificates
from holysheep_core.transport.httpx_client import ssl_context
from support.calls import ASK


@pytest.fixture(autouse=True)
def no_context_of_before():
    ssl_context.cache_clear()
    yield
    ssl_context.cache_clear()


@pytest.fixture
def wrong(tmp_path, monkeypatch):
    """SSL_CERT_FILE names no file; what the error says of it."""
    path = str(tmp_path / "nope.pem")
    monkeypatch.setenv("SSL_CERT_FILE", path)
    return (
        f"SSL_CERT_FILE={path!r}: no such file. Set it to a PEM file of certificates, or unset it."
    )


def said(call):
    with pytest.raises(ConfigurationError) as caught:
        call()
    return str(caught.value)


def test_a_file_that_does_not_exist(wrong):
    assert said(check_certificates) == wrong
    assert said(create_resilient_client) == wrong


def test_a_call_sync_and_async(wrong):
    handler = StreamingRetryHandler("any-key", max_retries=0)
    assert wrong in said(lambda: handler.complete("gpt-4.1", ASK))
    assert wrong in said(lambda: asyncio.run(handler.acomplete("gpt-4.1", ASK)))


def test_a_file_without_a_certificate(tmp_path, monkeypatch):
    path = tmp_path / "empty.pem"
    path.write_text("nothing")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    assert f"SSL_CERT_FILE={str(path)!r}: no certificate in it." in said(check_certificates)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path))
    assert f"SSL_CERT_FILE={str(tmp_path)!r}: " in said(check_certificates)


def test_a_directory_that_does_not_exist(tmp_path, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    path = str(tmp_path / "nope")
    monkeypatch.setenv("SSL_CERT_DIR", path)
    assert f"SSL_CERT_DIR={path!r}: no such directory." in said(check_certificates)


def test_what_can_be_used_passes(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    check_certificates()
    monkeypatch.delenv("SSL_CERT_DIR")
    check_certificates()


@pytest.mark.parametrize("command", ["check", "chat"])
def test_the_commands_end_with_one_message(wrong, command, monkeypatch):
    monkeypatch.setenv("HOLYSHEEP_API_KEY", "any-key")
    ran = CliRunner().invoke(app, [command], input="Hi\n", env=dict(os.environ))
    shown = " ".join(ran.output.replace("│", " ").split())
    assert "SSL_CERT_FILE=" in shown
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
