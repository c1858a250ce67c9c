"""What engine is wanted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from converter import ConvertConfig, InputError
from training.common.npy import open_npy
from training.common.onnx_session import open_session

FloatArray = NDArray[np.float32]
Range = tuple[int, int | None, int]
PRECISIONS = ("fp32", "fp16", "int8")
# Largest difference to ONNX Runtime that passes, as a share of the largest value of an output.
TOLERANCES = {"fp32": 1e-3, "fp16": 2e-2, "int8": 2e-1}


@dataclass(frozen=True)
class EngineRequest:
    """One engine: from which ONNX, for which sizes, in which precision.

    Attributes:
        onnx: a float32 network with one input, of `(batch, ...)`.
        plan: the engine to write.
        precision: `fp32`, `fp16` or `int8`.
        sizes: (smallest, usual, largest) for each open axis of the input, by its name in the
            ONNX; `batch` stands for the first axis whatever it is called. Usual `frames` of None
            are those of a segment for a network that ignores padding, else the largest.
        calibration: .npy of real inputs, of any number and of the usual size or cut to it.
        calibration_name: what it is called where its file does not stay; left out: its path.
        workspace: MiB that TensorRT may use beside the network.
        gpu: index of the GPU.
        tolerance: replaces that of :data:`TOLERANCES`.
        verify: check the engine after it is built.
        verbose: show the log of TensorRT.
    """

    onnx: Path
    plan: Path
    precision: str
    sizes: Mapping[str, Range]
    calibration: Path | None = None
    calibration_name: str = ""
    workspace: int = 1024
    gpu: int = 0
    tolerance: float | None = None
    verify: bool = True
    verbose: bool = False

    @cached_property
    def reference(self) -> onnxruntime.InferenceSession:
        """The network in ONNX Runtime on the CPU.

        Raises:
            InputError: not an ONNX file, or more than one input.
        """
        session = open_session(self.onnx)
        if len(session.get_inputs()) != 1:
            raise InputError(f"{self.onnx}: should have one input")
        return session

    @property
    def input(self) -> str:
        """Name of the input."""
        return str(self.reference.get_inputs()[0].name)

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Smallest, usual and largest shape of the input.

        Raises:
            InputError: an axis is open and no size is known for it.
        """
        ranges: list[Range] = []
        for axis, size in enumerate(self.reference.get_inputs()[0].shape):
            name = "batch" if axis == 0 else size
            if not isinstance(size, int) and name not in self.sizes:
                raise InputError(f"{self.onnx}: no size known for the open axis {size!r}")
            ranges.append((size, size, size) if isinstance(size, int) else self.sizes[name])
        smallest, usual, largest = zip(*ranges, strict=True)
        return smallest, tuple(size or self._usual_frames for size in usual), largest

    @property
    def _usual_frames(self) -> int:
        config = ConvertConfig()
        facts = self.reference.get_modelmeta().custom_metadata_map
        masked = facts.get("padding") == "mask"
        return config.sequence_length if masked else config.sequence_length_max

    @property
    def onnx_sha256(self) -> str:
        """Digest of the ONNX file."""
        return hashlib.sha256(self.onnx.read_bytes()).hexdigest()

    def samples(self, count: int) -> FloatArray:
        """Real inputs, evenly out of the calibration data, of the usual shape.

        Returns:
            (n, ...) float32 with n <= count.

        Raises:
            InputError: there is no calibration data, or it does not fit the network.
        """
        if self.calibration is None:
            raise InputError(
                f"{self.precision} is calibrated on real data: give it by --calibration data.npy "
                "(gen_trt_engine.tensorrt.calibration_data)"
            )
        data = open_npy(self.calibration)
        smallest, usual, largest = self.shapes
        is_open = [low < high for low, high in zip(smallest, largest, strict=True)]
        cuts = [slice(size if cut else None) for size, cut in zip(usual, is_open, strict=True)]
        first = (slice(1), *cuts[1:])
        if data.ndim != len(usual) or data[first].shape != (1, *usual[1:]):
            sizes = zip(usual[1:], is_open[1:], strict=True)
            wanted = ", ".join(f"{size} or more" if cut else str(size) for size, cut in sizes)
            raise InputError(f"{self.calibration}: is {data.shape}, should be (N, {wanted})")
        rows = np.linspace(0, len(data) - 1, min(count, len(data))).astype(int)
        spread = (rows, *cuts[1:])
        return np.ascontiguousarray(data[spread], dtype=np.float32)

    def test_inputs(self) -> list[FloatArray]:
        """Inputs of the smallest batch and of the usual one; real ones where there are."""
        smallest, usual, _ = self.shapes
        if self.calibration is not None:
            real = self.samples(usual[0])
        else:
            real = np.random.default_rng(0).standard_normal(usual, dtype=np.float32)
        batch = np.resize(real, usual)
        return [batch[: smallest[0]], batch]
