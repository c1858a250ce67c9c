"""Triton models that answer a constant at once: the client's cost without a network's."""

from __future__ import annotations

from pathlib import Path

from benchmarks._served import ENSEMBLE, NETWORK, ROOT

MODEL = """
import numpy as np
import triton_python_backend_utils as pb

LOGITS = np.array([[1, 5, 2, 0, 3, 4]], np.float32)


class TritonPythonModel:
    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        count = request.inputs()[0].shape()[0]
        logits = np.repeat(LOGITS, count, axis=0)
        known = {"fc_pred": logits, "logits": logits, "score": np.full((count, 6), 0.5, np.float32)}
        wanted = request.requested_output_names()
        return pb.InferenceResponse([pb.Tensor(name, known[name]) for name in wanted])
"""
CONFIGS = {
    NETWORK: """
        input [ { name: "input" data_type: TYPE_FP32 dims: [ 3, -1, 34, 1 ] } ]
        output [ { name: "fc_pred" data_type: TYPE_FP32 dims: [ 6 ] label_filename: "labels.txt" } ]
    """,
    ENSEMBLE: """
        input [ { name: "keypoints" data_type: TYPE_FP32 dims: [ -1, 34, 4 ] } ]
        output [
          { name: "logits" data_type: TYPE_FP32 dims: [ 6 ] label_filename: "labels.txt" },
          { name: "score" data_type: TYPE_FP32 dims: [ 6 ] }
        ]
    """,
}


def write_null_models(repository: Path) -> None:
    """Write a bare network and an ensemble's stand-in, both under their usual names."""
    labels = ROOT / "model_repository" / NETWORK / "labels.txt"
    for name, tensors in CONFIGS.items():
        version = repository / name / "1"
        version.mkdir(parents=True)
        (version / "model.py").write_text(MODEL)
        (version.parent / "labels.txt").write_text(labels.read_text())
        (version.parent / "config.pbtxt").write_text(
            f'name: "{name}" backend: "python" max_batch_size: 16 {tensors}\n'
            "instance_group [ { kind: KIND_CPU count: 1 } ]\n"
            'parameters { key: "pose_type" value { string_value: "3dbp" } }\n'
        )
