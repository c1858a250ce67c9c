"""Triton model: the network in ONNX Runtime, for the embedded server, which has no such backend."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb

INPUT, OUTPUTS = "input_1:0", ["peaks", "limb_scores"]


class TritonPythonModel:
    """One session; photos of all requests are run together."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load `model.onnx`."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        path = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer a request for N photos with their candidates."""
        photos = [pb.get_input_tensor_by_name(request, INPUT).as_numpy() for request in requests]
        found = self.session.run(OUTPUTS, {INPUT: np.concatenate(photos)})
        ends = np.cumsum([len(part) for part in photos])[:-1]
        parts = zip(*(np.split(values, ends) for values in found), strict=True)
        return [
            pb.InferenceResponse([pb.Tensor(*pair) for pair in zip(OUTPUTS, part, strict=True)])
            for part in parts
        ]
