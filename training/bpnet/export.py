"""The task `export`: a trained network becomes an ONNX file, checked against itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from converter import InputError
from converter.bodypose.photo import STRIDE, Normaliser
from training.bpnet.arrays import Array
from training.bpnet.calibration import NO_CALIBRATION, CalibrationSource
from training.bpnet.graph_parser import GraphParser
from training.bpnet.model import BodyPoseNet
from training.bpnet.precision import to_half, to_int8
from training.bpnet.saved_model import ModelInfo
from training.common.exporting import to_onnx, write_onnx
from training.common.version import program_version

# TAO's tensor names, which deployed pipelines ask for.
INPUT = "input_1:0"
HEATMAPS = "heatmap_out/BiasAdd:0"
PAFS = "paf_out/BiasAdd:0"
ENLARGED_PAFS = "conv2d_transpose_1/BiasAdd:0"
PEAKS, LIMBS = "peaks", "limb_scores"

# Largest difference from torch, as a share of the largest value; INT8 is measured, not limited.
TOLERANCES = {"fp32": 1e-4, "fp16": 2e-2}


@dataclass(frozen=True)
class ExportOptions:
    """What the file shall be.

    Attributes:
        height: of the input; 0 leaves it open.
        width: of the input; 0 leaves it open.
        layout: `channels_last` (N, H, W, 3) or `channels_first`.
        data_type: `fp32`, `fp16` or `int8`; inputs and outputs stay FP32.
        batch: a fixed batch size, or -1 for any.
        sdk_upsampling: enlarge the PAFs by this factor, as TAO's SDK pipelines want them; 0: no.
        people: put the search for peaks and the scoring of limbs into the graph too, for at most
            this many people; 0: give the maps. Needs a fixed size of at least as many cells.
        calibration: images for `int8`.
    """

    height: int = 256
    width: int = 256
    layout: str = "channels_last"
    data_type: str = "fp32"
    batch: int = -1
    sdk_upsampling: int = 0
    people: int = 0
    calibration: CalibrationSource = NO_CALIBRATION

    def check(self) -> None:
        """Raise `InputError` where options do not go together."""
        for name, side in (("height", self.height), ("width", self.width)):
            if side < 0 or side % STRIDE:
                raise InputError(
                    f"input {name} {side} must be a multiple of {STRIDE}, or 0 for any size"
                )
        if self.data_type == "int8" and not self.calibration.is_given:
            raise InputError("int8 needs --cal_image_dir, a folder of images to calibrate on")
        if self.data_type == "int8" and not (self.height and self.width):
            raise InputError("int8 needs a fixed input size, -d HEIGHT,WIDTH,3")
        if self.people and self.sdk_upsampling:
            raise InputError(
                "--people gives no PAFs that could be enlarged: leave out --sdk_compatible_model"
            )
        if self.people and not (self.height and self.width):
            raise InputError("--people needs a fixed input size, -d HEIGHT,WIDTH,3")
        cells = self.height * self.width // STRIDE**2
        if self.people > cells:
            raise InputError(
                f"--people {self.people}: the maps of {self.height}x{self.width} pixels have only "
                f"{cells} cells; give fewer people or a larger -d"
            )
        if self.people and self.data_type != "fp32":
            raise InputError(
                "--people needs --data_type fp32: pixel positions do not fit into less"
            )


class ExportedNet(nn.Module):
    """The last stage's maps, or what is found in them, in the layout asked for."""

    def __init__(self, model: BodyPoseNet, info: ModelInfo, options: ExportOptions) -> None:
        super().__init__()
        self.model = model
        self.channels_last = options.layout == "channels_last"
        self.parser = GraphParser(info.pose, options.people) if options.people else None
        self.enlarge = None
        if options.sdk_upsampling:
            self.enlarge = nn.Upsample(scale_factor=options.sdk_upsampling, mode="nearest")

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Normalised image -> PAFs and heatmaps, or peaks and limb scores."""
        if self.channels_last:
            image = image.permute(0, 3, 1, 2)
        heatmaps, pafs = self.model(image)[-1]
        if self.parser is not None:
            found: tuple[torch.Tensor, torch.Tensor] = self.parser(heatmaps, pafs)
            return found
        if self.enlarge is not None:
            pafs = self.enlarge(pafs)
        if self.channels_last:
            pafs, heatmaps = pafs.permute(0, 2, 3, 1), heatmaps.permute(0, 2, 3, 1)
        return pafs, heatmaps


def export(model: BodyPoseNet, info: ModelInfo, options: ExportOptions, path: Path) -> float:
    """Write the ONNX and `<name>.json` beside it, which says what it is.

    Args:
        model: the trained network.
        info: what it is.
        options: what the file shall be.
        path: the file; replaced if it exists.

    Returns:
        The largest difference of a map from torch's, as a share of the largest value.

    Raises:
        InputError: options that do not go together; no images to calibrate on.
        RuntimeError: the difference is larger than the data type explains; nothing is written.
    """
    options.check()
    net = ExportedNet(model.eval(), info, options).eval()
    exported = _to_onnx(net, options)
    if options.data_type == "fp16":
        exported = to_half(exported)
    image = _example(options, 1, seed=1)
    if options.data_type == "int8":
        batches = _batches(info, options)
        exported = to_int8(exported, INPUT, batches)
        image = torch.from_numpy(batches[0])  # its ranges are those of photos
    plain = exported
    if options.people:  # a peak may move to its neighbour for a rounding error: maps are compared
        maps = replace(options, people=0)
        net = ExportedNet(model, info, maps).eval()
        plain = _to_onnx(net, maps)
    difference = largest_difference(plain, net, image)
    limit = TOLERANCES.get(options.data_type)
    if limit is not None and not difference <= limit:
        raise RuntimeError(
            f"maps of the exported network differ by {difference:.1e} of the largest value, more "
            f"than {limit:.0e}: nothing written"
        )
    facts = _facts(info, options)
    write_onnx(exported, facts, facts, path)
    return difference


def largest_difference(exported: onnx.ModelProto, net: nn.Module, image: torch.Tensor) -> float:
    """Compare ONNX Runtime with torch on a batch of images, as a share of the largest value."""
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    with torch.inference_mode():
        expected = net(image)
    found = session.run([item.name for item in session.get_outputs()], {INPUT: image.numpy()})
    worst = 0.0
    for ours, theirs in zip(found, expected, strict=True):
        scale = max(float(theirs.abs().max()), 1e-6)
        worst = max(worst, float(np.abs(ours - theirs.numpy()).max()) / scale)
    return worst


def _to_onnx(net: ExportedNet, options: ExportOptions) -> onnx.ModelProto:
    axes: dict[int, Any] = {}
    first = 1 if options.layout == "channels_last" else 2
    if options.batch < 1:
        axes[0] = torch.export.Dim("batch", min=1)
    if not (options.height and options.width):
        for offset, name in enumerate(("rows", "columns")):
            axes[first + offset] = STRIDE * torch.export.Dim(name, min=2)
    outputs = [PAFS, HEATMAPS]
    if options.people:
        outputs = [PEAKS, LIMBS]
    elif options.sdk_upsampling:
        outputs = [ENLARGED_PAFS, HEATMAPS]
    return to_onnx(net, _example(options, 2, seed=0), (INPUT, outputs), axes)


def _example(options: ExportOptions, batch: int, seed: int) -> torch.Tensor:
    """Smooth random images as the network takes them, -0.5..0.5; `batch` where it is open."""
    size = options.height or 6 * STRIDE, options.width or 7 * STRIDE
    batch = batch if options.batch < 1 else options.batch
    coarse = torch.rand(batch, 3, 6, 6, generator=torch.Generator().manual_seed(seed)) - 0.5
    image = nn.functional.interpolate(coarse, size, mode="bilinear")
    return image.permute(0, 2, 3, 1) if options.layout == "channels_last" else image


def _batches(info: ModelInfo, options: ExportOptions) -> list[Array]:
    """Calibration images as the network takes them, a batch each."""
    shape, is_nhwc = (options.height, options.width), options.layout == "channels_last"
    inputs = options.calibration.inputs(Normaliser(info.normalization), shape, is_nhwc)
    return [np.repeat(image[None], max(options.batch, 1), axis=0) for image in inputs]


def _facts(info: ModelInfo, options: ExportOptions) -> dict[str, str]:
    return {
        "pose_config": json.dumps(dict(info.pose.document)),
        "normalization": info.normalization.model_dump_json(),
        "data_type": options.data_type,
        "layout": options.layout,
        "version": program_version(),
    }
