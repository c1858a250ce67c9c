"""Classify by a TensorRT engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.common.engine.session import EngineSession
from training.pose_classification.spec import ExperimentSpec


class TensorrtPredictor:
    """An engine with one input (N, C, T, V, M) and one output (N, classes), float32.

    Args:
        path: The engine, built on this machine.
        spec: The names of its classes.
        device: The GPU.

    Raises:
        InputError: There is no GPU or no TensorRT here, or the engine does not load.
    """

    temperature = 1.0

    def __init__(self, path: Path, spec: ExperimentSpec, device: torch.device) -> None:
        self.classes = tuple(spec.dataset.class_names)
        self.session = EngineSession(path, device)
        (self.input,), (self.output,) = self.session.inputs, self.session.outputs
        self.largest = self.session.largest(self.input)[0]

    def __call__(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Classify (N, C, T, V, M) in batches that the engine takes; returns (N, classes)."""
        batches = torch.split(torch.from_numpy(sequences).float(), self.largest)
        logits = [self.session({self.input: batch})[self.output] for batch in batches]
        result: NDArray[np.float32] = torch.cat(logits).cpu().numpy()
        return result
