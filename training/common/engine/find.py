"""Find a TensorRT to build with."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from converter import InputError
from training.common.engine.python_api import PythonApi
from training.common.engine.trtexec import TrtExec, parse_version

logger = logging.getLogger(__name__)

Builder = TrtExec | PythonApi
KINDS = ("auto", "docker", "trtexec", "python")
ROOT = Path(__file__).parents[3]
NEWEST_MAJOR = 11
_USUAL_PLACE = "/usr/src/tensorrt/bin"  # of trtexec in NVIDIA's images


def find_builder(kind: str, probe: bool = True) -> Builder:
    """Find what `kind` names.

    `auto` looks for, in this order: the container image that the server runs in (or TensorRT's
    of the same release), because only the TensorRT that built an engine runs it; `trtexec` on
    this machine; the Python package.

    Args:
        kind: one of :data:`KINDS`.
        probe: start containers to see what is in them; else NVIDIA's newest is assumed.

    Raises:
        InputError: there is none.
    """
    ways: dict[str, Callable[[], Builder | None]] = {
        "docker": lambda: in_container(probe),
        "trtexec": on_path,
        "python": python_package,
    }
    for name, find in ways.items():
        if kind in ("auto", name) and (found := find()) is not None:
            return found
    missing = "no TensorRT found" if kind == "auto" else f"no {kind} with TensorRT found"
    raise InputError(
        f"{missing}: needs Docker with NVIDIA's container toolkit, or trtexec on the PATH, or "
        "pip install tensorrt torch; a dry run (see the options) prints what would be done"
    )


def on_path() -> TrtExec | None:
    """`trtexec` of this machine, or of the container we are in."""
    program = shutil.which("trtexec", path=f"{os.environ.get('PATH', '')}:{_USUAL_PLACE}")
    version = parse_version(_output([program, "--help"])) if program else None
    return TrtExec(program, version) if program and version else None


def in_container(probe: bool = True) -> TrtExec | None:
    """`trtexec` in the server's image, or in TensorRT's of the same release."""
    if not _output(["docker", "info", "--format", "{{.ServerVersion}}"]).strip():
        return None
    compose = ["docker", "compose", "--project-directory", str(ROOT), "--profile", "gpu"]
    for server in _output([*compose, "config", "--images"]).split():
        for image in (server, server.replace("/tritonserver:", "/tensorrt:")):
            found = TrtExec(image, (NEWEST_MAJOR, 0, 0), container=True)
            if not probe:
                return found
            logger.info("Looking for trtexec in %s; an image is downloaded the first time", image)
            version = parse_version(_output(found.command(["--help"], ROOT / "deploy", gpu=0)))
            if version:
                return TrtExec(image, version, container=True)
    return None


def python_package() -> PythonApi | None:
    """The package `tensorrt`, beside torch, which chooses the GPU and holds the tensors."""
    there = all(map(importlib.util.find_spec, ("tensorrt", "torch")))
    return PythonApi() if there else None


def compute_capability(gpu: int) -> str:
    """Compute capability of a GPU without the dot, such as `89`.

    Raises:
        InputError: there is no such GPU.
    """
    query = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader", f"--id={gpu}"]
    capability = _output(query).strip().replace(".", "")
    if not capability.isdecimal():
        raise InputError(f"no NVIDIA GPU {gpu} here; a dry run prints what would be done")
    return capability


def _output(command: list[str]) -> str:
    """What a command prints; nothing if it fails to start or to end."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=1800,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
