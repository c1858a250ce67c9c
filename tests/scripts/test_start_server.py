"""`start_server.sh` on machines made of fake `docker` and `nvidia-smi` programs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.embedded_triton import unused_port

ROOT = Path(__file__).resolve().parents[2]
ENGINE = """case "$1 $2" in
    "info ") ;;
    "info --format") echo '{"runc": {}%s}' ;;
    "compose version") %s ;;
    "compose --profile") echo nvcr.io/nvidia/tritonserver:26.11-py3 ;;
    "compose up")
        echo up $COMPOSE_PROFILES $TRITON_HTTP_PORT $TRITON_GRPC_PORT $TRITON_METRICS_PORT ;;
    *) exit 9 ;;
esac"""
DOCKER = {
    "none": None,
    "asleep": "exit 1",
    "no compose": ENGINE % ("", "exit 1"),
    "plain": ENGINE % ("", "true"),
    "nvidia": ENGINE % (', "nvidia": {}', "true"),
}
GPU = """case "$1" in
    -L) printf 'GPU %d: NVIDIA H200 (UUID: GPU-1)\n' {0..4999} ;; # more than a pipe holds
    *) echo 9.0 ;;
esac"""
BUILD = "echo built"
TOOLS = ["bash", "dirname", "readlink", "timeout", "grep", "sed", "head", "tr", "cut", "sha256sum"]
Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project folder with the script, a network, and an engine builder that says it ran."""
    version = tmp_path / "model_repository/pose_classification_tao/1"
    version.mkdir(parents=True)
    (version / "model.onnx").write_bytes(b"network")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/start_server.sh", tmp_path / "scripts")
    program(tmp_path / "scripts/build_engine.sh", BUILD)
    return tmp_path


@pytest.fixture
def start(checkout: Path) -> Start:
    """Runs the script on a machine: `start(*arguments, docker=, gpu=)`."""

    def run(
        *arguments: str, docker: str = "none", gpu: bool = False
    ) -> subprocess.CompletedProcess[str]:
        folder = checkout / "bin"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in TOOLS:
            (folder / name).symlink_to(str(shutil.which(name)))
        (folder / "env").symlink_to("/usr/bin/env")
        script = DOCKER[docker]
        if script is not None:
            program(folder / "docker", script)
        if gpu:
            program(folder / "nvidia-smi", GPU)
        return subprocess.run(
            [checkout / "scripts/start_server.sh", *arguments],
            env={"PATH": str(folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)


def engine(
    checkout: Path,
    onnx: bytes = b"network",
    sm: str = "90",
    builder: str = "trtexec of nvcr.io/nvidia/tensorrt:26.11-py3",
) -> None:
    version = checkout / "model_repository/pose_classification_tao/1"
    (version / "model.plan").write_bytes(b"engine")
    digest = hashlib.sha256(onnx).hexdigest()
    facts = {"tensorrt": "11.4.0", "sm": sm, "onnx_sha256": digest, "builder": builder}
    (version / "model.plan.json").write_text(json.dumps(facts, indent=2))


@pytest.mark.parametrize(
    ("docker", "gpu", "way", "why"),
    [
        ("none", False, "embedded Triton, on loopback only", "Docker is not installed"),
        ("none", True, "embedded Triton, on loopback only", "Docker is not installed"),
        ("asleep", True, "embedded Triton, on loopback only", "no Docker engine answers"),
        ("no compose", True, "embedded Triton, on loopback only", "Docker has no compose plugin"),
        ("plain", False, "CPU container", "no NVIDIA GPU"),
        ("nvidia", False, "CPU container", "no NVIDIA GPU"),
        ("plain", True, "CPU container", "Docker has no nvidia runtime (install the NVIDIA "
         "container toolkit)"),
        ("nvidia", True, "GPU container", "an NVIDIA GPU and Docker are here"),
    ],
)  # fmt: skip
def test_it_picks_the_best_way_and_says_why(
    start: Start, docker: str, gpu: bool, way: str, why: str
) -> None:
    done = start("--dry-run", docker=docker, gpu=gpu)
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == f"start_server: {way} ({why})"


@pytest.mark.parametrize(
    ("flag", "docker", "gpu", "message"),
    [
        ("--gpu", "nvidia", False, "the GPU container cannot run here: no NVIDIA GPU"),
        ("--gpu", "asleep", True, "the GPU container cannot run here: no Docker engine answers"),
        ("--cpu", "none", False, "the CPU container cannot run here: Docker is not installed"),
    ],
)
def test_what_cannot_run_is_refused_with_the_reason(
    start: Start, flag: str, docker: str, gpu: bool, message: str
) -> None:
    done = start(flag, "--dry-run", docker=docker, gpu=gpu)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"start_server: {message}\n"


@pytest.mark.parametrize("flag", ["--gpu", "--cpu", "--embedded"])
def test_a_way_may_be_asked_for_twice(start: Start, flag: str) -> None:
    assert start(flag, flag, "--dry-run", docker="nvidia", gpu=True).returncode == 0


@pytest.mark.parametrize("flag", ["--cpu", "--embedded"])
def test_a_lesser_way_can_be_asked_for(start: Start, flag: str) -> None:
    done = start(flag, "--dry-run", docker="nvidia", gpu=True)
    assert done.returncode == 0
    assert "(asked for)" in done.stderr
    assert ("docker" in done.stdout) == (flag == "--cpu")


def test_the_command_is_printed_not_run(start: Start) -> None:
    done = start("--dry-run", "--http-port", "9000", "--metrics-port", "9002", docker="plain")
    assert done.stdout == (
        "'env' 'COMPOSE_PROFILES=cpu' 'TRITON_HTTP_PORT=9000' 'TRITON_GRPC_PORT=8001' "
        "'TRITON_METRICS_PORT=9002' 'docker' 'compose' 'up'\n"
    )
    done = start("--dry-run", "--embedded", "--grpc-port", "9001")
    assert done.stdout == (
        "'scripts/setup_env.sh' 'serve'\n"
        "'.venv/bin/python' '-m' 'scripts.embedded_triton' "
        "'--http-port' '8000' '--grpc-port' '9001' '--metrics-port' '8002'\n"
    )


def test_the_cpu_container_is_started_on_the_ports_asked_for(start: Start) -> None:
    done = start("--http-port", "9000", "--grpc-port", "9001", docker="plain")
    assert (done.returncode, done.stdout) == (0, "up cpu 9000 9001 8002\n")


def test_int8_is_another_configuration_and_never_a_gpus(start: Start) -> None:
    done = start("--dry-run", "--int8", docker="nvidia", gpu=True)
    assert done.stderr == "start_server: CPU container (INT8)\n"
    assert "'COMPOSE_PROFILES=cpu' 'MODEL_CONFIG_NAME=onnxruntime_int8'" in done.stdout
    done = start("--dry-run", "--int8")
    assert "'--model-config-name' 'embedded_int8' '--http-port'" in done.stdout
    done = start("--dry-run", "--gpu", "--int8", docker="nvidia", gpu=True)
    assert done.returncode == 2
    assert "--int8 is for the CPU" in done.stderr


@pytest.mark.parametrize(
    "builder",
    [
        "trtexec of nvcr.io/nvidia/tensorrt:26.11-py3",
        "trtexec of nvcr.io/nvidia/tritonserver:26.11-py3",
        "trtexec of /usr/src/tensorrt/bin/trtexec",
        "the Python package tensorrt 11.4.0.106",
    ],
)
def test_a_fresh_engine_is_used(start: Start, checkout: Path, builder: str) -> None:
    engine(checkout, builder=builder)
    done = start(docker="nvidia", gpu=True)
    assert done.stdout == "up gpu 8000 8001 8002\n"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda checkout: None, "there is no engine yet"),
        (lambda checkout: engine(checkout, onnx=b"old"), "built from another model.onnx"),
        (lambda checkout: engine(checkout, sm="8.9"), "built for another GPU"),
        (
            lambda checkout: engine(checkout, builder="trtexec of nvcr.io/nvidia/t:26.10-py3"),
            "the engine was built in the container 26.10-py3, 26.11-py3 is to run",
        ),
    ],
)
def test_a_stale_engine_is_built_first(
    start: Start, checkout: Path, make: Callable[[Path], None], why: str
) -> None:
    make(checkout)
    done = start(docker="nvidia", gpu=True)
    assert why in done.stderr
    assert done.stdout == "built\nup gpu 8000 8001 8002\n"
    program(checkout / "scripts/build_engine.sh", "exit 1")
    done = start(docker="nvidia", gpu=True)
    assert (done.returncode, done.stdout) == (1, "")


def test_the_engine_of_bodypose_is_built_when_there_is_a_network(
    start: Start, checkout: Path
) -> None:
    engine(checkout)
    version = checkout / "model_repository_bodypose/bodypose_net/1"
    version.mkdir(parents=True)
    assert start(docker="nvidia", gpu=True).stdout == "up gpu 8000 8001 8002\n"
    (version / "model.onnx").write_bytes(b"network")
    done = start(docker="nvidia", gpu=True)
    assert "building the TensorRT engine of bodypose: there is no engine yet" in done.stderr
    assert done.stdout == "built\nup gpu 8000 8001 8002\n"
    assert start(docker="plain").stdout == "up cpu 8000 8001 8002\n"
    done = start("--dry-run", "--embedded")  # its Python models need OpenCV
    assert done.stdout.splitlines()[0] == "'scripts/setup_env.sh' 'serve' 'video'"
    for name in ("model.plan", "model.plan.json"):
        shutil.copy(checkout / "model_repository/pose_classification_tao/1" / name, version)
    assert start(docker="nvidia", gpu=True).stdout == "up gpu 8000 8001 8002\n"


def test_no_model_is_touched(start: Start, checkout: Path) -> None:
    other = checkout / "model_repository/someone_elses/1/model.onnx"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"precious")
    start(docker="nvidia", gpu=True)
    assert other.read_bytes() == b"precious"


def test_a_missing_network_is_named(start: Start, checkout: Path) -> None:
    path = "model_repository/pose_classification_tao/1/model.onnx"
    (checkout / path).unlink()
    done = start("--embedded")
    assert done.returncode == 2
    assert done.stderr == f"start_server: {path} is missing: check it out or export it\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gpu", "--cpu"], "--cpu and --gpu exclude each other"),
        (["--http-port"], "--http-port needs a port number, 1 to 65535"),
        (["--grpc-port", "x"], "--grpc-port needs a port number, 1 to 65535"),
        (["--grpc-port", "0"], "--grpc-port needs a port number, 1 to 65535"),
        (["--metrics-port", "65536"], "--metrics-port needs a port number, 1 to 65535"),
        (["--http-port", "99999999999999999999"], "--http-port needs a port number, 1 to 65535"),
        (
            ["--http-port", "8001"],
            "HTTP 8001, gRPC 8001, metrics 8002: give each a port of its own",
        ),
        (["--fast"], "unknown argument --fast (see --help)"),
    ],
)
def test_bad_arguments_are_refused(start: Start, arguments: list[str], message: str) -> None:
    done = start(*arguments)
    assert (done.returncode, done.stderr) == (2, f"start_server: {message}\n")


def test_the_embedded_server_really_starts(
    tmp_path: Path, make_repository: Callable[..., Path], unused_ports: list[str]
) -> None:
    make_repository(tmp_path)
    for folder in ("scripts", "converter"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    program(tmp_path / "scripts/setup_env.sh", "exit 0")  # the environment is this one
    flags = ("--http-port", "--grpc-port", "--metrics-port")
    arguments = [word for pair in zip(flags, unused_ports, strict=True) for word in pair]
    server = subprocess.Popen(
        [tmp_path / "scripts/start_server.sh", "--embedded", *arguments],
        env={**os.environ, "VENV": sys.prefix},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    lines = iter(server.stdout.readline, "")
    assert next(lines) == "start_server: embedded Triton, on loopback only (asked for)\n"
    ready = f"Triton is ready: http 127.0.0.1:{unused_ports[0]}, grpc 127.0.0.1:{unused_ports[1]}\n"
    assert ready in lines  # reads until it comes, or until the end
    server.terminate()
    server.communicate(timeout=120)
    assert server.returncode == 0


@pytest.fixture
def unused_ports() -> Iterator[list[str]]:
    with contextlib.ExitStack() as held:
        yield [str(held.enter_context(unused_port())) for _ in range(3)]


def test_help_from_its_own_folder(checkout: Path) -> None:
    script, folder = "./start_server.sh", checkout / "scripts"
    done = subprocess.run([script, "--help"], cwd=folder, capture_output=True, text=True)
    assert done.stdout.startswith("Start Triton with the model repository")


@pytest.mark.parametrize(
    ("script", "arguments", "ran"),
    [
        ("quickstart.sh", ["my out"], "-m scripts.quickstart {folder}/my out\n"),
        (
            "load_test.sh",
            ["--quick", "--output", "my out", "--models", "a", "b", "--repository", "models"],
            "--quick --output {folder}/my out --models a b --repository {folder}/models\n",
        ),
        ("load_test.sh", ["--output=my out"], "-m scripts.load_test --output={folder}/my out\n"),
        ("load_test.sh", ["--output"], "-m scripts.load_test --output\n"),
    ],
)
def test_folders_are_the_callers(
    tmp_path: Path, script: str, arguments: list[str], ran: str
) -> None:
    assert called(ROOT / "scripts" / script, tmp_path, *arguments).endswith(
        ran.format(folder=tmp_path)
    )


@pytest.mark.parametrize(
    ("script", "ran"),
    [
        ("start_server.sh", "-m scripts.embedded_triton --http-port 8000"),
        ("quickstart.sh", "-m scripts.quickstart"),
        ("load_test.sh", "-m scripts.load_test"),
        ("build_engine.sh", "-m training.common.engine"),
        ("setup_env.sh", "-m pip install"),
        ("pose_cls_e2e_inference/start_server.sh", "-m scripts.embedded_triton"),
        ("pose_cls_e2e_inference/start_client.sh", "client/tao_client.py"),
    ],
)
def test_a_script_may_be_called_through_a_link(tmp_path: Path, script: str, ran: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(ROOT / "scripts" / script)
    arguments = ["--embedded"] if script.endswith("start_server.sh") else []
    assert ran in called(link, tmp_path, *arguments)


def called(script: Path, folder: Path, *arguments: str) -> str:
    """What a script, called from a folder, asks of a Python that only says so."""
    (folder / "venv/bin").mkdir(parents=True)
    program(folder / "venv/bin/python", 'echo "$@"')
    done = subprocess.run(
        [script, *arguments],
        cwd=folder,
        env={**os.environ, "VENV": str(folder / "venv"), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_names_every_flag(start: Start) -> None:
    done = start("--help")
    assert done.returncode == 0
    for flag in ("--gpu", "--cpu", "--embedded", "--dry-run", "--http-port"):
        assert flag in done.stdout
    assert done.stderr == ""
