"""The embedded Triton's life: it starts, ends with whoever started it, and leaves nothing."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from converter import InputError
from scripts import embedded_triton, triton_guard
from scripts.embedded_triton import EmbeddedTriton, unused_port
from scripts.triton_guard import is_ready
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[2]
GUARD = [sys.executable, "-m", "scripts.embedded_triton"]

PARENT = """
import sys, time
from pathlib import Path
from scripts.embedded_triton import EmbeddedTriton
server = EmbeddedTriton(Path(sys.argv[1]), log=Path(sys.argv[2]))
server.start()
print(server._guard.pid, server.http_url, flush=True)
time.sleep(60)
"""


@pytest.fixture
def repository(tmp_path: Path, make_repository: Callable[..., Path]) -> Path:
    return make_repository(tmp_path)


def left_behind(guard: int) -> list[Path]:
    """Files and processes of a guard that should be gone."""
    folders = (Path(triton_guard.TEMPORARY), Path("/dev/shm"))  # noqa: S108 where Triton's regions are
    files = [path for folder in folders for path in folder.glob(f"embedded-triton-{guard}-*")]
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                command = (process / "cmdline").read_bytes().decode(errors="replace")
            except OSError:  # it has just ended
                continue
            if f"embedded-triton-{guard}-" in command:
                files.append(process)
    return files


def signals_of(process: int, which: str) -> set[int]:
    """Which signals a process catches (`SigCgt`) or ignores (`SigIgn`)."""
    status = Path(f"/proc/{process}/status").read_text()
    (mask,) = re.findall(rf"^{which}:\s*(\w+)$", status, re.M)
    return {number for number in range(1, 65) if int(mask, 16) >> (number - 1) & 1}


def accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def guard_of(server: EmbeddedTriton) -> int:
    assert server._guard is not None
    return server._guard.pid


def test_it_listens_on_loopback_only_and_leaves_nothing(repository: Path) -> None:
    with EmbeddedTriton(repository) as server:
        guard = guard_of(server)
        assert left_behind(guard)  # it does use what is looked for below
        log = server.log
        assert log.exists()
        for url in (server.http_url, server.grpc_url, server.metrics_url):
            host, _, port = url.partition(":")
            assert host == "127.0.0.1"
            assert accepts(host, int(port))
            assert not accepts("127.0.0.2", int(port))  # as a server on all addresses would
            assert not accepts("::1", int(port))
    assert not is_ready(server.http_url)
    assert not log.exists()
    wait_until(lambda: left_behind(guard) == [])
    server.stop()  # a second time


def test_it_comes_back_on_the_same_ports_after_a_crash(repository: Path, tmp_path: Path) -> None:
    with EmbeddedTriton(repository, log=tmp_path / "log") as server:
        urls, guard = (server.http_url, server.grpc_url, server.metrics_url), guard_of(server)
        server.kill()
        assert not is_ready(server.http_url)
        wait_until(lambda: left_behind(guard) == [])
        server.restart()
        wait_until(lambda: is_ready(server.http_url))
        assert (server.http_url, server.grpc_url, server.metrics_url) == urls
        server.restart()  # while it runs
        server.kill()
    assert (tmp_path / "log").read_text().count("Started HTTPService") == 3


def test_ports_that_it_has_chosen_are_given_to_nobody_else(repository: Path) -> None:
    server = EmbeddedTriton(repository)
    for url in (server.http_url, server.grpc_url, server.metrics_url):
        with socket.socket() as other, pytest.raises(OSError, match="already in use"):
            other.bind(("127.0.0.1", int(url.rpartition(":")[2])))
    server.stop()


def test_it_ends_with_its_parent(repository: Path, tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(repository), str(tmp_path / "log")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    guard, url = parent.stdout.readline().split()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not left_behind(int(guard)) and not is_ready(url))


def test_it_ends_with_its_guard(repository: Path) -> None:
    with EmbeddedTriton(repository) as server:
        guard = guard_of(server)
        os.kill(guard, signal.SIGKILL)
        folder = list(Path(triton_guard.TEMPORARY).glob(f"embedded-triton-{guard}-*"))
        wait_until(lambda: left_behind(guard) == folder)
        shutil.rmtree(folder[0])  # of links; nobody was left to remove it
    assert not is_ready(server.http_url)


def test_it_outlives_the_thread_that_started_it(repository: Path) -> None:
    server = EmbeddedTriton(repository)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.5)
    wait_until(lambda: is_ready(server.http_url))
    server.kill()
    server.stop()


def test_a_taken_port_is_named(repository: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is taken.*--grpc-port"):
            EmbeddedTriton(repository, grpc_port=port).start()
        command = [*GUARD, "--repository", str(repository), "--http-port", str(port)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"embedded_triton: port {port} is taken: choose another with --http-port\n"
    )


def test_another_server_on_its_ports_is_not_taken_for_it(
    triton: EmbeddedTriton, repository: Path
) -> None:
    urls = (triton.http_url, triton.grpc_url, triton.metrics_url)
    http, grpc, metrics = (int(url.rpartition(":")[2]) for url in urls)
    server = EmbeddedTriton(repository, http_port=http, grpc_port=grpc, metrics_port=metrics)
    with pytest.raises(InputError, match=f"port {http} is taken"):
        server.start()
    assert not server.log.exists()


def test_an_interrupt_while_it_starts_leaves_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, guards = EmbeddedTriton(repository), []

    def interrupt(*_: str) -> bool:
        if left_behind(guard_of(server)):  # the guard has begun
            guards.append(guard_of(server))
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(embedded_triton, "is_ready", interrupt)
    with pytest.raises(KeyboardInterrupt):
        server.__enter__()
    wait_until(lambda: left_behind(guards[0]) == [])
    assert not server.log.exists()


def test_a_server_that_is_not_ready_in_time_is_ended(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, guards = EmbeddedTriton(repository, log=tmp_path / "log"), []

    def silent(*_: str) -> bool:
        guards.append(guard_of(server))
        wait_until(lambda: signal.SIGQUIT in signals_of(guards[0], "SigCgt"))  # so the server runs
        return False

    monkeypatch.setattr(embedded_triton, "is_ready", silent)
    monkeypatch.setattr(embedded_triton, "START_DEADLINE", 0.0)
    with pytest.raises(RuntimeError, match="Triton was not ready in time: "):
        server.start()
    assert left_behind(guards[0]) == []


def test_bodypose_is_served_when_its_network_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(triton_guard, "BODYPOSE", tmp_path)
    assert triton_guard.shipped_repositories() == [ROOT / "model_repository"]
    (tmp_path / "bodypose_net/1").mkdir(parents=True)
    (tmp_path / "bodypose_net/1/model.onnx").write_bytes(b"network")
    assert triton_guard.shipped_repositories() == [ROOT / "model_repository", tmp_path]


def test_paths_may_have_a_space(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_repository: Callable[..., Path]
) -> None:
    folder = tmp_path / "my models"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with EmbeddedTriton(make_repository(folder)) as server:
        wait_until(lambda: is_ready(server.http_url))


def test_a_missing_repository_is_named(tmp_path: Path) -> None:
    server = EmbeddedTriton(tmp_path / "nowhere")
    with pytest.raises(InputError, match="nowhere is not a folder"):
        server.start()
    assert not server.log.exists()


def test_a_model_that_does_not_load_is_named_and_the_log_kept(repository: Path) -> None:
    (repository / "pose_classification_tao/1/model.onnx").write_bytes(b"not a network")
    server = EmbeddedTriton(repository)
    with pytest.raises(RuntimeError, match="failed to load 'pose_classification_tao'"):
        server.start()
    assert "INVALID_PROTOBUF" in server.log.read_text()
    server.stop()


def no_version(repository: Path) -> None:
    shutil.rmtree(repository / "pose_classification_tao/1")


def no_model(repository: Path) -> None:
    (repository / "old_models").mkdir()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (no_version, "'pose_classification_tao': at least one version must be available"),
        (no_model, "Poll failed for model directory 'old_models'"),
    ],
)
def test_a_folder_that_is_no_model_is_named(
    repository: Path, tmp_path: Path, edit: Callable[[Path], None], message: str
) -> None:
    edit(repository)
    with pytest.raises(RuntimeError, match=message):
        EmbeddedTriton(repository, log=tmp_path / "log").start()


def test_an_unknown_option_is_named(repository: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("failed to load 'an earlier one'\n")
    server = EmbeddedTriton(repository, extra_args=["--strict-readiness=perhaps"], log=log)
    with pytest.raises(RuntimeError, match='Bad option: "--strict-readiness"'):
        server.start()


@dataclass
class Foreground:
    """A server as `start_server.sh --embedded` runs it, and what it has said."""

    guard: subprocess.Popen[bytes]
    output: Path


@pytest.fixture
def foreground(repository: Path, tmp_path: Path) -> Iterator[Callable[..., Foreground]]:
    """Starts one and waits until it is ready: `foreground(*before)`, words before the command."""
    output = tmp_path / "output"
    with contextlib.ExitStack() as running:
        ports = [str(running.enter_context(unused_port())) for _ in range(3)]
        flags = zip(("--http-port", "--grpc-port", "--metrics-port"), ports, strict=True)
        words = ["--repository", str(repository), *(word for pair in flags for word in pair)]
        ready = f"Triton is ready: http 127.0.0.1:{ports[0]}, grpc 127.0.0.1:{ports[1]}"

        def start(*before: str) -> Foreground:
            stream = running.enter_context(output.open("w"))
            command = [*before, *GUARD, *words]
            guard = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=stream)
            running.callback(guard.wait)
            running.callback(guard.kill)
            wait_until(lambda: ready in output.read_text())
            return Foreground(guard, output)

        yield start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_in_the_foreground_it_ends_in_good_order(
    foreground: Callable[..., Foreground], number: signal.Signals
) -> None:
    server = foreground("env", "--default-signal=HUP")  # the tests may run under nohup
    server.guard.send_signal(number)
    assert server.guard.wait(timeout=PATIENCE) == 0
    wait_until(lambda: left_behind(server.guard.pid) == [])


def test_a_client_that_stays_connected_makes_its_end_no_failure(
    foreground: Callable[..., Foreground],
) -> None:
    server = foreground()
    (port,) = re.findall(r"Triton is ready: http 127\.0\.0\.1:(\d+)", server.output.read_text())
    with contextlib.closing(HTTPConnection("127.0.0.1", int(port))) as client:
        client.request("GET", "/v2/health/ready")
        client.getresponse().read()
        server.guard.send_signal(signal.SIGTERM)
        assert server.guard.wait(timeout=PATIENCE) == 0


def test_it_may_outlive_its_terminal(foreground: Callable[..., Foreground]) -> None:
    server = foreground("nohup")
    assert signal.SIGHUP in signals_of(server.guard.pid, "SigIgn")
    server.guard.send_signal(signal.SIGTERM)
    assert server.guard.wait(timeout=PATIENCE) == 0


def test_a_server_that_dies_is_told_of(foreground: Callable[..., Foreground]) -> None:
    server = foreground()
    (process,) = (
        path
        for path in left_behind(server.guard.pid)
        if path.parent == Path("/proc") and b"bin/tritonserver" in (path / "cmdline").read_bytes()
    )
    os.kill(int(process.name), signal.SIGSEGV)
    assert server.guard.wait(timeout=PATIENCE) == 1
    last = server.output.read_text().splitlines()[-1]
    assert last == "embedded_triton: tritonserver was ended by SIGSEGV: start it again"
    wait_until(lambda: left_behind(server.guard.pid) == [])


def test_it_leaves_nothing_when_nobody_reads_what_it_prints(
    repository: Path, tmp_path: Path
) -> None:
    server, log = EmbeddedTriton(repository, log=tmp_path / "log"), tmp_path / "stderr"
    reader, writer = os.pipe()
    os.close(reader)
    with log.open("w") as stderr, os.fdopen(writer, "w") as stdout:
        guard = subprocess.Popen(server._command, cwd=ROOT, stdout=stdout, stderr=stderr)
    assert guard.wait(timeout=PATIENCE) == 1
    wait_until(lambda: left_behind(guard.pid) == [])
    assert log.read_text().splitlines()[-1] == "embedded_triton: [Errno 32] Broken pipe"


def test_it_can_be_of_low_priority(repository: Path, tmp_path: Path) -> None:
    """Its network's threads then are of a lower one; nobody but root may raise theirs."""
    code = PARENT.replace("server.start()", "import os; os.nice(10); server.start()")
    command = [sys.executable, "-c", code, str(repository), str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        guard = int(parent.stdout.readline().split()[0])
        processes = [path for path in left_behind(guard) if path.parent == Path("/proc")]
        stats = [stat.read_text() for path in processes for stat in path.glob("task/*/stat")]
        parent.kill()
    nice = [int(stat.rpartition(")")[2].split()[16]) for stat in stats]  # proc(5), field 19
    usual = os.nice(0)
    assert min(usual + 15, 19) in nice and usual + 5 not in nice
    wait_until(lambda: left_behind(guard) == [])
