"""TensorRT's Python package on the GPU that was asked for, with a stand-in for both."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import torch

from tests.tiny_network import write_tiny_network
from training.common.engine.find import python_package
from training.common.engine.python_api import PythonApi
from training.common.engine.request import EngineRequest
from training.common.engine.session import EngineSession


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What a stand-in for TensorRT was asked for, and which GPU was the current one then."""
    used: list[tuple[str, int]] = []
    current = [0]

    @contextmanager
    def choose(device: torch.device | int) -> Iterator[None]:
        current.append(device if isinstance(device, int) else device.index)
        yield
        current.pop()

    def noted(name: str, result: object) -> MagicMock:
        return MagicMock(side_effect=lambda *_: used.append((name, current[-1])) or result)

    trt = MagicMock(__version__="11.4.0.106", __spec__=object())
    engine = trt.Runtime.return_value.deserialize_cuda_engine.return_value
    engine.num_io_tensors = 0
    engine.create_execution_context = noted("context", None)
    engine.create_engine_inspector.return_value.get_engine_information.return_value = "{}"
    trt.Runtime.return_value.deserialize_cuda_engine = noted("load", engine)
    trt.Builder.return_value.build_serialized_network = noted("build", b"engine")
    monkeypatch.setitem(sys.modules, "tensorrt", trt)
    monkeypatch.setattr(torch.cuda, "device", choose)
    return used


def test_an_engine_is_loaded_on_its_gpu(used: list[tuple[str, int]], tmp_path: Path) -> None:
    (tmp_path / "model.plan").write_bytes(b"engine")
    EngineSession(tmp_path / "model.plan", torch.device("cuda", 3))
    assert used == [("load", 3), ("context", 3)]


def test_an_engine_is_built_on_its_gpu(used: list[tuple[str, int]], tmp_path: Path) -> None:
    network = write_tiny_network(tmp_path)
    wanted = EngineRequest(
        network, tmp_path / "model.plan", "fp32", {"batch": (1, 4, 16), "T": (1, 100, 300)}, gpu=2
    )
    PythonApi().build(wanted, network, tmp_path)
    assert used == [("build", 2), ("load", 2)]
    assert (tmp_path / "model.plan").read_bytes() == b"engine"


@pytest.mark.parametrize("missing", [(), ("torch",), ("tensorrt",)])
def test_the_package_needs_torch(
    used: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in missing else object()
    )
    assert (python_package() is None) is bool(missing)
