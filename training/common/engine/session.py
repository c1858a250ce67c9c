"""Run a TensorRT engine; memory and streams are torch's."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from converter import InputError


class EngineSession:
    """A TensorRT engine, loaded on a GPU.

    Args:
        path: The engine, built with this TensorRT for this kind of GPU.
        device: The GPU.
        module: The Python package that runs it.

    Attributes:
        inputs: Names of its inputs.
        outputs: Names of its outputs; all are float32.

    Raises:
        InputError: There is no GPU or no TensorRT here, or the engine does not load.
    """

    def __init__(self, path: Path, device: torch.device, module: str = "tensorrt") -> None:
        if device.type != "cuda":
            raise InputError(f"{path}: a TensorRT engine needs a GPU; use the .onnx on the CPU")
        try:
            trt = importlib.import_module(module)
        except ImportError:
            raise InputError(
                f"{path}: the package {module} is not installed: pip install {module}"
            ) from None
        self.path, self.device = path, device
        with torch.cuda.device(device):  # TensorRT has no other way to be told
            runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
            self.engine: Any = runtime.deserialize_cuda_engine(path.read_bytes())
            if self.engine is None:
                raise InputError(
                    f"{path}: TensorRT {trt.__version__} cannot load it; engines run only with the "
                    "TensorRT and the kind of GPU they were built for"
                )
            self._context = self.engine.create_execution_context()
        names = [self.engine.get_tensor_name(index) for index in range(self.engine.num_io_tensors)]
        is_input = trt.TensorIOMode.INPUT
        self.inputs = [name for name in names if self.engine.get_tensor_mode(name) == is_input]
        self.outputs = [name for name in names if name not in self.inputs]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a tensor; -1 where it varies."""
        return tuple(self.engine.get_tensor_shape(name))

    def largest(self, name: str) -> tuple[int, ...]:
        """Largest shape that an input may have."""
        return tuple(self.engine.get_tensor_profile_shape(name, 0)[2])

    def __call__(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run it once.

        Args:
            feeds: Its inputs by name, on any device.

        Returns:
            Its outputs by name, on the GPU.

        Raises:
            InputError: The engine was not built for these shapes.
            RuntimeError: TensorRT failed.
        """
        tensors = {name: feed.to(self.device).contiguous() for name, feed in feeds.items()}
        for name, tensor in tensors.items():
            if not self._context.set_input_shape(name, tuple(tensor.shape)):
                raise InputError(f"{self.path}: does not take {name} of {tuple(tensor.shape)}")
        results = {
            name: torch.empty(tuple(self._context.get_tensor_shape(name)), device=self.device)
            for name in self.outputs
        }
        for name, tensor in {**tensors, **results}.items():
            self._context.set_tensor_address(name, tensor.data_ptr())
        stream = torch.cuda.current_stream(self.device)
        with torch.cuda.device(self.device):
            if not self._context.execute_async_v3(stream.cuda_stream):
                raise RuntimeError(f"{self.path}: TensorRT failed to run the engine")
        stream.synchronize()
        return results
