"""A TensorRT engine; memory and streams are torch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from converter import InputError
from training.bpnet.arrays import Array
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.pose_config import PoseConfig


class TensorrtNetwork:
    """An engine that was built on this machine from an export.

    Args:
        path: the engine.
        pose: joints and limbs, which tell the outputs apart.
        normalization: of the images.

    Raises:
        InputError: there is no GPU or no TensorRT here, or the engine does not load or fit.
    """

    def __init__(self, path: Path, pose: PoseConfig, normalization: NormalizationParams) -> None:
        from training.bpnet.networks import Normaliser

        if not torch.cuda.is_available():
            raise InputError(f"{path}: a TensorRT engine needs a GPU; use the .onnx on the CPU")
        try:
            import tensorrt
        except ImportError:
            raise InputError(
                f"{path}: the package tensorrt is not installed: pip install tensorrt"
            ) from None
        runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR))
        self.engine = runtime.deserialize_cuda_engine(path.read_bytes())
        if self.engine is None:
            raise InputError(f"{path}: TensorRT {tensorrt.__version__} cannot load it")
        self.pose, self.normalise = pose, Normaliser(normalization)
        names = [self.engine.get_tensor_name(i) for i in range(self.engine.num_io_tensors)]
        is_input = tensorrt.TensorIOMode.INPUT
        (self.input,) = (n for n in names if self.engine.get_tensor_mode(n) == is_input)
        shape = tuple(self.engine.get_tensor_shape(self.input))
        self.is_nhwc = shape[3] == 3
        height, width = shape[1:3] if self.is_nhwc else shape[2:4]
        if min(height, width) <= 0:
            raise InputError(f"{path}: needs a fixed input height and width, not {shape}")
        self.fixed_shape: tuple[int, int] | None = (int(height), int(width))
        axis = 3 if self.is_nhwc else 1
        self.outputs = {
            tuple(self.engine.get_tensor_shape(n))[axis]: n for n in names if n != self.input
        }
        if not {pose.heatmap_channels, pose.paf_channels} <= self.outputs.keys():
            raise InputError(f"{path}: its outputs are not the pose config's heatmaps and PAFs")
        self.context = self.engine.create_execution_context()

    def __call__(self, image: Array) -> tuple[Array, Array]:
        """See `Network`."""
        tensor = self.normalise(image)
        tensor = tensor if self.is_nhwc else tensor.transpose(2, 0, 1)
        batch = torch.from_numpy(np.ascontiguousarray(tensor[None])).cuda()
        self.context.set_input_shape(self.input, tuple(batch.shape))
        self.context.set_tensor_address(self.input, batch.data_ptr())
        results = {}
        for channels, name in self.outputs.items():
            shape = tuple(self.context.get_tensor_shape(name))
            results[channels] = torch.empty(shape, device="cuda")
            self.context.set_tensor_address(name, results[channels].data_ptr())
        stream = torch.cuda.current_stream()
        if not self.context.execute_async_v3(stream.cuda_stream):
            raise RuntimeError("TensorRT failed to run the engine")
        stream.synchronize()
        wanted = results[self.pose.heatmap_channels], results[self.pose.paf_channels]
        heatmaps, pafs = (m[0] if self.is_nhwc else m[0].permute(1, 2, 0) for m in wanted)
        return heatmaps.contiguous().cpu().numpy(), pafs.contiguous().cpu().numpy()
