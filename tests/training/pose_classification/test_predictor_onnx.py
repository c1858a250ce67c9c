from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch

from tests.tiny_network import write_tiny_network
from training.common.spec import make_spec
from training.pose_classification.predictor_onnx import OnnxPredictor
from training.pose_classification.spec import ExperimentSpec


def test_it_runs_on_the_gpu_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = onnxruntime.InferenceSession
    there = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    asked: list[Any] = []
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: there)

    def opened(path: str, providers: list[Any]) -> Any:
        asked.extend(providers)
        return session(path, providers=providers[-1:])

    monkeypatch.setattr(onnxruntime, "InferenceSession", opened)
    spec = make_spec(ExperimentSpec, {"model": {"padding": "mask"}})
    OnnxPredictor(write_tiny_network(tmp_path), spec, torch.device("cuda", 1))
    assert asked == [("CUDAExecutionProvider", {"device_id": 1}), "CPUExecutionProvider"]
