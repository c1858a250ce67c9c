"""ONNX files: made from a trained network, checked, and labelled with what the network is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from converter import InputError
from converter.atomic import check_place
from training.common import exporting
from training.common.results import write_atomic
from training.pose_classification.metadata import ModelMetadata

INPUT, OUTPUT = "input", "fc_pred"
TOLERANCE = 1e-4  # of logits, relative to the largest
FRAMES = 300


@dataclass(frozen=True)
class InputShape:
    """What a network is fed, (N, C, T, V, M) with any N.

    Attributes:
        channels: C.
        joints: V.
        persons: M.
        frames: T, or None: any.
    """

    channels: int
    joints: int
    persons: int = 1
    frames: int | None = None

    def example(self, batch: int, frames: int, seed: int = 0) -> Tensor:
        """Smooth random poses, float32, whose last quarter is padding."""
        generator = torch.Generator().manual_seed(seed)
        shape = (batch, self.channels, self.frames or frames, self.joints, self.persons)
        x = torch.randn(shape, generator=generator).cumsum(dim=2)
        x = x / x.abs().amax(dim=(1, 2, 3, 4), keepdim=True)
        x[:, :, (3 * shape[2] + 3) // 4 :] = 0
        return x


def to_onnx(net: nn.Module, shape: InputShape) -> onnx.ModelProto:
    """Export a network as it is; give it a deployed form first.

    Returns:
        A checked model with input `input`, output `fc_pred`, N open, and T where the shape says.
    """
    batch, frames = torch.export.Dim("batch", min=1), torch.export.Dim("frames", min=1)
    axes = {0: batch} if shape.frames else {0: batch, 2: frames}
    return exporting.to_onnx(net, shape.example(2, FRAMES), (INPUT, [OUTPUT]), axes)


def largest_difference(model: onnx.ModelProto, net: nn.Module, shape: InputShape) -> float:
    """Compare ONNX Runtime with the network on clips of several lengths and batch sizes.

    Returns:
        The largest difference of a logit, as a share of the largest logit of its batch.
    """
    device = next(net.parameters()).device
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    worst = 0.0
    for seed, (batch, frames) in enumerate(((1, FRAMES), (3, 100), (2, 37), (1, 1))):
        clip = shape.example(batch, frames, seed)
        with torch.no_grad():
            expected: NDArray[np.float32] = net(clip.to(device)).cpu().numpy()
        (got,) = session.run([OUTPUT], {INPUT: clip.numpy()})
        worst = max(worst, float(np.abs(got - expected).max() / np.abs(expected).max()))
    return worst


def check_onnx_path(path: Path, option: str) -> None:
    """See before long work that a file and its facts can be written.

    Raises:
        InputError: they cannot, or the facts would have the same name.
    """
    if path.suffix == ".json":
        raise InputError(f"{option} {path}: must end in .onnx; the .json goes beside it")
    check_place(path, f"; change {option}")


def write_model(model: onnx.ModelProto, metadata: ModelMetadata, path: Path) -> None:
    """Write the ONNX with its facts inside, `<name>.json` beside it, and `labels.txt`.

    The labels go where Triton looks for them: into the folder of the model when the file is
    written into a version's folder (a number), else beside the file.
    """
    folder = path.parent
    labels = (folder.parent if folder.name.isdecimal() else folder) / "labels.txt"
    write_atomic(labels, "".join(f"{name}\n" for name in metadata.classes).encode())
    exporting.write_onnx(model, metadata.as_properties(), metadata.as_dict(), path)
