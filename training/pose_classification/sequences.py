"""Stored sequences: arrays mapped into memory, and the class ids that belong to them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter import InputError, Layout
from training.common.npy import open_npy
from training.common.spec import require
from training.pose_classification.labels import read_labels
from training.pose_classification.spec import ExperimentSpec
from training.pose_classification.spec_dataset import SkeletonData
from training.pose_classification.temporal import valid_length

FloatArray = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sequences:
    """Stored sequences and their class ids.

    Attributes:
        data: (N, C, T, V, M), mapped into memory.
        ids: (N,), -1 where the class is not known.
        path: The file, for messages.
    """

    data: NDArray[Any]
    ids: Ids
    path: Path

    def __len__(self) -> int:
        return len(self.data)

    def read(self, index: int) -> FloatArray:
        """One sequence (C, T, V, M), in memory and writable.

        Raises:
            InputError: It holds NaN or infinity.
        """
        with np.errstate(over="ignore"):  # what is too large for float32 is told below
            sequence = np.array(self.data[index], dtype=np.float32)
        if not np.isfinite(sequence).all():
            channel, frame, joint, person = np.argwhere(~np.isfinite(sequence))[0]
            raise InputError(
                f"{self.path}: sequence {index} is not finite at frame {frame}, joint {joint}, "
                f"channel {channel}, person {person}"
            )
        return sequence

    def lengths(self) -> Ids:
        """Frames of each sequence without the padding behind, (N,)."""
        return np.array([valid_length(sequence) for sequence in self.data])


def open_sequences(path: Path, channels: int, layout: Layout) -> NDArray[Any]:
    """Map an array of sequences into memory and check its shape.

    Args:
        path: A ``.npy`` file.
        channels: Expected C.
        layout: Expected skeleton.

    Returns:
        (N, C, T, V, M), N at least 1; any float or integer type.

    Raises:
        InputError: The file is not such an array.
    """
    data = open_npy(path)
    if data.dtype.kind not in "fiu":
        raise InputError(f"{path}: must be a .npy array of numbers, not of {data.dtype}")
    if data.ndim != 5:
        raise InputError(f"{path}: shape {data.shape} must have 5 axes (N, C, T, V, M)")
    if 0 in data.shape:
        raise InputError(f"{path}: shape {data.shape} holds no sequence")
    if data.shape[1] != channels:
        raise InputError(
            f"{path}: {data.shape[1]} channels in {data.shape}, "
            f"but model.input_channels is {channels}"
        )
    if data.shape[3] != layout.num_joints:
        raise InputError(
            f"{path}: {data.shape[3]} joints in {data.shape}, "
            f"but layout {layout.name} has {layout.num_joints} (model.graph_layout)"
        )
    return data


def open_dataset(
    spec: ExperimentSpec, section: str, layout: Layout, labelled: bool = True
) -> Sequences:
    """Open the data and labels that a section of the spec names.

    Args:
        spec: Also what the data must fit: channels and number of classes.
        section: Name of the section, as ``dataset.train_dataset``.
        layout: The skeleton of the network.
        labelled: Whether labels are needed; without them the ids are -1.

    Returns:
        The sequences.

    Raises:
        InputError: Something is missing, or does not fit.
    """
    path = Path(require(spec, f"{section}.data_path"))
    data = open_sequences(path, spec.model.input_channels, layout)
    if not labelled:
        return Sequences(data, np.full(len(data), -1), path)
    labels = read_labels(Path(require(spec, f"{section}.label_path")))
    labels.check(len(data), spec.dataset.num_classes, path)
    return Sequences(data, labels.ids, path)


def digest(source: SkeletonData) -> str:
    """SHA-256 of the data and label files of a section, which must be set."""
    total = hashlib.sha256()
    for path in (source.data_path, source.label_path):
        with Path(str(path)).open("rb") as file:
            while chunk := file.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()
