"""Static quantisation by ONNX Runtime, calibrated on real data."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


def quantised(
    model: onnx.ModelProto,
    name: str,
    batches: Sequence[NDArray[np.float32]],
    options: Callable[[onnx.GraphProto], Mapping[str, Any]],
) -> onnx.ModelProto:
    """The INT8 form of a network, between quantise and dequantise nodes.

    Weights have a scale for each output channel.

    Args:
        model: in FP32.
        name: of its input.
        batches: inputs to calibrate on.
        options: further arguments of `quantize_static`, from the graph that it is given.
    """
    with tempfile.TemporaryDirectory() as folder:
        plain, clean, int8 = (Path(folder) / f"{form}.onnx" for form in ("plain", "clean", "int8"))
        onnx.save(model, plain)
        quant_pre_process(str(plain), str(clean), skip_symbolic_shape=True)
        quantize_static(
            str(clean),
            str(int8),
            _Batches(name, batches),
            per_channel=True,
            weight_type=QuantType.QInt8,
            **options(onnx.load(clean).graph),
        )
        return onnx.load(int8)


class _Batches(CalibrationDataReader):  # type: ignore[misc]  # untyped base class
    """Batches, one after the other."""

    def __init__(self, name: str, batches: Sequence[NDArray[np.float32]]) -> None:
        self._inputs = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, Any] | None:
        return next(self._inputs, None)
