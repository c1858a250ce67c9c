"""Classify by a TensorRT engine; memory and streams are torch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from converter import InputError


class TensorrtPredictor:
    """An engine with one input (N, C, T, V, M) and one output (N, classes), float32.

    Args:
        path: The engine, built on this machine.
        device: The GPU.

    Raises:
        InputError: There is no GPU or no TensorRT here, or the engine does not load.
    """

    temperature = 1.0

    def __init__(self, path: Path, device: torch.device) -> None:
        if device.type != "cuda":
            raise InputError(f"{path}: a TensorRT engine needs a GPU; use the .onnx on the CPU")
        try:
            import tensorrt
        except ImportError as error:
            raise InputError(
                f"{path}: the package tensorrt is not installed: pip install tensorrt"
            ) from error
        self.path, self.device = path, device
        log = tensorrt.Logger(tensorrt.Logger.ERROR)
        self.engine = tensorrt.Runtime(log).deserialize_cuda_engine(path.read_bytes())
        if self.engine is None:
            raise InputError(
                f"{path}: TensorRT {tensorrt.__version__} cannot load it; engines run only with "
                "the TensorRT and the kind of GPU they were built for"
            )
        names = [self.engine.get_tensor_name(i) for i in range(self.engine.num_io_tensors)]
        modes = [self.engine.get_tensor_mode(name) for name in names]
        self.input = names[modes.index(tensorrt.TensorIOMode.INPUT)]
        self.output = names[modes.index(tensorrt.TensorIOMode.OUTPUT)]
        self.context = self.engine.create_execution_context()
        self.largest = int(self.engine.get_tensor_profile_shape(self.input, 0)[2][0])

    def __call__(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Classify (N, C, T, V, M) in batches that the engine takes; returns (N, classes)."""
        starts = range(0, len(sequences), self.largest)
        parts = [sequences[start : start + self.largest] for start in starts]
        return np.concatenate([self._batch(part) for part in parts])

    def _batch(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        batch = torch.from_numpy(sequences).to(self.device, torch.float32).contiguous()
        if not self.context.set_input_shape(self.input, tuple(batch.shape)):
            raise InputError(f"{self.path}: does not take sequences of {tuple(batch.shape)}")
        shape = tuple(self.context.get_tensor_shape(self.output))
        logits = torch.empty(shape, dtype=torch.float32, device=self.device)
        self.context.set_tensor_address(self.input, batch.data_ptr())
        self.context.set_tensor_address(self.output, logits.data_ptr())
        stream = torch.cuda.current_stream(self.device)
        if not self.context.execute_async_v3(stream.cuda_stream):
            raise RuntimeError(f"{self.path}: TensorRT failed to run the engine")
        stream.synchronize()
        result: NDArray[np.float32] = logits.cpu().numpy()
        return result
