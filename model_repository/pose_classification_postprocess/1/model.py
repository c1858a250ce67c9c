"""Triton model: logits to class names and probabilities, ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb

from converter.sidecar import Sidecar

NETWORK = "pose_classification_tao"


class TritonPythonModel:
    """Answers a request for N sequences with label, score and logits, all (N, classes)."""

    def initialize(self, args: dict[str, str]) -> None:
        """Reads the network's class names and temperature."""
        folder = Path(args["model_repository"]).parent / NETWORK
        self.labels = np.array(
            [line.encode() for line in (folder / "labels.txt").read_text("utf-8").splitlines()],
            dtype=np.object_,
        )
        self.temperature = Sidecar.of_model(folder).temperature

    def execute(self, requests: list[Any]) -> list[Any]:
        """Ranks the rows of all requests at once."""
        rows = [pb.get_input_tensor_by_name(request, "fc_pred").as_numpy() for request in requests]
        logits = np.concatenate(rows)
        with np.errstate(invalid="ignore"):  # refused below
            powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / self.temperature)
        order = np.argsort(-logits, axis=1, kind="stable")
        scores = np.take_along_axis(powers / powers.sum(axis=1, keepdims=True), order, axis=1)
        outputs = {"label": self.labels[order], "score": scores, "logits": logits}
        ends = np.cumsum([len(part) for part in rows])[:-1]
        parts = zip(*(np.split(values, ends) for values in outputs.values()), strict=True)
        return [_response(dict(zip(outputs, part, strict=True))) for part in parts]


def _response(outputs: dict[str, np.ndarray]) -> Any:
    if not np.isfinite(outputs["logits"]).all():
        return pb.InferenceResponse(error=pb.TritonError("the network returned nan or inf"))
    return pb.InferenceResponse([pb.Tensor(name, values) for name, values in outputs.items()])
