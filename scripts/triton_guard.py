"""The guard of an embedded Triton: starts it, ends with its parent, leaves nothing behind."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import http.client
import os
import resource
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from converter.command_line import Parser, say
from converter.errors import InputError
from scripts.command import program
from scripts.triton_wheel import ROOT, TritonWheel

LOOPBACK = "127.0.0.1"
PORTS = {"--http-port": 8000, "--grpc-port": 8001, "--metrics-port": 8002}
STOP_DEADLINE = 15.0  # seconds; Triton itself gives running requests 3
BODYPOSE = ROOT / "model_repository_bodypose"  # served when a network has been put into it
TEMPORARY = "/tmp"  # noqa: S108 whatever TMPDIR says, as Triton: its Python backend wants no blanks
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)  # the last: the terminal was closed
# Of a thread, in bytes, as in the containers; Triton may put a body there twice: docs/serving.md.
STACK = 64 << 20
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def is_ready(http_url: str, metrics_url: str | None = None) -> bool:
    """Whether the server answers, all its models are ready and, if given, its metrics are too.

    Triton opens the port of the metrics last, after it has said that it is ready.
    """
    return _answers(http_url, "/v2/health/ready") and (
        metrics_url is None or _answers(metrics_url, "/metrics")
    )


def _answers(url: str, path: str) -> bool:
    connection = http.client.HTTPConnection(url, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@program("embedded_triton")
def main(argv: Sequence[str] | None = None) -> int:
    """Run Triton on loopback in the foreground until Ctrl-C (or until its parent ends)."""
    parser = Parser("python -m scripts.embedded_triton", description=main.__doc__)
    parser.add_argument(
        "--repository",
        type=Path,
        nargs="+",
        default=shipped_repositories(),
        metavar="FOLDER",
        help="model repositories to serve (default: those of this project)",
    )
    parser.add_argument(
        "--model-config-name",
        default="embedded",
        metavar="NAME",
        help="configs/NAME.pbtxt is used where a model has it (default %(default)s)",
    )
    for flag, port in PORTS.items():
        parser.add_argument(
            flag, type=int, default=port, metavar="PORT", help="default %(default)s"
        )
    parser.add_argument(
        "--parent", type=int, metavar="PID", help="end when this process is no longer the parent"
    )
    parser.add_argument(
        "arguments", nargs="*", metavar="ARGUMENT", help="after --: more arguments of tritonserver"
    )
    options = parser.parse_args(argv)
    wheel = TritonWheel()
    for folder in options.repository:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder: give a model repository")
    check_ports((options.http_port, options.grpc_port, options.metrics_port))
    _on_ending(signal.default_int_handler)  # all end as Ctrl-C does
    name = f"embedded-triton-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=name, dir=TEMPORARY) as folder, _memory_swept(name):
        options.repository = _plain_paths(options.repository, Path(folder))
        command = _command(options, wheel.server, wheel.make_backends(Path(folder)), name)
        return _guard(command, wheel.environment(), options)


def shipped_repositories() -> list[Path]:
    """The model repositories of this project that have their networks."""
    bodypose = [BODYPOSE] if (BODYPOSE / "bodypose_net/1/model.onnx").is_file() else []
    return [ROOT / "model_repository", *bodypose]


def check_ports(ports: Sequence[int]) -> None:
    """See that the ports, in the order of `PORTS`, differ and are free on loopback.

    Raises:
        InputError: One is not free, or no port; names it and its flag.
    """
    flags: dict[int, str] = {}
    for flag, port in zip(PORTS, ports, strict=True):
        if not 0 < port < 1 << 16:
            raise InputError(f"{flag} {port}: a port is a number from 1 to 65535")
        if flags.setdefault(port, flag) != flag:
            raise InputError(
                f"{flags[port]} and {flag} are both {port}: give each a port of its own"
            )
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                why = "is taken" if taken else f"cannot be used ({error.strerror})"
                raise InputError(f"port {port} {why}: choose another with {flag}") from error


@contextlib.contextmanager
def _memory_swept(prefix: str) -> Iterator[None]:
    try:
        yield
    finally:
        for left in Path("/dev/shm").glob(f"{prefix}*"):  # noqa: S108 Triton's own, named by us
            left.unlink(missing_ok=True)


def _plain_paths(repositories: Sequence[Path], folder: Path) -> list[Path]:
    """Links in `folder` to those whose path the Python backend cannot give to its shell."""
    plain = []
    for number, repository in enumerate(repositories):
        if shlex.quote(str(repository)) != str(repository):
            link = folder / f"models{number}"
            link.symlink_to(repository.resolve())
            repository = link
        plain.append(repository)
    return plain


def _command(options: argparse.Namespace, server: Path, backends: Path, name: str) -> list[str]:
    return [
        str(server),
        *[f"--model-repository={folder}" for folder in options.repository],
        f"--model-config-name={options.model_config_name}",
        f"--backend-directory={backends}",
        f"--backend-config=python,shm-region-prefix-name={name}",
        f"--http-address={LOOPBACK}",
        f"--grpc-address={LOOPBACK}",
        f"--metrics-address={LOOPBACK}",
        f"--http-port={options.http_port}",
        f"--grpc-port={options.grpc_port}",
        f"--metrics-port={options.metrics_port}",
        "--model-control-mode=none",
        "--disable-auto-complete-config",
        "--allow-gpu-metrics=false",
        "--exit-timeout-secs=3",
        *options.arguments,
    ]


def _on_ending(handler: Callable[..., object]) -> None:
    for number in ENDINGS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, handler)


def _become_server() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    most = resource.getrlimit(resource.RLIMIT_STACK)[1]
    with contextlib.suppress(ValueError):  # the user allows less
        resource.setrlimit(resource.RLIMIT_STACK, (STACK, most))


@contextlib.contextmanager
def _running(command: list[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The server; it has ended when the block has, whatever ended that."""
    server = subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_become_server,
    )
    try:
        yield server
    finally:
        server.kill()
        server.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # Python stubs that a crash has left


def _guard(command: list[str], env: Mapping[str, str], options: argparse.Namespace) -> int:
    deadline, told, announced = float("inf"), False, False
    http, grpc, metrics = (
        f"{LOOPBACK}:{port}"
        for port in (options.http_port, options.grpc_port, options.metrics_port)
    )

    def stop(*_: object) -> None:
        nonlocal deadline
        deadline = min(deadline, time.monotonic() + STOP_DEADLINE)

    _on_ending(stop)
    with _running(command, env) as server:
        signal.signal(signal.SIGQUIT, lambda *_: server.kill())
        while server.poll() is None:
            if options.parent not in (None, os.getppid()):
                stop()
            if deadline < float("inf") and not told:
                told = True
                server.terminate()
            if time.monotonic() > deadline:
                server.kill()
            if not announced and is_ready(http, metrics):
                announced = True
                say(f"Triton is ready: http {http}, grpc {grpc}")
            time.sleep(0.1)
    if server.returncode < 0 and not told:
        name = signal.Signals(-server.returncode).name
        raise RuntimeError(f"tritonserver was ended by {name}: start it again")
    # Triton calls its end a failure when a client stays connected for longer than it waits.
    return int(server.returncode < 0 or (server.returncode > 0 and not told))
