"""Inputs for ONNX Runtime's static quantisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader


class CalibrationBatches(CalibrationDataReader):  # type: ignore[misc]  # untyped base class
    """Batches of real data, one after the other.

    Args:
        name: The network's input.
        batches: What it is fed, float32.
    """

    def __init__(self, name: str, batches: Sequence[NDArray[np.float32]]) -> None:
        self._inputs = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, Any] | None:
        """The next feed; None at the end."""
        return next(self._inputs, None)
