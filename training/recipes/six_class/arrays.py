"""Write arrays for the network: ``<name>.npy`` with its labels ``<name>.json``."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from converter import ConvertConfig, network_input
from training.common.results import write_atomic
from training.pose_classification.labels import write_labels
from training.recipes.six_class.motion import Motion
from training.recipes.six_class.rules import CLASSES


class Row(NamedTuple):
    """A sequence to be: its name, its class and the raw motion (T, 34, 4)."""

    name: str
    label: str
    motion: Motion


def write_rows(
    path: Path, rows: Sequence[Row], frames: int, labels_path: Path | None = None
) -> None:
    """Normalise, pad and write sequences, one at a time.

    Args:
        path: the ``.npy`` to write, (N, 3, frames, 34, 1) float32.
        rows: the sequences; what is longer than ``frames`` is cut.
        frames: T of the array.
        labels_path: the ``.json`` of the labels; None: of the same name as the array.
    """
    config = ConvertConfig(
        sequence_length_max=frames, sequence_length=min(frames, ConvertConfig.sequence_length)
    )
    shape = (len(rows), config.channels, frames, config.num_joints, 1)

    def write(file: BinaryIO) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)  # type: ignore[no-untyped-call]  # numpy
        for row in rows:
            file.write(network_input(row.motion[:frames], config).tobytes())

    write_atomic(path, write)
    names, labels = [row.name for row in rows], [CLASSES.index(row.label) for row in rows]
    write_labels(labels_path or path.with_suffix(".json"), names, labels)
