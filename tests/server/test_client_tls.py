"""Encrypted connections: a TLS end in front of the live Triton."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from client import ServerError, Tls, classify
from client.cli import main
from scripts.embedded_triton import EmbeddedTriton
from tests.client.certificates import write_certificate
from tests.server.client_inputs import clips
from tests.server.faulty_proxy import FaultyProxy


def tls_end(folder: Path, trusted: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*write_certificate(folder, "server"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    if trusted is not None:
        context.load_verify_locations(trusted)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture(params=["http", "grpc"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def url(protocol: str, triton: EmbeddedTriton) -> str:
    return triton.grpc_url if protocol == "grpc" else triton.http_url


def test_a_trusted_server(protocol: str, triton: EmbeddedTriton, tmp_path: Path) -> None:
    with FaultyProxy(url(protocol, triton), tls=tls_end(tmp_path)) as proxy:
        tls = Tls(ca=tmp_path / "server.pem")
        (result,) = classify(clips([4]), url=proxy.url, protocol=protocol, tls=tls)
    assert result.label == "walking"


def test_a_server_that_asks_who_we_are(
    protocol: str, triton: EmbeddedTriton, tmp_path: Path
) -> None:
    own, key = write_certificate(tmp_path, "own")
    with FaultyProxy(url(protocol, triton), tls=tls_end(tmp_path, trusted=own)) as proxy:
        tls = Tls(tmp_path / "server.pem", own, key)
        (result,) = classify(clips([4]), url=proxy.url, protocol=protocol, tls=tls)
        assert result.label == "walking"
        with pytest.raises(ServerError):
            stranger = Tls(tmp_path / "server.pem")
            classify(clips([4]), url=proxy.url, protocol=protocol, tls=stranger, deadline=3)


def test_a_stranger_is_not_trusted(protocol: str, triton: EmbeddedTriton, tmp_path: Path) -> None:
    with (
        FaultyProxy(url(protocol, triton), tls=tls_end(tmp_path)) as proxy,
        pytest.raises(ServerError, match="--ssl-ca"),
    ):
        classify(clips([4]), url=proxy.url, protocol=protocol, tls=Tls(), deadline=3)


def test_flags(triton: EmbeddedTriton, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", clips([4]))
    with FaultyProxy(triton.http_url, tls=tls_end(tmp_path)) as proxy:
        words = [str(tmp_path / "a.npy"), "-i", "https", "-u", f"https://{proxy.url}", "--ssl"]
        words += ["--ssl-ca", str(tmp_path / "server.pem"), "--output_path", str(tmp_path)]
        assert main(words) == 0
    assert "walking" in (tmp_path / "results.txt").read_text()


@pytest.mark.parametrize("flags", [["--ssl"], []], ids=["plain-server", "tls-server"])
def test_one_side_encrypts_and_the_other_does_not(
    flags: list[str], protocol: str, triton: EmbeddedTriton, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", clips([4]))
    context = None if flags else tls_end(tmp_path)
    with FaultyProxy(url(protocol, triton), tls=context) as proxy:
        words = [sys.executable, "-m", "client", str(tmp_path / "a.npy"), "-i", protocol, *flags]
        words += ["-u", proxy.url, "--deadline", "3", "--output_path", str(tmp_path / "out")]
        answer = subprocess.run(words, capture_output=True, text=True)
    assert answer.returncode == 1
    errors = [line for line in answer.stderr.splitlines() if "[WARNING]" not in line]
    assert len(errors) == 1
    assert "--ssl" in errors[0] or "is a Triton server running there" in errors[0]


def test_a_broken_certificate_file(triton: EmbeddedTriton, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    words = [str(tmp_path), "--ssl", "--ssl-ca", str(tmp_path / "ca.pem")]
    (tmp_path / "a.json").write_text("[]")
    assert main([*words, "-u", triton.http_url, "--output_path", str(tmp_path / "out")]) == 2
