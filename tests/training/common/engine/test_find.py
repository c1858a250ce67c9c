"""Where TensorRT is looked for, and in which order."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from converter import InputError
from tests.training.common.engine import fakes
from training.common.engine.find import compute_capability, find_builder
from training.common.engine.trtexec import TrtExec


@pytest.mark.parametrize(
    ("kind", "what"),
    [("auto", "no TensorRT"), ("docker", "no docker with TensorRT"), ("trtexec", "no trtexec")],
)
def test_no_tensorrt(
    network: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, kind: str, what: str
) -> None:
    monkeypatch.setattr("training.common.engine.find.python_package", lambda: None)
    (programs / "trtexec").write_text("#!/bin/sh\necho not of NVIDIA\n")
    (programs / "trtexec").chmod(0o755)
    with pytest.raises(InputError, match=f"^{what}.*needs Docker with NVIDIA's container toolkit"):
        find_builder(kind)


def test_a_gpu_that_is_not_there(network: Path, programs: Path) -> None:
    fakes.install(programs)
    with pytest.raises(InputError, match=r"^no NVIDIA GPU 1 here"):
        compute_capability(1)


def test_a_program_that_never_ends_is_as_none(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 1800)

    fakes.install(programs)
    monkeypatch.setattr("subprocess.run", wait)
    with pytest.raises(InputError, match="no trtexec with TensorRT found"):
        find_builder("trtexec")


@pytest.mark.parametrize(("probe", "version"), [(True, (11, 3, 0)), (False, (11, 0, 0))])
def test_the_image_of_the_server_comes_before_tensorrts(
    programs: Path, probe: bool, version: tuple[int, int, int]
) -> None:
    docker = programs / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        "  info*) echo 28.2 ;;\n"
        '  *"--profile gpu config --images") echo nvcr.io/nvidia/tritonserver:26.10-py3 ;;\n'
        f'  *--help) echo "[TensorRT v110300]"; echo > {programs}/started ;;\n'
        "esac\n"
    )
    docker.chmod(0o755)
    image = "nvcr.io/nvidia/tritonserver:26.10-py3"
    assert find_builder("auto", probe) == TrtExec(image, version, container=True)
    assert (programs / "started").exists() is probe


def test_containers_come_first(programs: Path) -> None:
    """The server's image has no trtexec here, TensorRT's of the same release has."""
    fakes.install(programs)
    docker = programs / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        'case "$*" in\n'
        "  info*) echo 28.2 ;;\n"
        '  *"config --images") echo nvcr.io/nvidia/tritonserver:26.10-py3 ;;\n'
        '  *nvidia/tensorrt:26.10-py3*--help) echo "[TensorRT v110300]" ;;\n'
        "  *) exit 127 ;;\n"
        "esac\n"
    )
    docker.chmod(0o755)
    found = find_builder("auto")
    assert found == TrtExec("nvcr.io/nvidia/tensorrt:26.10-py3", (11, 3, 0), container=True)
    assert find_builder("trtexec") == TrtExec(str(programs / "trtexec"), (11, 4, 0))
    command = found.command(["--onnx=/w/model.onnx"], Path("/w"), gpu=2)
    assert command[:2] == ["docker", "run"]
    assert {"--gpus=device=2", "--volume=/w:/w", "--network=none"} <= {*command}
    assert f"--user={os.getuid()}:{os.getgid()}" in command
    assert command[-2:] == ["sh", "--onnx=/w/model.onnx"]
