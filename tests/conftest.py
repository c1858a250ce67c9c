"""Fixtures shared by all tests: a live Triton that serves a network worked out by hand."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.embedded_triton import EmbeddedTriton
from tests.tiny_network import write_tiny_network

ROOT = Path(__file__).resolve().parents[1]
MakeRepository = Callable[..., Path]

for proxy in {"http_proxy", "https_proxy", "all_proxy", "grpc_proxy"}:  # servers here are local
    os.environ.pop(proxy, None)
    os.environ.pop(proxy.upper(), None)
os.environ.pop("PYTHONUNBUFFERED", None)  # users have no such variable
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it


def _make_repository(folder: Path, **network: Any) -> Path:
    repository = folder / "model_repository"
    weights = shutil.ignore_patterns("*.onnx", "*.plan*", "model.json", "__pycache__")
    for part in ("", "_preprocess", "_tao", "_postprocess"):
        name = f"pose_classification{part}"
        shutil.copytree(ROOT / "model_repository" / name, repository / name, ignore=weights)
    net = repository / "pose_classification_tao"
    write_tiny_network(net / "1", **network)
    if network.get("pose_type") == "2dbp":
        for config in (net / "config.pbtxt", *net.glob("configs/*.pbtxt")):
            config.write_text(re.sub(r"dims: \[ 3,", "dims: [ 2,", config.read_text()))
    return repository


@pytest.fixture(scope="session")
def make_repository() -> MakeRepository:
    """Copies the model repository with the tiny network in it: `make_repository(tmp_path)`.

    Further arguments are those of `write_tiny_network`.
    """
    return _make_repository


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTriton]:
    """A live Triton, one a test process, that serves the tiny network; treat it as read-only."""
    folder = tmp_path_factory.mktemp("triton")
    with EmbeddedTriton(_make_repository(folder), log=folder / "triton.log") as server:
        yield server
