"""Options of the tasks beside training: dataset_convert, export, gen_trt_engine.

They are sections of :class:`training.pose_classification.spec.ExperimentSpec`.
"""

from __future__ import annotations

from typing import Literal, cast

from pydantic import Field, model_validator

from converter import ConvertConfig
from training.common.spec import OptionalText, SpecModel

_CONVERT = ConvertConfig()
PoseType = Literal["3dbp", "25dbp", "2dbp"]


class ExportSpec(SpecModel):
    """The ONNX export task."""

    checkpoint: OptionalText = Field(default=None, description="The .pth to export.")
    onnx_file: OptionalText = Field(
        default=None,
        description="File to write; default: named like the checkpoint, in results_dir.",
    )
    triton: OptionalText = Field(
        default=None,
        description="Beyond TAO: model_repository, or a copy of it, to serve the network from, "
        "instead of onnx_file; replaces the network of its pose type there.",
    )
    results_dir: OptionalText = Field(default=None, description="Default: <results_dir>/export.")
    gpu_id: int = Field(default=0, ge=0, description="GPU to use; the CPU where there is none.")
    sequence_length: int | None = Field(
        default=None, gt=0, description="Beyond TAO: fix the number of frames; default: any number."
    )
    num_persons: int | None = Field(
        default=None,
        gt=0,
        description="Beyond TAO: persons in a sequence (M); default: 2 for NTU, else 1.",
    )
    temperature: float | None = Field(
        default=None,
        gt=0,
        description="Beyond TAO: divisor of the logits in softmax, written into the metadata; "
        "default: the checkpoint's.",
    )
    data_type: Literal["FP32", "INT8"] = Field(
        default="FP32",
        description="Beyond TAO: INT8 is for ONNX Runtime on a CPU with VNNI; TensorRT takes FP32.",
    )
    calibration_data: OptionalText = Field(
        default=None, description="Beyond TAO: .npy of real sequences for INT8."
    )
    overwrite: bool = Field(default=False, description="Beyond TAO: replace an existing onnx_file.")


class DatasetConvertSpec(SpecModel):
    """The task that makes arrays from the JSON of deepstream-bodypose-3d."""

    data: OptionalText = Field(default=None, description="The JSON file.")
    results_dir: OptionalText = Field(
        default=None,
        description="Default: <results_dir>/dataset_convert.",
    )
    pose_type: PoseType = Field(
        default=cast(PoseType, _CONVERT.pose_type), description="Which poses to take."
    )
    num_joints: int = Field(default=_CONVERT.num_joints, gt=0, description="Joints of a pose.")
    input_width: int = Field(
        default=_CONVERT.frame_width,
        gt=0,
        description="Image width in pixels.",
    )
    input_height: int = Field(
        default=_CONVERT.frame_height,
        gt=0,
        description="Image height in pixels.",
    )
    focal_length: float = Field(
        default=_CONVERT.focal_length,
        gt=0,
        description="Focal length in pixels.",
    )
    sequence_length_max: int = Field(
        default=_CONVERT.sequence_length_max, gt=0, description="Frames of the arrays (T)."
    )
    sequence_length_min: int = Field(
        default=_CONVERT.sequence_length_min, gt=0, description="Shorter segments are not made."
    )
    sequence_length: int = Field(
        default=_CONVERT.sequence_length,
        gt=0,
        description="Frames of a segment.",
    )
    sequence_overlap: float = Field(
        default=_CONVERT.sequence_overlap,
        gt=0,
        lt=1,
        description="Stride between segments as a fraction of sequence_length.",
    )
    frame_rate: float = Field(
        default=_CONVERT.frame_rate,
        gt=0,
        description="Beyond TAO: poses per second in the data, which are interpolated to 30.",
    )


class TensorRTSpec(SpecModel):
    """How the TensorRT engine is built."""

    data_type: Literal["FP32", "FP16", "INT8"] = Field(default="FP32", description="Precision.")
    workspace_size: int = Field(default=1024, gt=0, description="Memory for building, MiB.")
    min_batch_size: int = Field(default=1, gt=0, description="Smallest batch.")
    opt_batch_size: int = Field(default=4, gt=0, description="Batch the engine is tuned for.")
    max_batch_size: int = Field(default=16, gt=0, description="Largest batch.")
    opt_sequence_length: int | None = Field(
        default=None,
        gt=0,
        description="Beyond TAO: frames the engine is tuned for; default: 100 for a masked "
        "network, 300 for TAO's.",
    )
    max_sequence_length: int = Field(
        default=300, gt=0, description="Beyond TAO: largest number of frames."
    )
    calibration_data: OptionalText = Field(
        default=None, description="Beyond TAO: .npy of real sequences for FP16 and INT8."
    )

    @model_validator(mode="after")
    def _ordered(self) -> TensorRTSpec:
        sizes = (self.min_batch_size, self.opt_batch_size, self.max_batch_size)
        if list(sizes) != sorted(sizes):
            raise ValueError(f"opt_batch_size: min, opt and max {sizes} should not decrease")
        if (self.opt_sequence_length or 1) > self.max_sequence_length:
            raise ValueError("opt_sequence_length: should be at most max_sequence_length")
        return self


class GenTrtEngineSpec(SpecModel):
    """The task that builds a TensorRT engine."""

    onnx_file: OptionalText = Field(default=None, description="The exported ONNX.")
    trt_engine: OptionalText = Field(
        default=None, description="Engine to write; default: model.plan beside the ONNX."
    )
    results_dir: OptionalText = Field(
        default=None,
        description="Default: <results_dir>/gen_trt_engine.",
    )
    gpu_id: int = Field(default=0, ge=0, description="GPU to build for.")
    verbose: bool = Field(default=False, description="Show TensorRT's own log.")
    dry_run: bool = Field(
        default=False, description="Beyond TAO: print the commands and build nothing; needs no GPU."
    )
    tensorrt: TensorRTSpec = Field(default=TensorRTSpec(), description="TensorRT.")
