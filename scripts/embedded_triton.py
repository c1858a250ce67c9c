"""Run a real Triton server from the nvidia-pytriton wheel: no Docker, no GPU, loopback only.

`EmbeddedTriton` is a handle on a guard process (`scripts/triton_guard.py`), so that the
server ends with its parent however that dies. The wheel carries Triton 2.51, which lacks the
security fixes of later releases: for one machine's own use, never for a network.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from converter.command_line import MISTAKE
from converter.errors import InputError
from scripts.triton_guard import LOOPBACK, PORTS, STOP_DEADLINE, check_ports, is_ready, main
from scripts.triton_wheel import ROOT

START_DEADLINE = 120.0  # seconds; a cold disk and a busy machine included
SIGNS = (
    "failed to load '",
    "failed to load model '",
    "Poll failed",
    "Bad option",
    "error: creating server",
)


@contextlib.contextmanager
def unused_port() -> Iterator[int]:
    """A loopback port that the system gives to nobody else meanwhile; a server may listen there."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, 0))
        yield int(holder.getsockname()[1])


class EmbeddedTriton:
    """A Triton server on loopback; ready when the `with` block begins.

    Args:
        repository: Model repository.
        model_config_name: Which `configs/<name>.pbtxt` to use where a model has one.
        http_port: 0 takes a free port, here and below.
        grpc_port: Port of the gRPC service.
        metrics_port: Port of the Prometheus metrics.
        extra_args: Further arguments of tritonserver.
        log: File the server's log is appended to; None: a temporary one, removed by `stop`.

    Raises:
        InputError: The wheel or a library it needs is missing, or a port is taken.
        RuntimeError: The server ended or was not ready in time; its log is named and kept.
    """

    def __init__(
        self,
        repository: Path,
        model_config_name: str = "embedded",
        http_port: int = 0,
        grpc_port: int = 0,
        metrics_port: int = 0,
        extra_args: Sequence[str] = (),
        log: Path | None = None,
    ) -> None:
        self._reserved = contextlib.ExitStack()
        self._ports = [
            port or self._reserved.enter_context(unused_port())
            for port in (http_port, grpc_port, metrics_port)
        ]
        self._command = [sys.executable, "-m", "scripts.embedded_triton"]
        self._command += ["--repository", str(Path(repository).resolve())]
        self._command += ["--model-config-name", model_config_name, "--parent", str(os.getpid())]
        for flag, port in zip(PORTS, self._ports, strict=True):
            self._command += [flag, str(port)]
        self._command += ["--", *extra_args]
        self._log_is_temporary = log is None
        self.log = log or _temporary_log()
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def http_url(self) -> str:
        """Host and port of the HTTP service, without a scheme, as tritonclient wants it."""
        return f"{LOOPBACK}:{self._ports[0]}"

    @property
    def grpc_url(self) -> str:
        """Host and port of the gRPC service."""
        return f"{LOOPBACK}:{self._ports[1]}"

    @property
    def metrics_url(self) -> str:
        """Host and port of the Prometheus metrics."""
        return f"{LOOPBACK}:{self._ports[2]}"

    def start(self) -> None:
        """Start the server and wait until every model is ready."""
        try:
            check_ports(self._ports)  # lest a stranger there be taken for our server
        except InputError:
            self.stop()
            raise
        with self.log.open("ab") as log:
            offset = log.tell()
            self._guard = subprocess.Popen(
                self._command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_DEADLINE
        while not is_ready(self.http_url, self.metrics_url):
            code = self._guard.poll()
            if code is not None or time.monotonic() > deadline:
                self._end(signal.SIGQUIT)
                raise self._failure(code, offset)
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server in good order; a second call does nothing."""
        self._end(signal.SIGTERM)
        self._reserved.close()
        if self._log_is_temporary:
            self.log.unlink(missing_ok=True)

    def kill(self) -> None:
        """End tritonserver with SIGKILL, as a crash would."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Start again on the same ports, whether the server still runs or not."""
        self._end(signal.SIGTERM)
        self.start()

    def __enter__(self) -> EmbeddedTriton:
        try:
            self.start()
        except KeyboardInterrupt:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self, number: signal.Signals) -> None:
        if self._guard is None:
            return
        self._guard.send_signal(number)
        try:
            self._guard.wait(STOP_DEADLINE + 5)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._guard = None

    def _failure(self, code: int | None, offset: int) -> Exception:
        with self.log.open("rb") as log:
            log.seek(offset)
            text = log.read().decode(errors="replace")
        if code == MISTAKE:  # the guard's one line on what the user should change
            self.stop()
            return InputError(text.strip().rpartition("embedded_triton: ")[2])
        why = next((line for line in text.splitlines() if any(sign in line for sign in SIGNS)), "")
        state = "was not ready in time" if code is None else "did not start"
        return RuntimeError(f"Triton {state}: {why or 'the log says more'} (log: {self.log})")


def _temporary_log() -> Path:
    handle, name = tempfile.mkstemp(prefix="embedded-triton-", suffix=".log")
    os.close(handle)
    return Path(name)


if __name__ == "__main__":
    sys.exit(main())
