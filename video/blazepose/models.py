"""The two networks of BlazePose, which MediaPipe's wheel carries, and how they are run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converter import InputError
from video.people import Image

# Put there by scripts/setup_video.py.
FOLDER = Path(sys.prefix) / "share" / "blazepose"
MOST_THREADS = 4


class Network:
    """One network, run by LiteRT on the CPU.

    Args:
        name: File in `FOLDER`.
        value_range: What the darkest and the brightest value of an image become.

    Raises:
        InputError: The file or LiteRT is not installed.
    """

    def __init__(self, name: str, value_range: tuple[float, float]) -> None:
        path = FOLDER / name
        if not path.exists():
            raise InputError(f"{path} is missing: run scripts/setup_env.sh video")
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise InputError("LiteRT is not installed: run scripts/setup_env.sh video") from None
        threads = min(MOST_THREADS, len(os.sched_getaffinity(0)))
        self._interpreter = Interpreter(str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        (entry,) = self._interpreter.get_input_details()
        self._input = entry["index"]
        self._outputs = [entry["index"] for entry in self._interpreter.get_output_details()]
        self.side = int(entry["shape"][1])
        low, high = value_range
        self._scale, self._offset = np.float32((high - low) / 255), np.float32(low)

    def __call__(self, crop: Image) -> list[NDArray[np.float32]]:
        """Run the network on an image (side, side, 3) BGR; returns its outputs."""
        tensor = crop[None, :, :, ::-1] * self._scale + self._offset
        self._interpreter.set_tensor(self._input, tensor)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logistic function, which overflows nowhere."""
    return np.asarray(0.5 + 0.5 * np.tanh(logits / 2), dtype=np.float32)
