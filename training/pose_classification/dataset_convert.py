"""The task `dataset_convert`: DeepStream's bodypose-3d JSON becomes arrays, one file a person.

What is cut and how is TAO's (`converter`, label policy `tao`); unlike TAO's, the file may be
larger than the memory.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from converter import ConvertConfig, network_input
from converter.deepstream import AnnotationJob
from training.common.progress import progress
from training.common.results import ResultsDir
from training.common.spec import require
from training.common.status import Status
from training.pose_classification.spec import ExperimentSpec

logger = logging.getLogger(__name__)


def run(spec: ExperimentSpec, results: ResultsDir) -> None:
    """Write `object_<id>.npy`, (segments, C, sequence_length_max, V, 1) float32, for each person.

    Persons with less than sequence_length_min poses get no file.

    Raises:
        InputError: no data, or the data or the settings are not what they should be.
    """
    data = require(spec, "dataset_convert.data")
    settings = spec.dataset_convert.model_dump(exclude={"data", "results_dir"})
    config = ConvertConfig.from_mapping(settings, source="dataset_convert")
    files: dict[str, GrowingArray] = {}
    try:
        with AnnotationJob(data, config, policy="tao") as job:
            for segment in progress(job.segments(), "Converting"):
                array = network_input(segment.keypoints, config)
                name = segment.track.object_id
                if name not in files:
                    path = results.path / f"object_{quote(name, safe='')}.npy"
                    files[name] = GrowingArray(path, array.shape)
                files[name].append(array)
        tracks = job.summary.tracks
        _report(results, f"Number of objects: {tracks}", {"Number of objects": tracks})
        for name, file in files.items():
            shape = file.finish()
            _report(results, f"Saved data {shape} for object {name} at {file.path}")
        written = {file.path for file in files.values()}
        if earlier := sorted(set(results.path.glob("object_*.npy")) - written):
            names = ", ".join(path.name for path in earlier)
            logger.warning("%s still holds files of an earlier run: %s", results.path, names)
    finally:
        for file in files.values():
            file.discard()


class GrowingArray:
    """A `.npy` file that arrays are appended to; it gets its name when it is finished.

    Args:
        path: the file.
        shape: of one array; they are float32.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.path = path
        self.shape = shape
        self._count = 0
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._part.write_bytes(b"")
        self._write_header()

    def append(self, array: NDArray[np.float32]) -> None:
        """Add one array. The file is open only now: there may be thousands of persons."""
        with self._part.open("ab") as file:
            file.write(np.ascontiguousarray(array, dtype=np.float32).tobytes())
        self._count += 1

    def finish(self) -> tuple[int, ...]:
        """Put the file in place; returns its shape."""
        self._write_header()
        self._part.replace(self.path)
        return (self._count, *self.shape)

    def discard(self) -> None:
        """Remove what was not finished."""
        self._part.unlink(missing_ok=True)

    def _write_header(self) -> None:
        """Write the header; NumPy leaves room in it for the first number of the shape to grow."""
        header = {"descr": "<f4", "fortran_order": False, "shape": (self._count, *self.shape)}
        write: Callable[[BinaryIO, object], None] = np.lib.format.write_array_header_1_0
        with self._part.open("r+b") as file:
            write(file, header)


def _report(results: ResultsDir, message: str, kpi: dict[str, float] | None = None) -> None:
    sys.stdout.write(message + "\n")
    results.status.write(Status.RUNNING, message, kpi=kpi)
