"""Write arrays for the network: ``<name>.npy`` with its labels ``<name>.json``."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from converter import ConvertConfig, network_input
from converter.sidecar import UNKNOWN
from training.common.results import write_atomic
from training.pose_classification.labels import write_labels
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.rules import CLASSES

NAMES = (*CLASSES, UNKNOWN)
"""Names of the labels: that of the background is behind those of the classes."""


class Row(NamedTuple):
    """A sequence to be: its name, its class, and what the converter is given, (T, 34, 4)."""

    name: str
    label: str
    motion: Motion


def write_rows(
    path: Path,
    rows: Sequence[Row],
    frames: int,
    labels_path: Path | None = None,
    pose_type: str = ConvertConfig.pose_type,
) -> None:
    """Normalise, pad and write sequences, one at a time.

    Args:
        path: the ``.npy`` to write, (N, C, frames, 34, 1) float32.
        rows: the sequences; what is longer than ``frames`` is cut.
        frames: T of the array.
        labels_path: the ``.json`` of the labels; None: of the same name as the array.
        pose_type: what the poses are.
    """
    config = _config(frames, pose_type)
    shape = (len(rows), config.channels, frames, config.num_joints, 1)

    def write(file: BinaryIO) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]  # numpy
        for row in rows:
            file.write(network_input(row.motion[:frames], config).tobytes())

    write_atomic(path, write)
    names, labels = [row.name for row in rows], [NAMES.index(row.label) for row in rows]
    write_labels(labels_path or path.with_suffix(".json"), names, labels)


def network_inputs(motions: Sequence[Motion], frames: int, pose_type: str) -> NDArray[np.float32]:
    """Normalise and pad what the converter is given: T x (34, 4) each to (N, C, frames, 34, 1)."""
    config = _config(frames, pose_type)
    return np.stack([network_input(motion[:frames], config) for motion in motions])


def _config(frames: int, pose_type: str) -> ConvertConfig:
    return ConvertConfig(
        pose_type=pose_type,
        sequence_length_max=frames,
        sequence_length=min(frames, ConvertConfig.sequence_length),
    )
