"""The task `gen_trt_engine`: an exported ONNX file becomes a TensorRT engine."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from converter import InputError
from converter.bodypose.photo import Normaliser
from training.bpnet.calibration import NO_CALIBRATION, CalibrationSource
from training.bpnet.dataloader_spec import NormalizationParams
from training.common.engine.build import make_engine
from training.common.engine.request import EngineRequest
from training.common.spec import make_spec


@dataclass(frozen=True)
class EngineOptions:
    """What engine is wanted.

    Attributes:
        data_type: `fp32`, `fp16` or `int8`; put into the network by TensorRT's tools.
        batches: smallest, usual and largest batch.
        calibration: images for `int8`, and for `fp16` with TensorRT 11.
        workspace: MiB.
        gpu: index of the GPU.
        dry_run: print the commands and do nothing.
    """

    data_type: str = "fp16"
    batches: tuple[int, int, int] = (1, 8, 16)
    calibration: CalibrationSource = NO_CALIBRATION
    workspace: int = 1024
    gpu: int = 0
    dry_run: bool = False


def build(onnx: Path, plan: Path, options: EngineOptions) -> Mapping[str, Any] | None:
    """Build an engine, check it against ONNX Runtime, and note beside it what it is.

    Args:
        onnx: an FP32 export of fixed input size.
        plan: the engine.
        options: what is wanted.

    Returns:
        The facts that were noted; None for a dry run.

    Raises:
        InputError: not such an export, no GPU, no TensorRT, no calibration images; the engine
            has the export's name.
        RuntimeError: TensorRT failed or the engine is not what was asked for.
    """
    if plan.resolve() == onnx.resolve():
        raise InputError(f"{plan}: the engine would replace the model; give another name")
    shape, is_nhwc, normalise = _input(onnx)
    if options.data_type != "fp32" and not options.calibration.is_given:
        raise InputError(f"{options.data_type} is calibrated on images: give --cal_image_dir")
    with tempfile.TemporaryDirectory() as folder:
        data, name = None, ""
        if options.calibration.is_given:
            data = options.calibration.data
            if data is None:
                data = Path(folder) / "calibration.npy"
                name = (
                    f"the images of {options.calibration.images} (--cal_data_file keeps the inputs)"
                )
            replace(options.calibration, data=data).inputs(normalise, shape, is_nhwc)
        request = EngineRequest(
            onnx,
            plan,
            options.data_type,
            {"batch": options.batches},
            calibration=data,
            calibration_name=name,
            workspace=options.workspace,
            gpu=options.gpu,
        )
        return make_engine(request, dry=options.dry_run)


def _input(onnx: Path) -> tuple[tuple[int, int], bool, Normaliser]:
    """Height and width, whether channels come last, and the scaling of images."""
    session = EngineRequest(onnx, onnx, "fp32", {}).reference
    shape = session.get_inputs()[0].shape
    facts = session.get_modelmeta().custom_metadata_map
    if len(shape) != 4 or 3 not in (shape[1], shape[3]) or "normalization" not in facts:
        raise InputError(f"{onnx}: not an export of `bpnet export`")
    is_nhwc = shape[3] == 3
    height, width = shape[1:3] if is_nhwc else shape[2:4]
    if not (isinstance(height, int) and isinstance(width, int)):
        raise InputError(f"{onnx}: its input size is open; export it with -d HEIGHT,WIDTH,3")
    params = make_spec(NormalizationParams, json.loads(facts["normalization"]), source=str(onnx))
    return (height, width), is_nhwc, Normaliser(params)
