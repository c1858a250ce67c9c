"""Heatmaps and PAFs by a TensorRT engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from converter import InputError
from converter.bodypose.photo import Normaliser
from training.bpnet.arrays import Array
from training.bpnet.dataloader_spec import NormalizationParams
from training.bpnet.networks import map_outputs
from training.bpnet.pose_config import PoseConfig
from training.common.engine.session import EngineSession


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
        on_gpu = torch.cuda.is_available()
        self.session = EngineSession(path, torch.device("cuda" if on_gpu else "cpu"))
        self.pose, self.normalise = pose, Normaliser(normalization)
        (self.input,) = self.session.inputs
        shape = self.session.shape(self.input)
        self.is_nhwc = shape[3] == 3
        height, width = shape[1:3] if self.is_nhwc else shape[2:4]
        if min(height, width) <= 0:
            raise InputError(f"{path}: needs a fixed input height and width, not {shape}")
        self.fixed_shape: tuple[int, int] | None = (int(height), int(width))
        axis = 3 if self.is_nhwc else 1
        channels = {name: self.session.shape(name)[axis] for name in self.session.outputs}
        self.outputs = map_outputs(channels, pose, path)

    def __call__(self, image: Array) -> tuple[Array, Array]:
        """See `Network`."""
        tensor = self.normalise(image)
        tensor = tensor if self.is_nhwc else tensor.transpose(2, 0, 1)
        batch = torch.from_numpy(np.ascontiguousarray(tensor[None]))
        results = self.session({self.input: batch})
        wanted = [results[name][0] for name in self.outputs]
        heatmaps, pafs = (m if self.is_nhwc else m.permute(1, 2, 0) for m in wanted)
        return heatmaps.contiguous().cpu().numpy(), pafs.contiguous().cpu().numpy()
