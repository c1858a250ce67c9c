"""Settings: where the server is, and values that cannot work."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from client import InputError, Settings, Tls


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "localhost:8000"),
        ({"protocol": "grpc"}, "localhost:8001"),
        ({"url": "camera.lan"}, "camera.lan:8000"),
        ({"url": "camera.lan", "protocol": "GRPC"}, "camera.lan:8001"),
        ({"url": "camera.lan:9"}, "camera.lan:9"),
        ({"url": "http://camera.lan:9/"}, "camera.lan:9"),
        ({"url": "gateway/triton/"}, "gateway:8000/triton"),
        ({"url": "[::1]:9"}, "[::1]:9"),
        ({"url": "[::1]"}, "[::1]:8000"),
        ({"url": "[::1]:9/triton"}, "[::1]:9/triton"),
        ({"url": "camera.lan/", "protocol": "grpc"}, "camera.lan:8001"),
        ({"url": "grpcs://camera.lan", "protocol": "grpc", "tls": Tls()}, "camera.lan:8001"),
    ],
)
def test_a_url_needs_no_port_and_no_scheme(given: dict[str, Any], url: str) -> None:
    assert Settings(**given).url == url


def test_a_server_has_a_minute() -> None:
    assert (Settings().timeout, Settings().deadline) == (60, 60)


def test_https_is_plain_http_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(protocol="https")
    assert (settings.protocol, settings.tls, settings.url) == ("http", None, "localhost:8000")
    assert "plain HTTP" in caplog.text


def test_https_with_tls_is_encrypted_and_silent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        settings = Settings(protocol="HTTPS", tls=Tls())
    assert settings.protocol == "http"
    assert settings.tls is not None
    assert not caplog.records


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"protocol": "grcp"}, "unknown protocol 'grcp': choose http or grpc"),
        ({"streaming": True}, "Streaming is only allowed with gRPC protocol"),
        ({"url": "host:http"}, "port must be a number"),
        ({"url": "host:70000"}, "port must be a number"),
        ({"url": "host:0"}, "port must be a number from 1"),
        ({"url": "::1"}, r"an IPv6 address in brackets, as in \[::1\]:8000"),
        ({"url": "gateway/triton", "protocol": "grpc"}, "gRPC takes HOST.*, leave out /triton"),
        ({"url": f"{'x' * 64}.lan"}, r"is not HOST\[:PORT\]: .*too long"),
        ({"version": "1x"}, "--model-version must be a whole number, not '1x'"),
        ({"version": "1/../2"}, "--model-version must be a whole number"),
        ({"version": "-1"}, "--model-version must be a whole number"),
        ({"version": "²"}, "--model-version must be a whole number"),
        ({"url": "[::1"}, r"-u \[::1: is not HOST\[:PORT\]: Invalid IPv6 URL"),
        ({"url": "https://host"}, "add --ssl to encrypt"),
        ({"batch_size": 0}, "--batch-size must be above 0, not 0"),
        ({"in_flight": -1}, "--in-flight must be above 0, not -1"),
        ({"timeout": 0.0}, "--timeout must be above 0"),
        ({"deadline": float("nan")}, "--deadline must be above 0, not nan"),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings(**given)


def test_tls_files_must_be_there_and_complete(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.pem: no such certificate"):
        Tls(ca=tmp_path / "absent.pem")
    certificate = tmp_path / "own.pem"
    certificate.touch()
    with pytest.raises(InputError, match="give --ssl-cert and --ssl-key together"):
        Tls(certificate=certificate)
    with pytest.raises(InputError, match="give --ssl-cert and --ssl-key together"):
        Tls(key=certificate)
    for key, own in ((certificate, tmp_path / "lost.pem"), (tmp_path / "lost.pem", certificate)):
        with pytest.raises(InputError, match=r"lost\.pem: no such certificate or key file"):
            Tls(certificate=own, key=key)
    with pytest.raises(InputError, match=r"own\.pem: cannot be used for TLS"):
        Tls(ca=certificate)
