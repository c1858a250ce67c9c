"""A small network, and a PATH without a program."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.tiny_network import write_tiny_network


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A small network in a version's folder, with its sidecar; T is called `frames`."""
    folder = tmp_path / "net" / "1"
    folder.mkdir(parents=True)
    path = write_tiny_network(folder)
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "frames"
    onnx.save(model, path)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder
