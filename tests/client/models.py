"""What a server says of the models that ship, in the form of Triton's HTTP answers."""

from __future__ import annotations

from typing import Any

from client.model import ModelInfo


def network_answers(
    shape: list[int] | None = None, max_batch: int = 16, **changes: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Metadata and configuration of a bare network that takes `shape`."""
    metadata: dict[str, Any] = {
        "name": "net",
        "inputs": [{"name": "input", "datatype": "FP32", "shape": shape or [-1, 3, 300, 34, 1]}],
        "outputs": [{"name": "fc_pred", "datatype": "FP32", "shape": [-1, 6]}],
    }
    return metadata | changes, {"max_batch_size": max_batch}


def ensemble_answers() -> tuple[dict[str, Any], dict[str, Any]]:
    """Metadata and configuration of the ensemble."""
    inputs = {"keypoints": [-1, -1, 34, 4], "pose_type": [-1, 1], "focal_length": [-1, 1]}
    outputs = {"label": [-1, -1], "score": [-1, -1], "logits": [-1, 6]}
    metadata = {
        "name": "ensemble",
        "inputs": [{"name": n, "datatype": "FP32", "shape": s} for n, s in inputs.items()],
        "outputs": [{"name": n, "datatype": "FP32", "shape": s} for n, s in outputs.items()],
    }
    return metadata, {"max_batch_size": 16}


NETWORK = ModelInfo.from_server(*network_answers())
ENSEMBLE = ModelInfo.from_server(*ensemble_answers())
