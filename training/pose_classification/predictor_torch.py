"""Classify by torch, from a checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.pose_classification.pretrained import load_trained
from training.pose_classification.spec import ExperimentSpec


class TorchPredictor:
    """The network of a spec with the weights of a checkpoint.

    Args:
        path: The checkpoint.
        spec: The network and the key to decrypt with.
        device: Where it runs.

    Raises:
        InputError: The weights cannot be read, or are of another network.
    """

    def __init__(self, path: Path, spec: ExperimentSpec, device: torch.device) -> None:
        model, metadata = load_trained(path, spec)
        self.model = model.to(device)
        self.classes = metadata.classes
        self.temperature = metadata.temperature
        self.device = device

    @torch.inference_mode()
    def __call__(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Classify (N, C, T, V, M); returns logits (N, classes)."""
        logits = self.model(torch.from_numpy(sequences).to(self.device))
        result: NDArray[np.float32] = logits.float().cpu().numpy()
        return result
