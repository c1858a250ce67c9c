"""The containers: every promise of `docker-compose.yml` and of what runs inside them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
import yaml
from tritonclient.utils import InferenceServerException

from scripts.embedded_triton import EmbeddedTriton
from scripts.triton_guard import STACK
from scripts.triton_wheel import KEEP_MEMORY
from tests.server.test_recovery import stub_of
from tests.tiny_network import tiny_logits

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
TOO_NEW = ("--allow-client-shm", "--http-max-input-size", "--grpc-max-response-pool-size")
DOCKER_COMPOSE = bool(shutil.which("docker")) and (
    subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    == 0
)


@pytest.fixture(params=sorted(SERVICES))
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(SERVICES[request.param])


def run_triton(
    folder: Path, version: str = "26.10", opencv: bool = True, **environment: str
) -> Any:
    """Runs the container's start script with a tritonserver that prints its arguments.

    And on stderr, what it finds of malloc's settings; in the file `parent`, whose child it is.
    Python finds OpenCV if `opencv`.
    """
    program = folder / "tritonserver"
    program.write_text(
        '#!/bin/bash\nprintf "%s\\n" "$@"\nprintenv | grep MALLOC >&2 || true\n'
        f'echo $PPID > "{folder}/parent"\n'
    )
    program.chmod(0o755)
    python = folder / "python3"
    python.write_text(f"#!/bin/bash\nexit {0 if opencv else 1}\n")
    python.chmod(0o755)
    path = os.pathsep.join((str(folder), os.environ["PATH"]))
    environment |= {"PATH": path, "NVIDIA_TRITON_SERVER_VERSION": version}
    script = ROOT / "deploy/run_triton.sh"
    return subprocess.run([script], env=environment, capture_output=True, text=True, check=False)


def test_one_profile_each_and_gpu_by_default() -> None:
    assert {name: service["profiles"] for name, service in SERVICES.items()} == {
        "triton": ["gpu"],
        "triton-cpu": ["cpu"],
    }
    assert (ROOT / ".env").read_text().split() == ["COMPOSE_PROFILES=gpu"]


def test_the_image_is_pinned_and_recent(service: dict[str, Any]) -> None:
    match = re.fullmatch(
        r"nvcr\.io/nvidia/tritonserver:\$\{TRITON_TAG:-(\d+)\.(\d+)-py3\}", service["image"]
    )
    assert match is not None
    assert (int(match[1]), int(match[2])) >= (26, 10)


def test_ports_are_on_loopback_only(service: dict[str, Any]) -> None:
    assert service["ports"] == [
        f"127.0.0.1:${{TRITON_{name}_PORT:-{port}}}:{port}"
        for name, port in (("HTTP", 8000), ("GRPC", 8001), ("METRICS", 8002))
    ]


def test_the_container_may_do_as_little_as_possible(service: dict[str, Any]) -> None:
    assert service["user"] == "1000:1000"
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 a tmpfs of the container
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["shm_size"] == "1gb"
    assert service["ulimits"] == {"memlock": -1, "stack": STACK}
    assert service["pids_limit"] <= 4096
    assert not {"privileged", "network_mode", "ipc", "pid", "cap_add"} & set(service)


def test_files_are_mounted_read_only_and_exist(service: dict[str, Any]) -> None:
    mounts = dict(volume.rsplit(":", 1)[0].split(":") for volume in service["volumes"])
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    assert all((ROOT / source).is_dir() for source in mounts)
    assert mounts["./model_repository"] == "/models"
    assert mounts["./model_repository_bodypose"] == "/models_bodypose"
    assert mounts["./converter"] == "/opt/tritonserver/backends/python/converter"
    command, healthcheck = service["command"], service["healthcheck"]["test"]
    for path in (command[-1], healthcheck[-1]):
        assert (ROOT / path.replace(mounts["./deploy"], "deploy")).exists()


def test_only_the_gpu_service_reserves_a_gpu() -> None:
    (device,) = SERVICES["triton"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}
    assert "deploy" not in SERVICES["triton-cpu"]
    assert (
        SERVICES["triton-cpu"]["environment"]["MODEL_CONFIG_NAME"]
        == "${MODEL_CONFIG_NAME:-onnxruntime}"
    )
    assert "MODEL_CONFIG_NAME" not in SERVICES["triton"]["environment"]


@pytest.mark.skipif(not DOCKER_COMPOSE, reason="the docker compose plugin is not installed")
@pytest.mark.parametrize("profile", ["gpu", "cpu"])
def test_docker_compose_accepts_it(profile: str) -> None:
    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"],
        cwd=ROOT,
        env={**os.environ, "COMPOSE_PROFILES": profile},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_tritonserver_is_started_hardened(tmp_path: Path) -> None:
    arguments = run_triton(tmp_path, TRITON_ADMIN_KEY="sesame").stdout.splitlines()
    restricted = "model-repository,shared-memory,trace,logging:admin-key=sesame"
    assert set(arguments) == {
        "--model-repository=/models",
        "--model-control-mode=none",
        "--disable-auto-complete-config",
        "--strict-readiness=true",
        "--exit-on-error=true",
        f"--http-restricted-api={restricted}",
        f"--grpc-restricted-protocol={restricted}",
        "--allow-client-shm=false",
        "--http-max-input-size=33554432",
        "--grpc-max-response-pool-size=16",
        "--allow-sagemaker=false",
        "--allow-vertex-ai=false",
        "--allow-metrics=true",
        "--exit-timeout-secs=10",
    }


def test_the_configuration_is_chosen_by_name_and_the_key_is_secret(tmp_path: Path) -> None:
    runs = [
        run_triton(tmp_path, MODEL_CONFIG_NAME="onnxruntime", **key).stdout.splitlines()
        for key in ({}, {"TRITON_ADMIN_KEY": ""})
    ]
    assert runs[0][-1] == "--model-config-name=onnxruntime"
    keys = [run[5].rpartition("admin-key=")[2] for run in runs]
    assert keys[0] != keys[1]
    assert all(len(key) == 36 for key in keys)


def test_tritonserver_gets_the_signals_of_docker(tmp_path: Path) -> None:
    run_triton(tmp_path)
    assert int((tmp_path / "parent").read_text()) == os.getpid()  # it takes the script's place


def test_memory_is_kept_as_in_the_embedded_server(tmp_path: Path) -> None:
    lines = run_triton(tmp_path).stderr.splitlines()
    assert dict(line.split("=") for line in lines) == KEEP_MEMORY
    own = {"MALLOC_TRIM_THRESHOLD_": "1", "MALLOC_MMAP_THRESHOLD_": "2"}
    lines = run_triton(tmp_path, **own).stderr.splitlines()
    assert dict(line.split("=") for line in lines) == own


def test_docker_waits_until_triton_has_ended(tmp_path: Path, service: dict[str, Any]) -> None:
    arguments = dict(a.split("=", 1) for a in run_triton(tmp_path).stdout.splitlines() if "=" in a)
    patience = int(service["stop_grace_period"].removesuffix("s"))
    assert patience > int(arguments["--exit-timeout-secs"])


@pytest.mark.parametrize(
    ("configuration", "weights", "served"),
    [
        ("onnxruntime", "model.onnx", True),
        ("onnxruntime_int8", "model.onnx", True),
        ("onnxruntime", "model.plan", False),
        ("", "model.plan", True),
        ("", "model.onnx", False),
        ("", None, False),
    ],
)
def test_bodypose_is_served_when_its_network_is_there(
    tmp_path: Path, configuration: str, weights: str | None, served: bool
) -> None:
    version = tmp_path / "bodypose/bodypose_net/1"
    version.mkdir(parents=True)
    if weights:
        (version / weights).write_bytes(b"network")
    folder = str(tmp_path / "bodypose")
    done = run_triton(tmp_path, BODYPOSE=folder, MODEL_CONFIG_NAME=configuration)
    assert (f"--model-repository={folder}" in done.stdout.splitlines()) is served
    missing = (configuration, weights) == ("", "model.onnx")
    assert ("its TensorRT engine is missing" in done.stderr) is missing


def test_bodypose_without_opencv_leaves_the_others_alone(tmp_path: Path) -> None:
    version = tmp_path / "bodypose/bodypose_net/1"
    version.mkdir(parents=True)
    (version / "model.plan").write_bytes(b"network")
    done = run_triton(tmp_path, opencv=False, BODYPOSE=str(tmp_path / "bodypose"))
    repositories = [line for line in done.stdout.splitlines() if "--model-repository=" in line]
    assert (done.returncode, repositories) == (0, ["--model-repository=/models"])
    assert "bodypose is not served, put OpenCV into deploy/python" in done.stderr


@pytest.mark.parametrize("version", ["24.10", "25.07", "26.09", ""])
def test_an_old_triton_is_refused(tmp_path: Path, version: str) -> None:
    done = run_triton(tmp_path, version=version)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is too old, set TRITON_TAG to 26.10-py3 or newer" in done.stderr


@pytest.mark.parametrize("version", ["26.10", "26.11", "27.01"])
def test_a_newer_triton_is_accepted(tmp_path: Path, version: str) -> None:
    assert run_triton(tmp_path, version=version).returncode == 0


def test_the_restrictions_hold_on_a_live_server(
    tmp_path: Path, make_repository: Callable[..., Path]
) -> None:
    """With the options that the embedded Triton, which is older, knows as well."""
    arguments = run_triton(tmp_path, TRITON_ADMIN_KEY="sesame").stdout.splitlines()
    known = [
        argument
        for argument in arguments
        if not argument.startswith((*TOO_NEW, "--model-repository"))
    ]
    with EmbeddedTriton(make_repository(tmp_path), extra_args=known) as server:
        http = tritonclient.http.InferenceServerClient(server.http_url)
        grpc = tritonclient.grpc.InferenceServerClient(server.grpc_url)
        for client, header in ((http, "admin-key"), (grpc, "triton-grpc-protocol-admin-key")):
            for closed in (
                client.get_system_shared_memory_status,
                client.get_model_repository_index,
                client.get_trace_settings,
                client.get_log_settings,
            ):
                with pytest.raises(InferenceServerException):
                    closed()
                assert closed(headers={header: "sesame"}) is not None
            with pytest.raises(
                InferenceServerException, match="explicit model load / unload is not allowed"
            ):
                client.load_model("pose_classification_tao", headers={header: "sesame"})
            module = tritonclient.http if client is http else tritonclient.grpc
            x = np.ones((1, 3, 5, 34, 1), np.float32)
            tensor = module.InferInput("input", x.shape, "FP32").set_data_from_numpy(x)
            answer = client.infer("pose_classification_tao", [tensor])
            np.testing.assert_allclose(answer.as_numpy("fc_pred"), tiny_logits(x), atol=1e-5)
            client.close()
        server.kill()


def test_the_healthcheck_tells_a_server_that_answers_from_one_that_does_not(
    triton: EmbeddedTriton,
) -> None:
    command = [sys.executable, str(ROOT / "deploy/healthcheck.py")]
    behind_a_proxy = {**os.environ, "http_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [*command, triton.http_url], env=behind_a_proxy, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run([*command, triton.grpc_url], capture_output=True, check=False)
    assert done.returncode != 0


ANSWER = b'{"outputs": [{"data": ["walking"]}]}'


@pytest.mark.parametrize(
    ("status", "body", "well"),
    [
        (200, ANSWER, True),
        (200, b'{"outputs": []}', False),
        (503, ANSWER, True),
        (500, ANSWER, False),
        (404, ANSWER, False),
    ],
)
def test_the_healthcheck_tells_a_full_queue_from_a_dead_model(
    status: int, body: bytes, well: bool
) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        command = [sys.executable, str(ROOT / "deploy/healthcheck.py")]
        url = f"127.0.0.1:{server.server_port}"
        done = subprocess.run([*command, url], capture_output=True, check=False)
        server.shutdown()
    assert (done.returncode == 0) is well, done.stderr


def test_the_healthcheck_asks_every_ensemble(tmp_path: Path) -> None:
    shipped, repository = ROOT / "model_repository", tmp_path / "models"  # of this test alone
    shutil.copytree(shipped, repository, symlinks=True)
    with EmbeddedTriton(repository) as server:
        command = [sys.executable, str(ROOT / "deploy/healthcheck.py"), server.http_url]
        assert subprocess.run(command, check=False).returncode == 0
        process, _ = stub_of(repository / "pose_classification_2dbp_preprocess/1/model.py")
        os.kill(process, signal.SIGKILL)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode != 0, done.stderr
        server.kill()
