"""A trained network in whatever form it comes: checkpoint, ONNX file or TensorRT engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch.utils.data import DataLoader

from converter import InputError
from training.pose_classification.data import Item, one_line_errors
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


def predict(predictor: Predictor, loader: DataLoader[Item]) -> FloatArray:
    """Classify everything that an evaluation loader gives.

    Args:
        predictor: The network.
        loader: Batches of clips (N, K, C, T, V, M); the logits of K clips are averaged.

    Returns:
        Logits (N, classes) of all sequences, in order.

    Raises:
        InputError: A sequence cannot be used, or the model gives values that are not finite.
    """

    def batches() -> Iterator[FloatArray]:
        shown = track(
            loader,
            description="Classifying",
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        for clips, _ in shown:
            logits = predictor(clips.flatten(0, 1).numpy())
            yield logits.reshape(*clips.shape[:2], -1).mean(axis=1)

    with one_line_errors():
        logits = np.concatenate(list(batches()))
    if not np.isfinite(logits).all():
        bad = int(np.argwhere(~np.isfinite(logits))[0, 0])
        raise InputError(f"the model's logits for sequence {bad} are not finite")
    return logits
