"""A trained network in whatever form it comes: checkpoint, ONNX file or TensorRT engine."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from converter import InputError
from training.pose_classification.spec import ExperimentSpec, GpuSpec

FloatArray = NDArray[np.float32]


class Predictor(Protocol):
    """A network that is ready to use.

    Attributes:
        classes: Names by class id: its own, or those of the spec where it has none.
        temperature: Logits are divided by it before a softmax, so that scores are calibrated.
    """

    classes: tuple[str, ...]
    temperature: float

    def __call__(self, sequences: FloatArray) -> FloatArray:
        """Classify.

        Args:
            sequences: (N, C, T, V, M).

        Returns:
            Logits (N, classes).
        """


def device_of(section: GpuSpec) -> torch.device:
    """The first GPU that a section names, or the CPU where there is none."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if section.gpu_ids[0] >= torch.cuda.device_count():
        raise InputError(f"gpu_ids {section.gpu_ids}: this machine has no such GPU")
    return torch.device("cuda", section.gpu_ids[0])


def load_predictor(path: Path, spec: ExperimentSpec, device: torch.device) -> Predictor:
    """Open a model by its suffix: ``.pth``/``.tlt``, ``.onnx``, ``.engine``/``.plan``.

    Raises:
        InputError: There is no such file, its kind is not known, or it does not fit the spec.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    suffix = path.suffix.lower()
    predictor: Predictor
    if suffix in (".pth", ".tlt"):
        from training.pose_classification.predictor_torch import TorchPredictor

        predictor = TorchPredictor(path, spec, device)
    elif suffix == ".onnx":
        from training.pose_classification.predictor_onnx import OnnxPredictor

        predictor = OnnxPredictor(path, spec, device)
    elif suffix in (".engine", ".plan"):
        from training.pose_classification.predictor_tensorrt import TensorrtPredictor

        predictor = TensorrtPredictor(path, spec, device)
    else:
        raise InputError(f"{path}: expected .pth, .onnx, .engine or .plan")
    return predictor
