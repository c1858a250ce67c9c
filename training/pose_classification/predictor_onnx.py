"""Classify by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from converter import InputError
from training.common.onnx_session import open_session
from training.pose_classification.metadata import CHECKPOINT_KEY, ModelMetadata
from training.pose_classification.spec import ExperimentSpec

_AXES = "NCTVM"


class OnnxPredictor:
    """An ONNX model with one input (N, C, T, V, M) and one output (N, classes).

    Axes that the model leaves open may have any size; a fixed N is served by padding.

    Args:
        path: The model.
        spec: What it must fit: number of classes.
        device: CUDA is used where ONNX Runtime has it.

    Raises:
        InputError: It cannot be read, is another kind of model, or contradicts the spec.
    """

    def __init__(self, path: Path, spec: ExperimentSpec, device: torch.device) -> None:
        self.path = path
        gpu = (device.index or 0) if device.type == "cuda" else None
        self.session = open_session(path, gpu)
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 5 or len(outputs) != 1:
            raise InputError(f"{path}: must have one input (N, C, T, V, M) and one output")
        classes = outputs[0].shape[-1]
        if isinstance(classes, int) and classes != spec.dataset.num_classes:
            raise InputError(
                f"{path}: has {classes} classes, "
                f"but dataset.num_classes is {spec.dataset.num_classes}"
            )
        self.input = inputs[0].name
        self.shape = [size if isinstance(size, int) else None for size in inputs[0].shape]
        facts = self.session.get_modelmeta().custom_metadata_map
        stated = {CHECKPOINT_KEY: facts} if "classes" in facts else {}
        metadata = ModelMetadata.of_checkpoint(stated, spec, str(path))
        self.classes, self.temperature = metadata.classes, metadata.temperature

    def __call__(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Classify (N, C, T, V, M); returns logits (N, classes)."""
        for axis, fixed in list(enumerate(self.shape))[1:]:
            if fixed is not None and fixed != sequences.shape[axis]:
                raise InputError(
                    f"{self.path}: takes {_AXES[axis]} = {fixed}, "
                    f"but the data has {sequences.shape[axis]}"
                )
        count, size = len(sequences), self.shape[0] or len(sequences)
        padded = np.concatenate([sequences, np.repeat(sequences[-1:], -count % size, axis=0)])
        parts = [
            self.session.run(None, {self.input: padded[start : start + size]})[0]
            for start in range(0, count, size)
        ]
        logits: NDArray[np.float32] = np.concatenate(parts)[:count]
        return logits
