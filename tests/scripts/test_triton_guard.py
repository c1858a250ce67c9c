"""The guard of the embedded Triton: what it checks, what it gives the server, how it ends."""

from __future__ import annotations

import errno
import os
import re
import resource
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from converter import InputError
from scripts import triton_guard
from scripts.embedded_triton import EmbeddedTriton

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("ports", "message"),
    [
        (["--http-port", "99999"], "--http-port 99999: a port is a number from 1 to 65535"),
        (["--grpc-port", "-1"], "--grpc-port -1: a port is a number from 1 to 65535"),
        (["--http-port", "0"], "--http-port 0: a port is a number from 1 to 65535"),
        (
            ["--http-port", "18121", "--metrics-port", "18121"],
            "--http-port and --metrics-port are both 18121: give each a port of its own",
        ),
        (
            ["--http-port", "x"],
            "argument --http-port: invalid int value: 'x' "
            "(see python -m scripts.embedded_triton --help)",
        ),
    ],
)
def test_a_wrong_port_is_one_line(
    ports: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    free = ["--http-port", "18122", "--grpc-port", "18123", "--metrics-port", "18124"]
    assert triton_guard.main([*free, *ports]) == 2
    assert capsys.readouterr().err == f"embedded_triton: {message}\n"


def test_only_a_taken_port_is_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(probe: socket.socket, address: tuple[str, int]) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("socket.socket.bind", refuse)
    message = r"^port 80 cannot be used \(Permission denied\): choose another with --http-port$"
    with pytest.raises(InputError, match=message):
        triton_guard.check_ports((80, 81, 82))


def test_a_port_that_an_ended_server_has_just_used_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            server.accept()[0].close()  # who closes first lingers in TIME_WAIT
            assert client.recv(1) == b""
    monkeypatch.setattr(triton_guard, "PORTS", {"--http-port": 8000})
    triton_guard.check_ports([port])


def test_it_is_ready_when_its_metrics_are(triton: EmbeddedTriton) -> None:
    assert triton_guard.is_ready(triton.http_url, triton.metrics_url)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        closed = f"127.0.0.1:{nobody.getsockname()[1]}"
    assert triton_guard.is_ready(triton.http_url)
    assert not triton_guard.is_ready(triton.http_url, closed)


def test_the_server_has_a_large_stack_and_no_terminal(triton: EmbeddedTriton) -> None:
    assert triton._guard is not None
    guard = triton._guard.pid
    (server,) = Path(f"/proc/{guard}/task/{guard}/children").read_text().split()
    # Ctrl-C is for the parent to hear, which ends the guard, which ends the server.
    assert (os.getsid(guard), os.getsid(int(server))) == (guard, int(server))
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if not 0 <= most < triton_guard.STACK:
        limits = Path(f"/proc/{server}/limits").read_text()
        assert re.search(rf"^Max stack size +{triton_guard.STACK} ", limits, re.M)


def test_a_server_that_does_not_start_is_a_failure(
    tmp_path: Path, make_repository: Callable[..., Path]
) -> None:
    server = EmbeddedTriton(
        make_repository(tmp_path), extra_args=["--strict-readiness=perhaps"], log=tmp_path / "log"
    )
    done = subprocess.run(server._command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 1
